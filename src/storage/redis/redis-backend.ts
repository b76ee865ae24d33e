import { encodeBase64Url } from '../../core/base64url.ts';
import { PosternError } from '../../core/postern-error.ts';
import { systemRandom } from '../../core/random.ts';
import { checkCommit, entryPathOf, type CheckedChange } from '../checked-commit.ts';
import {
  absent,
  type Capabilities,
  type Change,
  type Entry,
  type Key,
  type Page,
  type Partitions,
  type PartitionsPage,
  type StorageBackend,
} from '../contract.ts';
import { decodePath, formatKey } from '../keys.ts';
import { pageRange, partitionsLimit, type PageRange } from '../page-range.ts';
import { listedEntry } from '../unreadable.ts';
import type { RedisCalls } from './redis-calls.ts';
import { decodeEntry, encodeEntry } from './redis-entry.ts';
import { redisChannel, redisIndexes, redisPartition } from './redis-keys.ts';
import { commitScript, getScript, listScript, scanScript, timeScript } from './redis-scripts.ts';
import { RedisServerClock } from './redis-server-clock.ts';
import type { RedisSignals } from './redis-signals.ts';

/** How many paths one call of the list script looks at: some milliseconds of a server that does nothing else meanwhile. */
const looksPerCall = 2_000;

/** How many expired paths a commit clears beside each of its own: faster than they can be made. Lua unpacks no more than some thousands. */
const sweptPerChange = 8;
const sweptAtMost = 1_000;

/** How often a commit is sent again because the server's clock was not what it was thought to be. */
const clockCorrections = 3;

/** A store in Redis or Valkey. Use {@link openRedis} to make one. */
export class RedisBackend implements StorageBackend {
  readonly capabilities: Capabilities = {
    durable: true,
    shared: true,
    atRest: 'plain',
    maxValueBytes: 1_048_576,
  };

  readonly #calls: RedisCalls;
  readonly #signals: RedisSignals;
  readonly #prefix: string;
  readonly #versionPrefix = encodeBase64Url(systemRandom(12));
  readonly #serverClock = new RedisServerClock();
  #lastVersion = 0;
  #closing: Promise<void> | undefined;

  constructor(calls: RedisCalls, signals: RedisSignals, prefix: string) {
    this.#calls = calls;
    this.#signals = signals;
    this.#prefix = prefix;
  }

  async get(key: Key): Promise<Entry | undefined> {
    const place: Key = [...key];
    const path = entryPathOf(place);
    const entryKey = redisPartition(this.#prefix, place[0]).entry(path);
    const reply = await this.#calls.within(`Redis could not read ${JSON.stringify(formatKey(place))}`, () =>
      this.#calls.evaluate(getScript, [entryKey], []),
    );
    return reply === null ? undefined : decodeEntry(place, reply as Buffer);
  }

