import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { isAuthorizationRequired } from '../src/client/auth/authorization-required-error.ts';
import { ClientManager } from '../src/client/client-manager.ts';
import { RemoteAuthCoordinator } from '../src/client/coordinators/remote-auth-coordinator.ts';
import type { Change, StorageBackend } from '../src/storage/contract.ts';
import { encrypted } from '../src/storage/encrypted.ts';
import { generateKeyText, keyringFromText } from '../src/storage/keyring.ts';
import { MemoryBackend } from '../src/storage/memory-backend.ts';
import { openSqlite } from '../src/storage/sqlite/index.ts';
import { ProgrammableAuthorization } from '../test/support/programmable-authorization.ts';
import type { Bench, BenchOptions, BenchResult, Figure } from './bench.ts';
import { Browser, locationOf } from './clients/browser.ts';
import { callEcho, contextId, publicUrl, serverName } from './clients/postern.ts';
import { countedStorage } from './counted-storage.ts';
import { median, middleHalf, ratios } from './stats.ts';
import { withTemporaryDirectory } from './temporary-directory.ts';

const atOnce = 16;

/** A person opens their link and comes back: how much more that costs than writing down what it must. */
export const callback: Bench = {
  name: 'callback',
  run: (options) => withTemporaryDirectory((directory) => measure(directory, options)),
};

async function measure(directory: string, options: BenchOptions): Promise<BenchResult> {
  mkdirSync(join(directory, 'store'));
  const counted = countedStorage(openSqlite(join(directory, 'store', 'postern.db')));
  const sqlite = signInsOn(encrypted(counted.storage, keyringFromText(generateKeyText())));
  const memory = signInsOn(new MemoryBackend());
  const raw = new RawCommits(join(directory, 'store', 'raw.db'));
  try {
    const commits = await commitsOfOne(sqlite, counted.commits);
    return await race({ sqlite, memory, raw, commits }, options);
  } finally {
    raw.close();
    await sqlite.close();
    await memory.close();
    await counted.storage.close();
  }
}

async function race(
  subjects: { sqlite: SignIns; memory: SignIns; raw: RawCommits; commits: readonly (readonly number[])[] },
  options: BenchOptions,
): Promise<BenchResult> {
  const { sqlite, memory, raw, commits } = subjects;
  const rounds = options.rounds ?? (options.quick ? 3 : 30);
  const oneByOne = 16;
  const together = 64;
  const times = { sqlite: [], together: [], raw: [], memory: [] } as Record<
    'sqlite' | 'together' | 'raw' | 'memory',
    number[]
  >;
  for (let round = -1; round < rounds; round++) {
    options.progress(round < 0 ? 'callback: warm-up' : `callback: round ${round + 1} of ${rounds}`);
    const slice = {
      sqlite: await signInOneByOne(sqlite, oneByOne),
      raw: raw.time(commits, oneByOne),
      together: await signInTogether(sqlite, together),
      memory: await signInOneByOne(memory, oneByOne),
    };
    if (round < 0) continue;
    for (const [name, ms] of Object.entries(slice)) times[name as keyof typeof times].push(ms);
  }
  const figure = (label: string, values: readonly number[], unit: Figure['unit']): Figure => ({
    label,
    value: median(values),
    unit,
    spread: middleHalf(values),
  });
  const perSecond = (values: readonly number[]): number[] => values.map((ms) => 1000 / ms);
  const sizes = commits.map((values) => values.join(' + ')).join('; ');
  return {
    title: `a full callback against the durable commits it needs, ${rounds} rounds of ${oneByOne}`,
    figures: [
      figure('callback on sealed SQLite / its raw commits', ratios(times.sqlite, times.raw), 'ratio'),
      figure(
        `callback, ${atOnce} at once / its raw commits one by one`,
        ratios(times.together, times.raw),
        'ratio',
      ),
      { label: 'durable commits of one callback', value: commits.length, unit: 'count' },
      figure('callback on sealed SQLite', times.sqlite, 'ms'),
      figure('its raw commits', times.raw, 'ms'),
      figure('callbacks on sealed SQLite', perSecond(times.sqlite), '1/s'),
      figure(`callbacks on sealed SQLite, ${atOnce} at once`, perSecond(times.together), '1/s'),
      figure('callbacks on memory', perSecond(times.memory), '1/s'),
    ],
    notes: [
      'A full callback is GET /connect/<id> and GET /callback, in process, with a token endpoint that answers at once.',
      `Raw commits are transactions of node:sqlite, WAL and synchronous=FULL, in the same directory, with values of the same bytes (${sizes}).`,
    ],
  };
}

