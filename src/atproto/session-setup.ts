import * as z from 'zod';
import type { AtprotoApplication, ClientSetup } from './application.ts';
import type { OAuthSessionRecord } from './session-record.ts';

const keyed = z.looseObject({ kid: z.string() });

/** As whom a session was begun; `undefined` when the key that it was begun with has been taken out since. */
export function setupOf(
  { clientId, session }: OAuthSessionRecord,
  application: AtprotoApplication,
): ClientSetup | undefined {
  const setup = application.restore(clientId);
  const { data } = keyed.safeParse(session.authMethod);
  const isThere = data === undefined || setup.keys?.some(({ kid }) => kid === data.kid) === true;
  return isThere ? setup : undefined;
}
