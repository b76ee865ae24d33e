import { once } from 'node:events';
import { Pool } from 'pg';
import { NamespacedStorage } from '../../src/storage/namespaced-storage.ts';
import { openPostgres } from '../../src/storage/postgres/index.ts';

/**
 * One process of several on one schema: `node postgres-worker.ts <task> <url> <schema>`.
 *
 * It says `ready`, waits for a line on its standard input, does its task and prints what came of it as JSON.
 */
const [task, connectionString, schema] = process.argv.slice(2);
const pool = new Pool({ connectionString, max: 8, connectionTimeoutMillis: 5_000 });
const store = await openPostgres({ pool, schema, timeoutMs: 20_000 });
const decoder = new TextDecoder();
const encoder = new TextEncoder();

/** Takes everything there is, each entry at most once among all processes. Returns what this one got. */
async function takeAll(): Promise<string[]> {
  const queue = new NamespacedStorage(store, ['queue']);
  const taken: string[] = [];
  for (;;) {
    const entries = await queue.list([], { limit: 200 });
    if (entries.length === 0) return taken;
    // All processes read the same entries and try for all of them: as many collisions as can be.
    const outcomes = await Promise.all(entries.map(({ key }) => queue.take(...key.slice(1))));
    for (const entry of outcomes) if (entry !== undefined) taken.push(decoder.decode(entry.value));
  }
}

/** Moves one between two counters in one commit, so often that the other processes must collide with it. */
async function transfer(times: number): Promise<number> {
  let collisions = 0;
  for (let done = 0; done < times;) {
    // Half of the commits name the counters in the other order.
    const names = done % 2 ? ['left', 'right'] : ['right', 'left'];
    const entries = await Promise.all(names.map((name) => store.get(['counter', name])));
    const outcome = await store.commit(
      entries.map((entry, index) => ({
        put: ['counter', names[index]!] as const,
        value: encoder.encode(
          String(Number(decoder.decode(entry!.value)) + (names[index] === 'left' ? 1 : -1)),
        ),
        expect: entry!.version,
      })),
    );
    if (outcome) done++;
    else collisions++;
  }
  return collisions;
}

async function run(): Promise<unknown> {
  switch (task) {
    case 'take':
      return takeAll();
    case 'transfer':
      return transfer(150);
    default:
      throw new Error('no such task');
  }
}

console.log('ready');
await once(process.stdin, 'data');
const outcome = await run();
await store.close();
await pool.end();
process.stdout.write(`${JSON.stringify(outcome)}\n`, () => process.exit(0));
