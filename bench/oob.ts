import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { randomId } from '../src/core/random.ts';
import { createNamespace } from '../src/namespace/namespace.ts';
import {
  Oob,
  secretForm,
  type Flow,
  type FormValues,
  type NamedFlow,
  type Principal,
} from '../src/oob/index.ts';
import type { Change, Key, StorageBackend } from '../src/storage/contract.ts';
import { encrypted } from '../src/storage/encrypted.ts';
import { generateKeyText, keyringFromText } from '../src/storage/keyring.ts';
import { MemoryBackend } from '../src/storage/memory-backend.ts';
import { openSqlite } from '../src/storage/sqlite/index.ts';
import type { Bench, BenchOptions, BenchResult, Figure } from './bench.ts';
import { countedStorage } from './counted-storage.ts';
import { median, middleHalf, ratios } from './stats.ts';
import { withTemporaryDirectory } from './temporary-directory.ts';

const callers = 1_000;
/** What asking costs over the commits it cannot do without, and a thousand callers over one. */
const aims = { commits: 2, callers: 4 } as const;
const password = 'correct horse battery staple';

/** A server asks a person for a secret: what that costs over its durable commits, and what a thousand callers cost over one. */
export const outOfBand: Bench = {
  name: 'oob',
  run: (options) => withTemporaryDirectory((directory) => measure(directory, options)),
};

async function measure(directory: string, options: BenchOptions): Promise<BenchResult> {
  mkdirSync(join(directory, 'store'));
  const counted = countedStorage(openSqlite(join(directory, 'store', 'postern.db')));
  const sqlite = openAsking(encrypted(counted.storage, keyringFromText(generateKeyText())));
  const memory = openAsking(new MemoryBackend());
  const bare = openSqlite(join(directory, 'store', 'bare.db'));
  const raw = rawCommits(bare);
  try {
    const before = counted.commits.length;
    await createAndComplete(sqlite, 1);
    const commits = counted.commits.slice(before);
    return await race({ sqlite, memory, raw, commits }, options);
  } finally {
    await Promise.all([sqlite.oob.close(), memory.oob.close()]);
    await Promise.all([counted.storage.close(), bare.close()]);
  }
}

type Series = 'sqlite' | 'raw' | 'memory' | 'one' | 'storm' | 'stormInMemory' | 'kept';

async function race(
  subjects: { sqlite: Asking; memory: Asking; raw: RawCommits; commits: readonly (readonly Change[])[] },
  options: BenchOptions,
): Promise<BenchResult> {
  const { sqlite, memory, raw, commits } = subjects;
  const rounds = options.rounds ?? (options.quick ? 3 : 20);
  const each = 32;
  const times: Record<Series, number[]> = {
    sqlite: [],
    raw: [],
    memory: [],
    one: [],
    storm: [],
    stormInMemory: [],
    kept: [],
  };
  let links = 0;
  for (let round = -1; round < rounds; round++) {
    options.progress(round < 0 ? 'oob: warm-up' : `oob: round ${round + 1} of ${rounds}`);
    const storm = await askTogether(sqlite, callers);
    const slice: Record<Series, number> = {
      sqlite: await createAndComplete(sqlite, each),
      raw: await raw(commits, each),
      memory: await createAndComplete(memory, each),
      one: (await askTogether(sqlite, 1)).ms,
      storm: storm.ms,
      stormInMemory: (await askTogether(memory, callers)).ms,
      kept: await readKept(sqlite, each),
    };
    if (round < 0) continue;
    links = Math.max(links, storm.links);
    for (const [name, ms] of Object.entries(slice)) times[name as Series].push(ms);
  }
  const figure = (label: string, values: readonly number[], unit: Figure['unit']): Figure => ({
    label,
    value: median(values),
    unit,
    spread: middleHalf(values),
  });
  const sizes = commits.map((changes) => changes.map(bytesOf).join(' + ')).join('; ');
  return {
    title: `a secret asked for and entered, against the durable commits it needs, ${rounds} rounds of ${each}`,
    figures: [
      {
        ...figure(
          'create + complete on sealed SQLite / its raw commits',
          ratios(times.sqlite, times.raw),
          'ratio',
        ),
        aim: aims.commits,
      },
      {
        ...figure(`${callers} callers at once / one caller`, ratios(times.storm, times.one), 'ratio'),
        aim: aims.callers,
      },
      { label: `links shown to ${callers} callers`, value: links, unit: 'count', aim: 1 },
      { label: 'durable commits of one create + complete', value: commits.length, unit: 'count' },
      figure('create + complete on sealed SQLite', times.sqlite, 'ms'),
      figure('its raw commits', times.raw, 'ms'),
      figure('create + complete on memory', times.memory, 'ms'),
      figure('one caller, from asking to the secret', times.one, 'ms'),
      figure(`${callers} callers, from asking to the last one's secret`, times.storm, 'ms'),
      figure(`${callers} callers on memory`, times.stormInMemory, 'ms'),
      figure(
        'a secret that is kept already',
        times.kept.map((ms) => ms * 1000),
        'µs',
      ),
    ],
    notes: [
      'Create + complete is: a tool asks for a secret nobody has entered, and it is entered; without the page and its form.',
      `Raw commits are the same changes of the same store, with as many bytes (${sizes}) and as long a life, without its seal.`,
      'Each caller of the storm asks for the same secret of the same user, and waits until it has it.',
    ],
  };
}