/** Makes sign-ins for many contexts, and finishes them as their people's browsers would. */
interface SignIns {
  readonly coordinator: RemoteAuthCoordinator;
  /** The other side, without a network. */
  readonly answerAtOnce: typeof fetch;
  /** A link that nobody has opened. */
  create(): Promise<string>;
  close(): Promise<void>;
}

function signInsOn(storage: StorageBackend): SignIns {
  const server = new ProgrammableAuthorization('https://login.example', { keepCalls: false });
  const answerAtOnce: typeof fetch = (input, init) => server.fetch(input, init);
  const coordinator = new RemoteAuthCoordinator({
    storage,
    publicUrl,
    verifyUser: () => contextId,
    fetch: answerAtOnce,
  });
  const manager = new ClientManager(
    { [serverName]: { url: server.resource } },
    { coordinator, fetch: answerAtOnce, initiatorOf: () => contextId, versionNegotiation: 'legacy' },
  );
  let made = 0;
  return {
    coordinator,
    answerAtOnce,
    async create() {
      const id = `user-${made++}`;
      const client = await manager.getClient(id);
      const error = await callEcho(client).catch((refusal: unknown) => refusal);
      if (!isAuthorizationRequired(error)) throw new Error('no login was asked for', { cause: error });
      // Else its session would wait for the person, and connect again during what is measured.
      await manager.evict(id);
      return error.challenge.url;
    },
    close: () => manager.close(),
  };
}

async function finish({ coordinator, answerAtOnce }: SignIns, link: string): Promise<void> {
  const browser = new Browser();
  const authorization = locationOf(await browser.open(link, coordinator.fetch));
  const back = locationOf(await answerAtOnce(authorization));
  const response = await browser.open(back, coordinator.fetch);
  if (response.headers.get('location') !== link)
    throw new Error(`a callback was answered with HTTP ${response.status}`);
}

/** The byte sizes of the values that each commit of one callback writes. */
async function commitsOfOne(signIns: SignIns, commits: readonly (readonly Change[])[]): Promise<number[][]> {
  const link = await signIns.create();
  const before = commits.length;
  await finish(signIns, link);
  return commits
    .slice(before)
    .map((changes) => changes.map((change) => ('put' in change ? change.value.byteLength : 0)));
}

/** Milliseconds for each callback. */
async function signInOneByOne(signIns: SignIns, count: number): Promise<number> {
  const links = await createLinks(signIns, count);
  const before = performance.now();
  for (const link of links) await finish(signIns, link);
  return (performance.now() - before) / count;
}

async function signInTogether(signIns: SignIns, count: number): Promise<number> {
  const links = await createLinks(signIns, count);
  const before = performance.now();
  const next = async (): Promise<void> => {
    for (let link = links.pop(); link !== undefined; link = links.pop()) await finish(signIns, link);
  };
  await Promise.all(Array.from({ length: atOnce }, next));
  return (performance.now() - before) / count;
}

function createLinks(signIns: SignIns, count: number): Promise<string[]> {
  return Promise.all(Array.from({ length: count }, () => signIns.create()));
}

/** The least that durable writes cost on this file system: SQLite, and nothing above it. */
class RawCommits {
  readonly #database: DatabaseSync;
  #rows = 0;

  constructor(path: string) {
    this.#database = new DatabaseSync(path);
    this.#database.exec(
      'PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; CREATE TABLE entry (path TEXT PRIMARY KEY, value BLOB)',
    );
  }

  /** Milliseconds for each set of commits. */
  time(commits: readonly (readonly number[])[], count: number): number {
    const insert = this.#database.prepare('INSERT INTO entry (path, value) VALUES (?, ?)');
    const before = performance.now();
    for (let done = 0; done < count; done++) {
      for (const values of commits) {
        this.#database.exec('BEGIN IMMEDIATE');
        for (const bytes of values) insert.run(`entry:${this.#rows++}`, new Uint8Array(bytes));
        this.#database.exec('COMMIT');
      }
    }
    return (performance.now() - before) / count;
  }

  close(): void {
    this.#database.close();
  }
}
