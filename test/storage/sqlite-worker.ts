import { once } from 'node:events';
import { appendFileSync } from 'node:fs';
import { openSqlite } from '../../src/storage/sqlite/index.ts';

/**
 * One process of several on one file: `node sqlite-worker.ts <task> <database> <argument>`.
 *
 * It says `ready`, waits for a line on its standard input, does its task and prints what came of it as JSON.
 */
const [task = '', path, argument = ''] = process.argv.slice(2);
const store = openSqlite(path!);
const decoder = new TextDecoder();
const encoder = new TextEncoder();

/** Takes everything there is, each entry at most once among all processes. Returns what this one got. */
async function takeAll(): Promise<string[]> {
  const taken: string[] = [];
  for (;;) {
    const entries = await store.list(['queue'], { limit: 200 });
    if (entries.length === 0) return taken;
    // All processes read the same entries and try for all of them: as many collisions as can be.
    const outcomes = await Promise.all(
      entries.map(
        async ({ key, version, value }) =>
          (await store.commit([{ delete: key, expect: version }])) && decoder.decode(value),
      ),
    );
    taken.push(...outcomes.filter((outcome) => outcome !== undefined));
  }
}

async function increment(times: number): Promise<number> {
  let lost = 0;
  for (let done = 0; done < times;) {
    const entry = await store.get(['counter', 'value']);
    const next = Number(decoder.decode(entry?.value ?? encoder.encode('0'))) + 1;
    const expect = entry?.version ?? 'absent';
    if (await store.commit([{ put: ['counter', 'value'], value: encoder.encode(`${next}`), expect }])) done++;
    else lost++;
  }
  return lost;
}

/** Resolves with how long after the moment in the entry the signal came. */
async function awaitSignal(): Promise<number> {
  const signalled = new Promise<number>((resolve, reject) => {
    const timeout = setTimeout(() => reject(new Error('no signal came')), 10_000);
    const wake = (): void => {
      clearTimeout(timeout);
      resolve(Date.now());
    };
    store.listen('go', wake).then(() => console.log('listening'), reject);
  });
  const wokenMs = await signalled;
  const entry = await store.get(['moment', 'sent']);
  return wokenMs - Number(decoder.decode(entry?.value));
}

/** Writes pairs until it is killed, and notes each acknowledged one in a file of its own. */
async function writeForEver(name: string): Promise<never> {
  for (let turn = 0; ; turn++) {
    const value = encoder.encode(`${turn}`.padEnd(2_000, '.'));
    const versions = await store.commit([
      { put: [name, 'left', `${turn}`], value },
      { put: [name, 'right', `${turn}`], value },
    ]);
    appendFileSync(`${path}.${name}.acknowledged`, `${turn} ${versions?.[0]}\n`);
  }
}

async function run(): Promise<unknown> {
  switch (task) {
    case 'take':
      return takeAll();
    case 'increment':
      return increment(Number(argument));
    case 'listen':
      return awaitSignal();
    case 'write':
      return writeForEver(argument);
    default:
      throw new Error(`no such task: ${task}`);
  }
}

console.log('ready');
await once(process.stdin, 'data');
const outcome = await run();
await store.close();
process.stdout.write(`${JSON.stringify(outcome)}\n`, () => process.exit(0));
