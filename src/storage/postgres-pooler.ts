import type { PostgresCalls, PostgresQuery } from './postgres-calls.ts';
import { postgresError } from './postgres-error.ts';
import { isPosternError, PosternError } from '../core/postern-error.ts';

/** How long the question may take that only a pooler can leave unanswered, in milliseconds. */
const probeMs = 1_000;

/**
 * What lies between a connection and the server: nothing that matters, or a pooler that gives the connection another
 * server process for each transaction, so that a LISTEN is lost.
 */
export type PostgresRoute = 'session' | 'transaction';

/**
 * Finds out whether one connection keeps its server process, and whether that server takes writes.
 *
 * @throws {PosternError} ERR_POSTERN_STORAGE_UNAVAILABLE, also when the server is a standby.
 */
export async function routeOf(calls: PostgresCalls): Promise<PostgresRoute> {
  return calls.session('the server could not be reached', async (first) => {
    const [row] = await first.query({
      text: 'SELECT pg_backend_pid() AS process, pg_is_in_recovery() AS standby',
    });
    if (row?.['standby'] === 't') {
      throw new PosternError('ERR_POSTERN_STORAGE_UNAVAILABLE', 'the server is a standby, which lags behind', {
        hint: 'Connect to the primary.',
      });
    }
    const process = row?.['process'];
    // A server names its process when the connection is made. A pooler makes a number up, for it has none yet.
    if (process === String(first.client.processID)) return 'session';
    const { max = 1 } = calls.pool.options ?? {};
    return max < 2 ? 'transaction' : probe(calls, first.query, process);
  });
}

/** While a second connection is within a transaction, the first must still have the process it had. */
async function probe(
  calls: PostgresCalls,
  first: PostgresQuery,
  process: string | null | undefined,
): Promise<PostgresRoute> {
  const second = await calls.checkOut('the server could not be probed').catch((error: unknown) => {
    throw isPosternError(error) ? error : postgresError('the server could not be probed', error);
  });
  try {
    await second.query({ text: 'BEGIN' });
    if ((await processOf(second.query)) === process) return 'transaction';
    // With one server process for all, this one waits for the other's transaction to end.
    return (await processOf(first)) === process ? 'session' : 'transaction';
  } catch (error) {
    if (isPosternError(error)) return 'transaction';
    throw error;
  } finally {
    // Ended with its transaction.
    second.release(false);
  }
}

export async function processOf(query: PostgresQuery): Promise<string | null | undefined> {
  const [row] = await query({ text: 'SELECT pg_backend_pid() AS process' }, probeMs);
  return row?.['process'];
}
