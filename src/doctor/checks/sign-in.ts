import { parseChallenge } from '../../oauth/challenge.ts';
import { createDpopProof } from '../../oauth/dpop.ts';
import type { Grant } from '../../oauth/grant-record.ts';
import { isObject } from '../../wire/message.ts';
import { defineCheck, type Check } from '../check.ts';
import type { McpAnswer } from '../mcp-exchange.ts';
import {
  describeAnswer,
  discoverAsk,
  initializeAsk,
  initializedAsk,
  isRefusal,
  leaveAsk,
  requestAsk,
} from '../mcp-requests.ts';
import { mcp, rfc } from '../specification.ts';
import type { Step } from '../step.ts';
import type { McpAsk } from '../mcp-exchange.ts';

type FindingId =
  | 'credential.refused'
  | 'sign-in.refused'
  | 'sign-in.ended'
  | 'sign-in.scopes-too-small'
  | 'sign-in.other-issuer'
  | 'sign-in.no-tools';

export const signIn: Check = defineCheck<FindingId>({
  id: 'sign-in',
  title: 'What your credential is good for',
  asks: 'The handshake and `tools/list` with the headers that are configured, or with the access token of a stored sign-in. Nothing is renewed.',
  judges:
    '`tools/list` is answered with a result. A stored sign-in is from the issuer that the server names now.',
  specification: [mcp('Authorization', 'Token Handling'), rfc(6750, '3.1')],
  findings: {
    'credential.refused': {
      severity: 'problem',
      fixedBy: 'person',
      meaning:
        'The server refuses the credential that is configured as a header. No sign-in is begun for it.',
      fix: 'Check that it is whole, has not run out, is meant for this server, and stands in the header that the server wants. Or take it out, to sign in.',
      specification: rfc(6750, '3.1'),
    },
    'sign-in.refused': {
      severity: 'problem',
      fixedBy: 'server',
      meaning:
        'The server refuses a token that has not ended by its own account: it was revoked, or is not meant for this server.',
      fix: 'If it goes on after a new sign-in: check for which audience and by which issuer’s keys tokens are verified.',
      specification: mcp('Authorization', 'Token Handling'),
    },
    'sign-in.ended': {
      severity: 'note',
      fixedBy: 'person',
      meaning: 'The stored access token has ended by its own account. It is not sent.',
      fix: 'Nothing, where it can be renewed: the next call does that. Else sign in.',
    },
    'sign-in.scopes-too-small': {
      severity: 'warning',
      fixedBy: 'person',
      meaning: 'The token is good, and its scopes are too small even for the list of tools.',
      fix: 'Sign in again: the scopes that are asked for are added.',
      specification: rfc(6750, '3.1'),
    },
    'sign-in.other-issuer': {
      severity: 'warning',
      fixedBy: 'person',
      meaning: 'The stored sign-in is from another issuer than the server names now.',
      fix: 'Sign in again.',
      specification: mcp('Client Registration', 'Client Registration Approaches'),
    },
    'sign-in.no-tools': {
      severity: 'warning',
      fixedBy: 'server',
      meaning: 'The credential is accepted, and the list of tools fails all the same.',
      fix: 'Look into the server’s log.',
    },
  },
  async run(step) {
    const { options, known, clock } = step;
    const grant = options.earlier?.grant;
    const headers = options.headers ?? {};
    const isConfigured =
      Object.keys(headers).some((name) => name.toLowerCase() === 'authorization') ||
      (grant === undefined && Object.keys(headers).length > 0);
    if (!known.reached || (!isConfigured && grant === undefined))
      return step.skip(
        known.reached
          ? 'no credential is given: --header gives one, postern login stores one'
          : 'the server was not reached',
      );
    if (isConfigured) return ask(step, async () => headers, 'credential.refused');
    if (grant === undefined) return;
    if (known.discovery !== undefined && grant.issuer !== known.discovery.issuer)
      step.find('sign-in.other-issuer', { what: 'The issuer of the stored sign-in is another one.' });
    const endMs = Math.min(grant.expiresAtMs ?? Infinity, grant.likelyEndMs ?? Infinity);
    if (endMs <= clock())
      return step.find('sign-in.ended', { what: `It ended ${new Date(endMs).toISOString()}.` });
    await ask(step, (method, nonce) => bearing(step, grant, method, nonce), 'sign-in.refused');
  },
});

