import * as z from 'zod';
import { PosternError } from '../core/postern-error.ts';
import { secretForm, type SecretVerdict } from '../interaction/forms/secret-form.ts';
import { dataOf, type Flow, type FlowVisit } from '../interaction/flow.ts';
import { createAppSession, deleteAppSession } from './app-sessions.ts';
import { accountNameOf, readAccountName, resolveIdentity, type Identity } from './identities.ts';
import {
  atprotoSessions,
  requestMsOf,
  type AtprotoCredential,
  type SessionServices,
} from './session-kind.ts';
import type { AppPasswordSessionRecord } from './session-record.ts';

const data = z.looseObject({ did: z.string().optional(), name: z.string().optional() });

/** What the settings of an account give out: a main password is refused before it is sent anywhere. */
const appPassword = /^[a-z\d]{4}(?:-[a-z\d]{4}){3}$/u;

/**
 * The second way in, for what cannot have a browser come back to it: an app password, entered on a page of ours.
 *
 * It never goes through a client, and is not kept: what is kept is the session that it opens, under the same kind as that of
 * {@link atprotoSignIn}, so that tools need not know which way it came. A consent page of OAuth takes no app password, and
 * this form no main password.
 *
 * @example
 * ```ts
 * const appPassword = oob.flow('atproto-app-password', atprotoAppPassword(services));
 * ```
 */
export function atprotoAppPassword(services: SessionServices): Flow<AtprotoCredential> {
  const { network } = services;
  return {
    kind: 'secret_form',
    credential: atprotoSessions(services),
    requestMs: requestMsOf(services),

    async begin(beginning) {
      const name = accountNameOf(beginning);
      const known: Partial<Identity> = name === undefined ? {} : await resolveIdentity(network, name);
      const { did, handle = name } = known;
      const as = handle === undefined ? 'your account' : `@${handle}`;
      const { data: tries } = await formFor(undefined).begin(beginning);
      return {
        data: { ...(tries as object), ...(did !== undefined && { did }), ...(handle && { name: handle }) },
        message: `Enter an app password of ${as}`,
      };
    },

    async visit(visit) {
      const { did: expected, name } = data.parse(dataOf(visit.pending).data);
      let session: AppPasswordSessionRecord | undefined;
      const form = formFor(name, async ({ handle, appPassword: password }) => {
        session = await open(services, { handle, password }, visit);
        return session === undefined ? 'rejected' : 'accepted';
      });
      return form.visit({
        ...visit,
        finish: async () => {
          if (session === undefined) throw new TypeError('a form was finished that was not tried');
          if (expected === undefined || expected === session.did) return visit.finish(session);
          await deleteAppSession(network, session).catch(() => undefined);
          return visit.failed(wrongAccount());
        },
      });
    },
  };
}

interface Entered {
  readonly handle: string;
  readonly appPassword: string;
}

function formFor(name: string | undefined, test?: (entered: Entered) => Promise<SecretVerdict>): Flow {
  const handle = z.string().meta({ title: 'Handle', description: 'Such as alice.bsky.social' });
  const schema = z.object({
    handle: name === undefined ? handle : handle.default(name),
    appPassword: z
      .string()
      .trim()
      .regex(
        appPassword,
        'This is no app password. Make one in the settings of your account, under Privacy and security.',
      )
      .meta({
        title: 'App password',
        description: 'Of the form xxxx-xxxx-xxxx-xxxx. Never your main password.',
        writeOnly: true,
      }),
  });
  return secretForm(schema, {
    title: 'App password',
    message: () =>
      'Make an app password in the settings of your account, and enter it here. It opens a session, and is not kept.',
    ...(test && { test }),
  });
}

/** `undefined` when the server refuses it. */
async function open(
  { network }: SessionServices,
  { handle, password }: { readonly handle: string; readonly password: string },
  { clock }: FlowVisit,
): Promise<AppPasswordSessionRecord | undefined> {
  try {
    const { did: identifier, pdsUrl } = await resolveIdentity(network, readAccountName(handle) ?? '');
    if (identifier === undefined || pdsUrl === undefined) return undefined;
    return await createAppSession(network, pdsUrl, { identifier, password }, clock);
  } catch (error) {
    if (error instanceof PosternError && error.code === 'ERR_POSTERN_AUTH_ACCOUNT_UNKNOWN') return undefined;
    throw error;
  }
}

function wrongAccount(): PosternError {
  return new PosternError(
    'ERR_POSTERN_AUTH_WRONG_USER',
    'the app password is of another account than the one that was asked for',
    { hint: 'Start again, and name the account you want.' },
  );
}