interface Asking {
  readonly oob: Oob;
  readonly form: NamedFlow<FormValues>;
}

function openAsking(storage: StorageBackend): Asking {
  const oob = new Oob({
    storage,
    namespaces: { resolve: async ({ token }) => createNamespace('user', token ?? '') },
    publicUrl: 'https://server.example/oob',
    verifyUser: () => undefined,
  });
  const flow: Flow<FormValues> = secretForm({
    type: 'object',
    properties: { password: { type: 'string', writeOnly: true } },
    required: ['password'],
  });
  return { oob, form: oob.flow('password', flow) };
}

let users = 0;

/** Nobody has ever asked this user for anything. */
function newPrincipal({ oob }: Asking): Promise<Principal> {
  return oob.principal({ token: `user-${users++}` });
}

/** Milliseconds for each. */
async function createAndComplete(asking: Asking, count: number): Promise<number> {
  const { oob, form } = asking;
  const principals = await Promise.all(Array.from({ length: count }, () => newPrincipal(asking)));
  const before = performance.now();
  for (const principal of principals) {
    await oob.credentials
      .acquire(principal, { resource: 'db', flow: form })
      .then(unexpected, () => undefined);
    await enterSecret(asking, principal);
  }
  return (performance.now() - before) / count;
}

/** Milliseconds until all have the secret, and how many links they were given. */
async function askTogether(asking: Asking, count: number): Promise<{ ms: number; links: number }> {
  const { oob, form } = asking;
  const principal = await newPrincipal(asking);
  const request = { resource: 'db', flow: form };
  const before = performance.now();
  const asked = Array.from({ length: count }, () =>
    oob.credentials.acquire(principal, request, { waitMs: 30_000 }),
  );
  let interaction = await oob.credentials.findInteraction(principal, 'db');
  while (interaction === undefined) {
    await new Promise((resolve) => setImmediate(resolve));
    interaction = await oob.credentials.findInteraction(principal, 'db');
  }
  await enterSecret(asking, principal);
  const secrets = await Promise.all(asked);
  const ms = performance.now() - before;
  if (secrets.some((values) => values['password'] !== password))
    throw new Error('a caller got something else');
  return { ms, links: await countPendings(asking, principal) };
}

async function readKept(asking: Asking, count: number): Promise<number> {
  const { oob, form } = asking;
  const principal = await newPrincipal(asking);
  const request = { resource: 'db', flow: form };
  await oob.credentials.acquire(principal, request).then(unexpected, () => undefined);
  await enterSecret(asking, principal);
  const before = performance.now();
  for (let done = 0; done < count; done++) await oob.credentials.acquire(principal, request);
  return (performance.now() - before) / count;
}

async function enterSecret({ oob }: Asking, principal: Principal): Promise<void> {
  const interaction = await oob.credentials.findInteraction(principal, 'db');
  const pending = interaction && (await oob.findPending(interaction.pendingId));
  if (pending === undefined) throw new Error('nobody was asked');
  await oob.interactions.finish(pending, { password });
}

async function countPendings({ oob }: Asking, { namespace }: Principal): Promise<number> {
  const kept = await oob.storage.list([namespace.partition, 'pending'], { limit: 100 });
  return kept.length;
}

function unexpected(): never {
  throw new Error('there was a secret already');
}

type RawCommits = (commits: readonly (readonly Change[])[], count: number) => Promise<number>;

/** The commits of one create + complete made anew elsewhere in a store, with nothing above it. Milliseconds for each set. */
function rawCommits(store: StorageBackend): RawCommits {
  return async (commits, count) => {
    const sets = Array.from({ length: count }, () => elsewhere(commits));
    const before = performance.now();
    for (const set of sets) for (const changes of set) await store.commit(changes);
    return (performance.now() - before) / count;
  };
}

/** The same changes, of as many bytes and as long a life, in partitions that nobody has used. */
function elsewhere(commits: readonly (readonly Change[])[]): (readonly Change[])[] {
  const partitions = new Map<string, string>();
  const moved = ([partition, ...path]: Key): Key => {
    const [kind] = partition.split(':');
    const other = partitions.get(partition) ?? `${kind}:${randomId()}`;
    partitions.set(partition, other);
    return [other, ...path];
  };
  return commits.map((changes) =>
    changes.map((change): Change =>
      'put' in change
        ? { ...change, put: moved(change.put), value: new Uint8Array(bytesOf(change)), expect: undefined }
        : { delete: moved(change.delete) },
    ),
  );
}

function bytesOf(change: Change): number {
  return 'put' in change ? change.value.byteLength : 0;
}