/** The headers that a request of this method is sent with, and the nonce that the server wants in a proof. */
type Credential = (method: string, nonce: string | undefined) => Promise<Readonly<Record<string, string>>>;

async function bearing(
  { url, clock }: Pick<Step, 'url' | 'clock'>,
  { accessToken, tokenType, dpopKeyJwk }: Grant,
  method: string,
  nonce: string | undefined,
): Promise<Readonly<Record<string, string>>> {
  if (tokenType !== 'dpop' || dpopKeyJwk === undefined) return { authorization: `Bearer ${accessToken}` };
  const proof = await createDpopProof({ keyJwk: dpopKeyJwk, method, url, accessToken, nonce, clock });
  return { authorization: `DPoP ${accessToken}`, dpop: proof };
}

async function ask(
  step: Step<FindingId>,
  credential: Credential,
  refused: 'credential.refused' | 'sign-in.refused',
): Promise<void> {
  const { known } = step;
  let nonce: string | undefined;
  const sendOnce = async (asked: McpAsk): Promise<McpAnswer> => {
    const answer = await step.ask({
      ...asked,
      purpose: `${asked.purpose}, with the credential`,
      headers: { ...asked.headers, ...(await credential(asked.method, nonce)) },
    });
    nonce = answer.response.headers.get('dpop-nonce') ?? nonce;
    return answer;
  };
  const send = async (asked: McpAsk): Promise<McpAnswer> => {
    const answer = await sendOnce(asked);
    const isAboutNonce = isRefusal(answer) && parseChallenge(answer.response)?.error === 'use_dpop_nonce';
    return isAboutNonce ? sendOnce(asked) : answer;
  };
  if (known.modernVersions === undefined) {
    const discovered = await send(discoverAsk());
    if (discovered.message?.kind === 'result' && isObject(discovered.message.result))
      known.modernVersions = [];
  }
  if (known.modernVersions === undefined) {
    const greeted = await send(initializeAsk());
    if (isRefusal(greeted)) return tell(step, greeted, refused);
    known.initialize = greeted;
    const version =
      greeted.message?.kind === 'result' && isObject(greeted.message.result)
        ? greeted.message.result['protocolVersion']
        : undefined;
    if (typeof version === 'string') known.legacyVersion = step.redact(version, 40);
    await send(initializedAsk(step)).catch(() => {});
  }
  const listed = await send(requestAsk(step, 'tools/list'));
  known.accepted = listed;
  const leave = leaveAsk(step);
  if (leave !== undefined) await send(leave).catch(() => {});
  if (isRefusal(listed)) return tell(step, listed, refused);
  const { message } = listed;
  const tools = message?.kind === 'result' && isObject(message.result) ? message.result['tools'] : undefined;
  if (!Array.isArray(tools))
    return step.find('sign-in.no-tools', { what: `tools/list was answered with ${describeAnswer(listed)}.` });
  step.fact(`accepted: ${tools.length} ${tools.length === 1 ? 'tool' : 'tools'} in the first page`);
}

function tell(
  step: Step<FindingId>,
  answer: McpAnswer,
  refused: 'credential.refused' | 'sign-in.refused',
): void {
  const isSmall =
    answer.status === 403 &&
    answer.response.headers.get('www-authenticate')?.includes('insufficient_scope') === true;
  step.find(isSmall ? 'sign-in.scopes-too-small' : refused, {
    what: `The server answers status ${answer.status} to it.`,
  });
}
