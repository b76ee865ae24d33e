import { spokenVersions } from '../../client/session/version-offer.ts';
import { isObject } from '../../wire/message.ts';
import { defineCheck, type Check } from '../check.ts';
import type { McpAnswer } from '../mcp-exchange.ts';
import {
  describeAnswer,
  discoverAsk,
  initializeAsk,
  initializedAsk,
  isRefusal,
  legacyVersion,
} from '../mcp-requests.ts';
import { mcp } from '../specification.ts';
import type { Step } from '../step.ts';

export const initialize: Check = defineCheck({
  id: 'initialize',
  title: 'The handshake (revisions up to 2025-11-25)',
  asks: 'A POST of `initialize`, with the newest version that has a handshake and all that a client of ours can do.',
  judges: 'The answer is a result with a version that both speak, or a refusal that asks for credentials.',
  specification: [mcp('Versioning', 'Backward Compatibility')],
  findings: {
    'initialize.version-unknown': {
      severity: 'problem',
      fixedBy: 'server',
      meaning: 'The server answers with a version of the protocol that is none, or that nobody here speaks.',
      fix: 'Answer with the version that was asked for, or with another that has been published.',
      specification: mcp('Versioning', 'Version Negotiation'),
    },
    'initialize.capability-refused': {
      severity: 'warning',
      fixedBy: 'server',
      meaning:
        'The server refuses a client for what it says it can do, which it has to ignore where it does not know it.',
      fix: 'Accept capabilities that are not known, such as "elicitation.url".',
      specification: mcp('Elicitation', 'Capabilities'),
    },
  },
  async run(step) {
    const { known } = step;
    if (!known.reached) return step.skip('the server was not reached');
    const answer = await step.ask(initializeAsk());
    known.initialize = answer;
    noteRefusal(step, answer, 'initialize');
    const { message } = answer;
    if (message?.kind !== 'result') {
      step.fact(`initialize was answered with ${describeAnswer(answer)}`);
      if (message?.kind !== 'error' || isRefusal(answer)) return;
      const again = await step.ask({ ...initializeAsk({}), purpose: 'initialize, without capabilities' });
      if (again.message?.kind !== 'result') return;
      step.find('initialize.capability-refused', {
        what: `initialize is answered with error ${message.error.code} to a client that offers elicitation, and with a result to one that does not.`,
      });
      known.initialize = again;
      return noteHandshake(step, again);
    }
    noteHandshake(step, answer);
    if (known.legacyVersion !== undefined) await step.ask(initializedAsk(step));
  },
});

function noteHandshake(
  step: Step<'initialize.version-unknown' | 'initialize.capability-refused'>,
  { message }: McpAnswer,
): void {
  const result = message?.kind === 'result' && isObject(message.result) ? message.result : {};
  const { protocolVersion, serverInfo, capabilities } = result;
  const version = typeof protocolVersion === 'string' ? step.redact(protocolVersion, 40) : 'none';
  if (!spokenVersions.includes(version)) {
    return step.find('initialize.version-unknown', {
      what: `The server answers initialize (asked for ${legacyVersion}) with the version ${JSON.stringify(version)}.`,
    });
  }
  step.known.legacyVersion = version;
  const name =
    isObject(serverInfo) && typeof serverInfo['name'] === 'string'
      ? step.redact(serverInfo['name'], 80)
      : undefined;
  step.fact(`speaks ${version}${name === undefined ? '' : `, and calls itself ${JSON.stringify(name)}`}`);
  if (isObject(capabilities))
    step.fact(
      `capabilities: ${step.redact(Object.keys(capabilities).slice(0, 20).join(', ') || 'none', 200)}`,
    );
}

export const discover: Check = defineCheck({
  id: 'discover',
  title: 'Without a handshake (revision 2026-07-28)',
  asks: 'A POST of `server/discover`, with the headers and the `_meta` of that revision.',
  judges:
    'The answer is a result that names versions, a refusal that asks for credentials, or the error of a server that does not know the method. One of the two eras has to be spoken.',
  specification: [mcp('Discovery', 'server/discover'), mcp('Versioning', 'Backward Compatibility')],
  findings: {
    'discover.no-versions': {
      severity: 'warning',
      fixedBy: 'server',
      meaning: 'The result of `server/discover` does not say which versions the server speaks.',
      fix: 'Name them in "supportedVersions".',
      specification: mcp('Discovery', 'server/discover'),
    },
    'discover.no-common-version': {
      severity: 'problem',
      fixedBy: 'server',
      meaning: 'The server speaks no version that is spoken here.',
      fix: 'One side has to be brought up to date.',
      specification: mcp('Versioning', 'Version Negotiation'),
    },
    'discover.breaks': {
      severity: 'warning',
      fixedBy: 'server',
      meaning:
        'A server with a handshake fails (5xx) when it is asked for the newer revision, in place of refusing it.',
      fix: 'Answer a method that is not known with error -32601.',
      specification: mcp('Versioning', 'Backward Compatibility'),
    },
  },
  async run(step) {
    const { known } = step;
    if (!known.reached) return step.skip('the server was not reached');
    const answer = await step.ask(discoverAsk());
    known.discover = answer;
    noteRefusal(step, answer, 'server/discover');
    const { message, status } = answer;
    if (message?.kind !== 'result') {
      step.fact(`server/discover was answered with ${describeAnswer(answer)}`);
      if (status >= 500 && known.legacyVersion !== undefined) {
        step.find('discover.breaks', {
          what: `server/discover is answered with status ${status}.`,
          meanwhile: 'Set the version that is spoken, so that nothing else is tried.',
          configure: { protocolVersion: known.legacyVersion },
        });
      }
      return;
    }
    const versions = isObject(message.result) ? message.result['supportedVersions'] : undefined;
    if (!Array.isArray(versions) || versions.length === 0) {
      return step.find('discover.no-versions', {
        what: 'The result of server/discover has no "supportedVersions".',
      });
    }
    const named = versions.slice(0, 20).map((version) => step.redact(String(version), 40));
    step.fact(`offers ${named.join(', ')}`);
    if (named.some((version) => spokenVersions.includes(version))) known.modernVersions = named;
    else
      step.find('discover.no-common-version', {
        what: `The server speaks ${named.join(', ')}; spoken here are ${spokenVersions.join(', ')}.`,
      });
  },
});

function noteRefusal({ known }: Pick<Step, 'known'>, answer: McpAnswer, method: string): void {
  if (known.refusal === undefined && isRefusal(answer)) known.refusal = { answer, method };
}
