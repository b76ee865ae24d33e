import { defineCheck, type Check } from '../check.ts';
import type { McpAnswer } from '../mcp-exchange.ts';
import { modernVersion } from '../mcp-requests.ts';
import { rpcCodes } from '../../wire/message.ts';
import { mcp } from '../specification.ts';

/** From which version a server can ask in a form, and at a link. */
const formsSince = '2025-06-18';
const linksSince = '2025-11-25';

export const elicitation: Check = defineCheck({
  id: 'elicitation',
  title: 'Questions to a person (elicitation)',
  asks: 'Nothing more: every request offered both kinds of question, in a form and at a link; the answers are looked at.',
  judges:
    'The version that is spoken has both, and no answer uses what the newer revision has done away with.',
  specification: [mcp('Elicitation', 'Capabilities'), mcp('Elicitation', 'URL Mode')],
  findings: {
    'elicitation.no-link': {
      severity: 'note',
      fixedBy: 'server',
      meaning:
        'The version that the server speaks cannot send a person to a link: what is secret can only be asked for in its own pages, unannounced.',
      fix: `Speak ${linksSince} or a newer revision.`,
      specification: mcp('Elicitation', 'URL Mode'),
    },
    'elicitation.older-code': {
      severity: 'warning',
      fixedBy: 'server',
      meaning: `A link is asked for by error -32042, which revision ${modernVersion} has done away with.`,
      fix: 'Answer with a result that asks for input (resultType "input_required").',
      specification: mcp('Versioning', 'Error Codes'),
    },
    'elicitation.asks-at-once': {
      severity: 'note',
      fixedBy: 'person',
      meaning: 'The server asks for something at a link before it answers anything.',
      fix: 'Follow the link when a call shows it.',
      specification: mcp('Elicitation', 'URL Mode'),
    },
  },
  run(step) {
    const { known } = step;
    const answers = [known.initialize, known.discover, known.refusal?.answer, known.accepted].filter(
      (answer): answer is McpAnswer => answer !== undefined,
    );
    const asking = answers.find(
      ({ message }) => message?.kind === 'error' && message.error.code === rpcCodes.urlElicitationRequired,
    );
    if (asking !== undefined) {
      if (known.modernVersions !== undefined)
        step.find('elicitation.older-code', {
          what: `A request of revision ${modernVersion} is answered with error -32042.`,
        });
      else step.find('elicitation.asks-at-once', { what: 'A request is answered with error -32042.' });
    }
    if (known.modernVersions !== undefined)
      return step.fact('a call can ask in a form and at a link, and is repeated with the answer');
    const version = known.legacyVersion;
    if (version === undefined) return step.skip('which version would be spoken shows only with credentials');
    if (version >= linksSince) return step.fact('the server can ask in a form and at a link');
    step.find('elicitation.no-link', {
      what: `The server speaks ${version}, which ${version >= formsSince ? 'can ask in a form, and not at a link' : 'cannot ask a person anything'}.`,
      meanwhile: 'Nothing is lost of what the server can do.',
    });
  },
});
