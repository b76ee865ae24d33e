import { challengeParameter, parseChallenge, type Challenge } from '../../oauth/challenge.ts';
import { describeUrl } from '../../oauth/describe-url.ts';
import { defineCheck, type Check } from '../check.ts';
import { isRefusal, leaveAsk, requestAsk } from '../mcp-requests.ts';
import { mcp, rfc } from '../specification.ts';
import type { Step } from '../step.ts';

type FindingId =
  | 'challenge.missing'
  | 'challenge.other-scheme'
  | 'challenge.metadata-unnamed'
  | 'challenge.metadata-unreadable'
  | 'challenge.metadata-elsewhere'
  | 'challenge.late'
  | 'challenge.forbidden';

export const challenge: Check = defineCheck<FindingId>({
  id: 'challenge',
  title: 'What is asked for (401)',
  asks: 'Nothing more where the handshake was refused. Else `tools/list`, and a `tools/call` of a tool that no server has: some refuse only that.',
  judges:
    'Who is refused is told so by 401, with a challenge that names Bearer (or DPoP) and where the resource’s metadata is.',
  specification: [rfc(9110, '11.6.1'), rfc(6750, '3'), rfc(9728, '5.1')],
  findings: {
    'challenge.missing': {
      severity: 'warning',
      fixedBy: 'server',
      meaning: 'A 401 comes without a WWW-Authenticate header.',
      fix: 'Send "WWW-Authenticate: Bearer resource_metadata=…" with every 401.',
      specification: rfc(9110, '15.5.2'),
    },
    'challenge.other-scheme': {
      severity: 'problem',
      fixedBy: 'server',
      meaning: 'The challenge names no scheme that OAuth has.',
      fix: 'Offer Bearer; or tell people which credential is wanted in which header.',
      specification: mcp('Authorization', 'Access Token Usage'),
    },
    'challenge.metadata-unnamed': {
      severity: 'note',
      fixedBy: 'server',
      meaning:
        'The challenge does not say where the resource’s metadata is: it has to be at a well-known place.',
      fix: 'Name it in "resource_metadata".',
      specification: rfc(9728, '5.1'),
    },
    'challenge.metadata-unreadable': {
      severity: 'warning',
      fixedBy: 'server',
      meaning:
        'The "resource_metadata" of the challenge is no absolute URL. It counts as left out here; other clients give up.',
      fix: 'Write it as a whole URL, between double quotes.',
      specification: rfc(9728, '5.1'),
    },
    'challenge.metadata-elsewhere': {
      severity: 'note',
      fixedBy: 'server',
      meaning: 'The challenge leads to metadata at another host. Careful clients refuse that.',
      fix: 'Serve the metadata at the server’s own host.',
      specification: rfc(9728, '7.7'),
    },
    'challenge.late': {
      severity: 'note',
      fixedBy: 'server',
      meaning:
        'Anybody may shake hands; only a later request is refused. A client looks connected before its person has signed in.',
      fix: 'Refuse the first request, where nothing is meant for everybody.',
      specification: mcp('Authorization', 'Access Token Usage'),
    },
    'challenge.forbidden': {
      severity: 'warning',
      fixedBy: 'server',
      meaning: 'Who has no token is answered 403 in place of 401.',
      fix: 'Answer 401 where a token is missing or bad, and 403 where its scopes are too small.',
      specification: rfc(6750, '3.1'),
    },
  },
  async run(step) {
    const { known } = step;
    const speaks = known.legacyVersion !== undefined || known.modernVersions !== undefined;
    if (known.refusal === undefined && !speaks) return step.skip('no MCP server was met');
    if (known.refusal === undefined) await lookFurther(step);
    const { refusal } = known;
    if (refusal === undefined) {
      known.isOpen = true;
      return step.fact('whatever was asked was answered without credentials: no sign-in is asked for');
    }
    if (refusal.method === 'tools/list' || refusal.method === 'tools/call') {
      step.find('challenge.late', {
        what: `The handshake is open to anybody; ${refusal.method} is refused with status ${refusal.answer.status}.`,
        meanwhile: 'Nothing: a sign-in is offered when a call is refused.',
      });
    }
    judge(step, refusal.answer.response, refusal.answer.status);
  },
});

async function lookFurther(step: Step<FindingId>): Promise<void> {
  for (const method of ['tools/list', 'tools/call'] as const) {
    const answer = await step.ask(requestAsk(step, method));
    if (method === 'tools/list') step.known.accepted = answer;
    if (!isRefusal(answer)) continue;
    step.known.refusal = { answer, method };
    break;
  }
  const leave = leaveAsk(step);
  if (leave !== undefined) await step.ask(leave).catch(() => {});
}

function judge(step: Step<FindingId>, response: Response, status: number): void {
  const { known, url, redact } = step;
  const found = parseChallenge(response);
  known.challenge = found;
  if (found === undefined) {
    return step.find('challenge.missing', {
      what: `Status ${status} comes without a challenge.`,
      meanwhile: 'Nothing: the well-known places are looked at all the same.',
    });
  }
  step.fact(describe(found, redact));
  if (status === 403 && found.error !== 'insufficient_scope')
    step.find('challenge.forbidden', { what: 'A request without a token is answered with status 403.' });
  if (found.scheme !== 'bearer' && found.scheme !== 'dpop') {
    return step.find('challenge.other-scheme', {
      what: `The challenge offers ${redact(found.schemes.join(', '), 100)}, and neither Bearer nor DPoP.`,
      meanwhile: 'Configure the credential that the server’s operator gives out, as a header.',
      configure: { auth: { type: 'api_key', key: { env: 'SERVER_KEY' }, headerName: 'Authorization' } },
    });
  }
  const sent = challengeParameter(response, 'resource_metadata');
  if (found.resourceMetadataUrl === undefined) {
    if (sent === undefined)
      return step.find('challenge.metadata-unnamed', { what: 'The challenge has no "resource_metadata".' });
    return step.find('challenge.metadata-unreadable', {
      what: `"resource_metadata" is ${sent === '' ? 'empty' : JSON.stringify(redact(sent, 120))}, which is no absolute URL.`,
      meanwhile: 'Nothing: the well-known places are looked at in its place.',
    });
  }
  if (new URL(found.resourceMetadataUrl).origin !== url.origin) {
    step.find('challenge.metadata-elsewhere', {
      what: `"resource_metadata" is ${describeUrl(found.resourceMetadataUrl)}, not at ${url.origin}.`,
    });
  }
}

function describe({ schemes, scope, error }: Challenge, redact: Step['redact']): string {
  const parts = [
    `asks for ${schemes.join(', ')}`,
    ...(scope === undefined ? [] : [`scopes ${scope.join(' ')}`]),
    ...(error === undefined ? [] : [`error ${error}`]),
  ];
  return redact(parts.join('; '));
}
