import { PosternError } from '../../core/postern-error.ts';
import type { PostgresCalls, PostgresQuery, PostgresSession } from './postgres-calls.ts';

/** How long the question may take that only a pooler leaves unanswered, in milliseconds. */
const probeMs = 1_000;

/**
 * What a connection is served by: one process of the server as long as it lasts, or, behind a transaction pooler,
 * another for each transaction, so that a LISTEN is lost.
 */
export type PostgresRoute = 'session' | 'transaction';

/**
 * Finds out whether a connection keeps its process, and that the server is no standby.
 *
 * @throws {PosternError} ERR_POSTERN_STORAGE_UNAVAILABLE
 */
export async function routeOf(calls: PostgresCalls): Promise<PostgresRoute> {
  const hasOwnProcess = await calls.session('the server could not be reached', async ({ client, query }) => {
    const [row] = await query({ text: 'SELECT pg_is_in_recovery() AS standby' });
    if (row?.['standby'] === 't') {
      throw new PosternError(
        'ERR_POSTERN_STORAGE_UNAVAILABLE',
        'the server is a standby, which lags behind',
        {
          hint: 'Connect to the primary.',
        },
      );
    }
    // A server names its process when a connection is made. A pooler, which has none yet, makes a number up.
    return (await processOf(query)) === String(client.processID);
  });
  if (hasOwnProcess) return 'session';
  const { max = 1 } = calls.pool.options ?? {};
  if (max < 2) return 'transaction';
  return calls.session('the server could not be probed', async (first) => {
    return calls.session('the server could not be probed', (second) => probe(first, second));
  });
}

/** The process of the server that serves a connection now. */
export async function processOf(
  query: PostgresQuery,
  timeoutMs?: number,
): Promise<string | null | undefined> {
  const [row] = await query({ text: 'SELECT pg_backend_pid() AS process' }, timeoutMs);
  return row?.['process'];
}

/** While the second connection is within a transaction, the first must still have the process it had. */
async function probe(first: PostgresSession, second: PostgresSession): Promise<PostgresRoute> {
  const process = await processOf(first.query);
  try {
    await second.query({ text: 'BEGIN' });
    if ((await processOf(second.query)) === process) return 'transaction';
    // Where one process serves all, this waits until the transaction ends.
    const now = await processOf(first.query, probeMs).catch(() => undefined);
    return now === process ? 'session' : 'transaction';
  } finally {
    // Whatever they still wait for, and the transaction, ends with them.
    first.release(false);
    second.release(false);
  }
}
