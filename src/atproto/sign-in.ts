import type { Say } from '../web/texts/texts.ts';
import * as z from 'zod';
import { PosternError } from '../core/postern-error.ts';
import { dataOf, type Answer, type Flow, type FlowVisit } from '../interaction/flow.ts';
import { consentPage } from '../interaction/oauth/consent-page.ts';
import { journeyVisit, type Departure } from '../interaction/oauth/journey-visit.ts';
import { validateCallback } from '../oauth/callback.ts';
import { describeUrl } from '../oauth/describe-url.ts';
import type { AtprotoApplication } from './application.ts';
import { accountNameOf, findHandle, resolveIdentity } from './identities.ts';
import { toPosternError } from './network-errors.ts';
import type { AtprotoNetwork } from './network.ts';
import { openClient, type NodeSavedState, type Slots } from './official-client.ts';
import { atprotoSessions, requestMsOf, type AtprotoCredential } from './session-kind.ts';
import { toRecord, type OAuthSessionRecord } from './session-record.ts';

export interface AtprotoSignInOptions {
  readonly network: AtprotoNetwork;
  /** {@link loopbackApplication} on this machine's gate, {@link webApplication} in a deployment. */
  readonly application: AtprotoApplication;
  /** Where people sign in who have named no account. Default `https://bsky.social`. */
  readonly service?: string | undefined;
}

const signInData = z.looseObject({
  input: z.string(),
  did: z.string().optional(),
  handle: z.string().optional(),
  issuer: z.string(),
});

const attemptData = z.looseObject({
  clientId: z.string(),
  state: z.looseObject({
    key: z.string(),
    value: z.custom<NodeSavedState>(
      (value) => z.looseObject({ iss: z.string(), dpopJwk: z.looseObject({}) }).safeParse(value).success,
    ),
  }),
});

/**
 * A sign-in on the AT Protocol network: consent at the server that the account itself names.
 *
 * The account is the login hint of what is asked for, or else its alias where that is a name on the network, or else the
 * account that was there before: a handle, a DID, or the address of a service. Without any of them the person says at
 * `service` who they are. A handle is resolved before the person gets a link, and who signs in has to be that account.
 *
 * @example
 * ```ts
 * const signIn = oob.flow('atproto', atprotoSignIn({ network: new AtprotoNetwork(), application: loopbackApplication() }));
 * const { did } = await context.credential({ resource: 'atproto', alias: 'alice.bsky.social', flow: signIn });
 * ```
 */
export function atprotoSignIn(options: AtprotoSignInOptions): Flow<AtprotoCredential> {
  const { network, application, service = 'https://bsky.social' } = options;
  return {
    kind: 'oauth_redirect',
    credential: atprotoSessions(options),
    requestMs: requestMsOf(options),
    goesOut: true,

    async begin(beginning) {
      // What this gate cannot do is said before anybody is asked.
      application.setup(beginning.callbackUrl);
      const identity = await resolveIdentity(network, accountNameOf(beginning) ?? service);
      return { data: identity, message: titleOf(identity, beginning.say) };
    },

    visit: journeyVisit({
      goesStraightOn: () => true,
      depart: (visit) => depart(options, visit),
      arrive: (visit, answer) => arrive(options, visit, answer),
      show: (visit, problem) => {
        const identity = signInData.parse(dataOf(visit.pending).data);
        const { host } = new URL(identity.issuer);
        const { say } = visit.pages;
        const text = say('consent.redirect', { resource: dataOf(visit.pending).request.resource, host });
        return consentPage(visit, { title: titleOf(identity, say), text, host, problem });
      },
    }),
  };
}

function titleOf(
  { handle, issuer }: { readonly handle?: string | undefined; readonly issuer: string },
  say: Say,
): string {
  const server = new URL(issuer).host;
  return handle === undefined
    ? say('consent.signIn', { server })
    : say('consent.signInAs', { server, account: `@${handle}` });
}

async function depart({ network, application }: AtprotoSignInOptions, visit: FlowVisit): Promise<Departure> {
  const { input, issuer } = signInData.parse(dataOf(visit.pending).data);
  const setup = application.setup(visit.callbackUrl);
  const slots: Slots = {};
  const client = await openClient(network, setup, slots);
  let url: URL;
  try {
    url = await client.authorize(input, { redirect_uri: redirectOf(visit) });
  } catch (error) {
    throw toPosternError(error, `the authorization server ${describeUrl(issuer)}`, () => unanswered(error));
  }
  const { state } = slots;
  if (state === undefined) throw unanswered();
  const attempt = { clientId: setup.metadata.client_id, state };
  return { url: network.http.checkBrowserUrl(url), state: state.key, attempt };
}

async function arrive(
  options: AtprotoSignInOptions,
  visit: FlowVisit,
  { attempt: stored, params, take }: Answer,
): Promise<Response> {
  const { clientId, state } = attemptData.parse(stored);
  const { network, application } = options;
  const { did: expected } = signInData.parse(dataOf(visit.pending).data);
  try {
    // Before anything is taken: who answers, and whether it is a code. The protocol has every answer say its issuer.
    validateCallback({ issuer: state.value.iss, issParameterSupported: true }, params);
    const slots: Slots = { state };
    const setup = application.restore(clientId);
    const client = await openClient(network, setup, slots);
    // Taken before the code is sent: of two equal answers, one gets past this line.
    await take();
    await client.callback(params, { redirect_uri: redirectOf(visit) }).catch((error: unknown) => {
      throw toPosternError(error, `the authorization server ${describeUrl(state.value.iss)}`, () =>
        unanswered(error),
      );
    });
    if (slots.session === undefined) throw unanswered();
    const { sub } = slots.session.tokenSet;
    const handle = await findHandle(network, sub);
    const session = toRecord(slots.session, { clientId, handle, nowMs: visit.clock() });
    await assertAsked(options, expected, session);
    return await visit.finish(session);
  } catch (error) {
    return visit.failed(error);
  }
}

/** A server lets its person sign in as whom they like: the name it was given is only a hint. */
async function assertAsked(
  options: AtprotoSignInOptions,
  expected: string | undefined,
  session: OAuthSessionRecord,
): Promise<void> {
  if (expected === undefined || expected === session.did) return;
  await atprotoSessions(options)
    .revoke?.(session)
    .catch(() => undefined);
  throw new PosternError(
    'ERR_POSTERN_AUTH_WRONG_USER',
    'the person signed in with another account than the one that was asked for',
    { hint: 'Sign out of the other account there, or start again and name the account you want.' },
  );
}

function redirectOf({ callbackUrl }: FlowVisit): `http://127.0.0.1/${string}` {
  return callbackUrl as `http://127.0.0.1/${string}`;
}

function unanswered(cause?: unknown): PosternError {
  return new PosternError(
    'ERR_POSTERN_OAUTH_RESPONSE_INVALID',
    'the authorization server has not done what the protocol asks of it',
    { cause, hint: 'Start the sign-in again.' },
  );
}