  async list(prefix: Key, page?: Page): Promise<Entry[]> {
    this.#calls.mustBeOpen();
    const range = pageRange(prefix, page);
    return this.#calls.within(`Redis could not list ${JSON.stringify(formatKey(prefix))}`, () =>
      this.#list(range),
    );
  }

  async commit(changes: readonly Change[]): Promise<readonly string[] | undefined> {
    this.#calls.mustBeOpen();
    const { partition, changes: checked } = checkCommit(changes, this.capabilities.maxValueBytes);
    if (checked.length === 0) return [];
    const { index, expiries, entry } = redisPartition(this.#prefix, partition);
    const keys = [index, expiries, ...checked.map(({ path }) => entry(path))];
    // Made here and not by the server: a command that a client sends twice then writes the same twice.
    const versions = checked.map(({ value }) => (value === undefined ? '' : this.#nextVersion()));
    const args = checked.flatMap((change, at) => argumentsOf(change, versions[at]!));
    const what = `Redis could not commit to ${JSON.stringify(partition)}`;
    return this.#calls.within(what, async () => {
      const swept = Math.min(checked.length * sweptPerChange, sweptAtMost);
      const isDone = await this.#commit(what, keys, [`${swept}`, ...args]);
      return isDone ? versions : undefined;
    });
  }

  async partitions(page: PartitionsPage = {}): Promise<Partitions> {
    const limit = partitionsLimit(page);
    return this.#calls.within('Redis could not list partitions', () =>
      this.#partitionsAfter(page.after, limit),
    );
  }

  async now(): Promise<number> {
    const { index } = redisPartition(this.#prefix, 'time');
    return this.#calls.within('Redis could not tell the time', async () =>
      Number(await this.#calls.evaluate(timeScript, [index], [])),
    );
  }

  async signal(channel: string): Promise<void> {
    const name = redisChannel(this.#prefix, channel);
    await this.#calls.within('Redis could not pass a signal on', () => this.#calls.commands.publish(name));
  }

  async listen(channel: string, wake: () => void): Promise<() => Promise<void>> {
    let unlisten = (): void => {};
    try {
      await this.#calls.within('Redis could not listen for signals', () =>
        this.#signals.listen(redisChannel(this.#prefix, channel), wake, (added) => (unlisten = added)),
      );
    } catch (error) {
      unlisten();
      throw error;
    }
    return async () => unlisten();
  }

  /** Ends the calls that were made, then lets go of the client, which stays open. */
  close(): Promise<void> {
    this.#closing ??= this.#calls.close().then(() => this.#signals.close());
    return this.#closing;
  }

  /** A page of one server. `after`: its name, and where its own walk goes on. */
  async #partitionsAfter(after: string | undefined, limit: number): Promise<Partitions> {
    const { commands } = this.#calls;
    const servers = (await commands.servers()).toSorted((a, b) => (a.name < b.name ? -1 : 1));
    const [name, cursor] =
      after === undefined ? [servers[0]?.name, '0'] : (JSON.parse(after) as [string, string]);
    const at = servers.findIndex((server) => server.name === name);
    if (at < 0) throw clusterHasChanged();
    const { pattern, partitionOf } = redisIndexes(this.#prefix, commands.keyPrefix);
    const [next, found] = (await servers[at]!.eval(scanScript, [cursor, pattern, `${limit}`])) as [
      Buffer,
      Buffer[],
    ];
    const partitions = found.flatMap((key) => partitionOf(key.toString()) ?? []);
    const place = next.toString();
    if (place !== '0') return { partitions, next: JSON.stringify([name, place]) };
    const following = servers[at + 1];
    return { partitions, ...(following && { next: JSON.stringify([following.name, '0']) }) };
  }

  async #list(range: PageRange): Promise<Entry[]> {
    const { partition, before, limit } = range;
    const { index, expiries } = redisPartition(this.#prefix, partition);
    const entries: Entry[] = [];
    // Only a stretch of expired entries takes more than one call, and only then is a page not of one moment.
    for (let after = range.after; entries.length < limit;) {
      const args = [after, before, `${limit - entries.length}`, `${looksPerCall}`];
      const [next, ...found] = (await this.#calls.evaluate(listScript, [index, expiries], args)) as [
        Buffer,
        ...Buffer[],
      ];
      for (let at = 0; at < found.length; at += 2) {
        const key: Key = [partition, ...decodePath(found[at]!.toString('latin1'))];
        entries.push(listedEntry(key, () => decodeEntry(key, found[at + 1]!)));
      }
      if (next.length === 0) break;
      after = next.toString('latin1');
    }
    return entries;
  }

  /** @throws {PosternError} ERR_POSTERN_STORAGE_UNAVAILABLE when nobody can say any more what came of it. */
  async #commit(what: string, keys: readonly string[], args: readonly (string | Buffer)[]): Promise<boolean> {
    const { commands, timeoutMs } = this.#calls;
    const deadline = performance.now() + timeoutMs;
    const lost = commands.lostConnections;
    for (let left = clockCorrections; ; left--) {
      const leftMs = deadline - performance.now();
      const notAfter = this.#serverClock.now() + leftMs;
      const learn = this.#serverClock.ask();
      const reply = await this.#calls.evaluate(commitScript, keys, [latestText(notAfter), ...args]);
      const [outcome, time] = reply as [unknown, Buffer];
      learn(Number(time.toString('latin1')));
      if (Number(outcome) === 1) return true;
      if (Number(outcome) === 0) {
        if (commands.lostConnections === lost) return false;
        // The library may have sent it twice, and the second time found what the first had done.
        throw new PosternError(
          'ERR_POSTERN_STORAGE_UNAVAILABLE',
          `${what}: the connection was lost meanwhile`,
          {
            hint: 'Whether it took effect is not known. Read again.',
          },
        );
      }
      if (left === 0) throw new PosternError('ERR_POSTERN_STORAGE_UNAVAILABLE', `${what}: it came too late`);
    }
  }

  #nextVersion(): string {
    return `${this.#versionPrefix}.${(++this.#lastVersion).toString(36)}`;
  }
}

function clusterHasChanged(): PosternError {
  return new PosternError(
    'ERR_POSTERN_STORAGE_UNAVAILABLE',
    'Redis could not list partitions: the servers of the cluster have changed meanwhile',
    { hint: 'Begin the listing anew.' },
  );
}

/** The four arguments of one change, as the commit script takes them. */
function argumentsOf(
  { path, value, expiresAtMs, expect }: CheckedChange,
  version: string,
): (string | Buffer)[] {
  const expectation = expect === undefined ? '' : expect === absent ? 'a' : `v${expect}`;
  if (value === undefined) return [path, expectation, '', ''];
  return [path, expectation, `${expiresAtMs ?? ''}`, encodeEntry(version, expiresAtMs, value)];
}

/** Lua reads `inf` too, but not alike on every platform. */
function latestText(ms: number): string {
  return `${Number.isFinite(ms) ? Math.ceil(ms) : Number.MAX_SAFE_INTEGER}`;
}
