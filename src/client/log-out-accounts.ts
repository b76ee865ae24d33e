import type { LogoutResult } from './auth/auth-strategy.ts';
import type { Session } from './session/session.ts';

/**
 * Logs out of accounts, each by itself. Of several at one server the result is that of one which is not known to be
 * revoked, where there is one.
 *
 * @param kept those of which there is something to revoke: the others only end a sign-in that is under way.
 */
export async function logOutAccounts(
  sessions: readonly Session[],
  kept: ReadonlySet<Session>,
): Promise<Record<string, LogoutResult>> {
  const results = await Promise.all(
    sessions.map(async (session) => ({ session, result: await session.logout() })),
  );
  const counting = results.filter(
    ({ session }) =>
      kept.has(session) ||
      !results.some(({ session: one }) => one.server === session.server && kept.has(one)),
  );
  const byServer: Record<string, LogoutResult> = {};
  for (const { session, result } of counting) {
    const { [session.server]: before } = byServer;
    if (before === undefined || before.revoked) byServer[session.server] = result;
  }
  return byServer;
}
