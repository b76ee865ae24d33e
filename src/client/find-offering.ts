import { ToolAmbiguousError, ToolNotFoundError } from './tool-errors.ts';
import type { Session } from './session/session.ts';

/**
 * The one session whose server offers a tool. Lists that are not fresh are read again before it is said that none does.
 *
 * @throws {ToolNotFoundError} naming what was searched.
 * @throws {ToolAmbiguousError} when several servers offer it.
 * @throws what keeps a server from being searched, where it may be the one.
 */
export async function findOffering(
  tool: string,
  sessions: readonly Session[],
  signal: AbortSignal | undefined,
): Promise<Session> {
  for (const refresh of [false, true]) {
    const searched = await Promise.all(sessions.map((session) => search(session, { refresh, signal })));
    const offering = searched.filter(({ names }) => names.includes(tool)).map(({ session }) => session);
    const [found] = offering;
    if (found !== undefined && offering.length === 1) return found;
    if (found !== undefined)
      throw new ToolAmbiguousError(
        tool,
        offering.map(({ server }) => server),
      );
    // Not on the servers that answered; it may be on one that waits for a person.
    const waiting = searched.find(({ session }) => session.requiresUserAction);
    if (waiting?.error !== undefined) throw waiting.error;
    const [only] = searched;
    if (searched.length === 1 && only?.error !== undefined) throw only.error;
    if (refresh) {
      const statuses = Object.fromEntries(searched.map(({ session }) => [session.server, session.status]));
      throw new ToolNotFoundError(
        tool,
        statuses,
        searched.flatMap(({ names }) => names),
      );
    }
  }
  throw new ToolNotFoundError(tool, {}, []);
}

async function search(
  session: Session,
  options: { refresh: boolean; signal: AbortSignal | undefined },
): Promise<{ session: Session; names: readonly string[]; error?: unknown }> {
  try {
    return { session, names: (await session.listTools(options)).map(({ name }) => name) };
  } catch (error) {
    options.signal?.throwIfAborted();
    return { session, names: [], error };
  }
}
