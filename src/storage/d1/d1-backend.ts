import { decodeBase64Url, encodeBase64Url } from '../../core/base64url.ts';
import { systemClock, type Clock } from '../../core/clock.ts';
import { PosternError } from '../../core/postern-error.ts';
import { systemRandom } from '../../core/random.ts';
import { checkCommit, entryPathOf } from '../checked-commit.ts';
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
import { decodePath, encodeSegment } from '../keys.ts';
import { pageRange, partitionsLimit } from '../page-range.ts';
import { PolledSignals } from '../polled-signals.ts';
import { listedEntry } from '../unreadable.ts';
import { D1Calls, type Answers, type Query } from './d1-calls.ts';
import type { D1Database } from './d1-database.ts';

/** What a D1 store is made of. */
export interface D1Options {
  /** The binding. Its tables are those of `d1Schema`. */
  readonly database: D1Database;
  /** How long one call may take, in milliseconds. Default 5,000. */
  readonly timeoutMs?: number | undefined;
  /** Judges expiry. Workers on one database must agree on theirs, as Cloudflare's do. */
  readonly clock?: Clock | undefined;
  /** How often a handle that listens looks for the signals of others, in milliseconds. Default 500. */
  readonly pollMs?: number | undefined;
}

/** D1 takes texts of 2 MB, and one commit is two of them. */
const maxCommitLetters = 1_900_000;

/** How often expired rows are cleared, in commits, and how many at once: faster than they can be made. */
const commitsPerSweep = 16;
const rowsPerSweep = 50;
const signalsKeptMs = 60 * 60_000;

const isLive = '(expires_at IS NULL OR expires_at > ?1)';

/** The driver. Use `createD1Backend` to make one. */
export class D1Backend implements StorageBackend {
  readonly capabilities: Capabilities = {
    durable: true,
    shared: true,
    atRest: 'plain',
    maxValueBytes: 1_000_000,
  };

  readonly #calls: D1Calls;
  readonly #signals: PolledSignals;
  readonly #clock: Clock;

  constructor({ database, timeoutMs = 5_000, clock = systemClock, pollMs = 500 }: D1Options) {
    if (!(timeoutMs >= 1)) throw new TypeError('timeoutMs must be at least 1');
    if (!(pollMs >= 1)) throw new TypeError('pollMs must be at least 1');
    this.#clock = clock;
    this.#calls = new D1Calls(database, timeoutMs);
    this.#signals = new PolledSignals(
      {
        maxIds: 1_000,
        renew: async (id) => {
          await this.#calls.run('signalled', [
            'INSERT INTO postern_signals (id, number, signalled_at) VALUES (?1, ?2, ?3) ON CONFLICT (id) DO UPDATE SET number = excluded.number, signalled_at = excluded.signalled_at',
            id,
            newVersion(),
            clock(),
          ]);
        },
        read: async (ids, why) => {
          const [rows = []] = await this.#calls.run(why, [
            'SELECT id, number FROM postern_signals WHERE id IN (SELECT value FROM json_each(?1))',
            JSON.stringify(ids),
          ]);
          return new Map(rows.map(({ id, number }) => [String(id), String(number)]));
        },
      },
      pollMs,
    );
  }

  async get(key: Key): Promise<Entry | undefined> {
    this.#calls.mustBeOpen();
    const path = entryPathOf(key);
    const [[row] = []] = await this.#calls.run('read', [
      `SELECT path, value, version, expires_at FROM postern_entries WHERE ${isLive} AND partition = ?2 AND path = ?3`,
      this.#clock(),
      encodeSegment(key[0]),
      path,
    ]);
    return row && entryOf(key[0], row);
  }

  async list(prefix: Key, page?: Page): Promise<Entry[]> {
    this.#calls.mustBeOpen();
    const { partition, after, before, limit } = pageRange(prefix, page);
    if (limit === 0) return [];
    const [rows = []] = await this.#calls.run('listed', [
      `SELECT path, value, version, expires_at FROM postern_entries WHERE ${isLive} AND partition = ?2 AND path > ?3 AND path < ?4 ORDER BY path LIMIT ?5`,
      this.#clock(),
      encodeSegment(partition),
      after,
      before,
      limit,
    ]);
    return rows.map((row) => {
      const key: Key = [partition, ...decodePath(String(row['path']))];
      return listedEntry(key, () => entryOf(partition, row));
    });
  }

  async partitions(page: PartitionsPage = {}): Promise<Partitions> {
    this.#calls.mustBeOpen();
    const limit = partitionsLimit(page);
    const [rows = []] = await this.#calls.run('walked through', [
      'SELECT DISTINCT partition FROM postern_entries WHERE partition > ?1 ORDER BY partition LIMIT ?2',
      page.after ?? '',
      limit,
    ]);
    const names = rows.map(({ partition }) => String(partition));
    const next = names.length < limit ? undefined : names.at(-1);
    return { partitions: names.map(decodeURIComponent), ...(next !== undefined && { next }) };
  }

  now(): Promise<number> {
    return Promise.resolve(this.#clock());
  }

  async commit(changes: readonly Change[]): Promise<readonly string[] | undefined> {
    this.#calls.mustBeOpen();
    const { partition, changes: checked } = checkCommit(changes, this.capabilities.maxValueBytes);
    if (checked.length === 0) return [];
    const now = this.#clock();
    const expected = checked.flatMap(({ path, expect }) => (expect === undefined ? [] : [[path, expect]]));
    const puts = checked.flatMap(({ path, value, expiresAtMs }) =>
      value === undefined ? [] : [[path, toText(value), newVersion(), expiresAtMs ?? null]],
    );
    const deletes = checked.flatMap(({ path, value }) => (value === undefined ? [path] : []));
    const commit = committing(now, encodeSegment(partition), { expected, puts, deletes });
    const answers = await this.#calls.run('written', ...commit, ...this.#sweep(now));
    if (!isCommitted(answers)) return undefined;
    const versions = new Map(puts.map(([path, , version]) => [path, String(version)]));
    return checked.map(({ path }) => versions.get(path) ?? '');
  }

  async signal(channel: string): Promise<void> {
    this.#calls.mustBeOpen();
    await this.#signals.signal(channel);
  }

  async listen(channel: string, wake: () => void): Promise<() => Promise<void>> {
    this.#calls.mustBeOpen();
    const unlisten = await this.#signals.listen(channel, wake);
    return async () => unlisten();
  }

  async close(): Promise<void> {
    this.#signals.close();
    await this.#calls.close();
  }

  /** By chance: a Worker makes few commits, and counts none beyond its end. */
  #sweep(now: number): Query[] {
    if (Math.random() * commitsPerSweep >= 1) return [];
    return [
      [
        'DELETE FROM postern_entries WHERE (partition, path) IN (SELECT partition, path FROM postern_entries WHERE expires_at <= ?1 LIMIT ?2)',
        now,
        rowsPerSweep,
      ],
      ['DELETE FROM postern_signals WHERE signalled_at <= ?1', now - signalsKeptMs],
    ];
  }
}

/** `[path, version]`, `[path, value, version, expires_at]` and paths. */
interface Work {
  readonly expected: readonly (readonly unknown[])[];
  readonly puts: readonly (readonly unknown[])[];
  readonly deletes: readonly string[];
}

/**
 * A commit as one transaction that needs no answer half-way: a row that is there only if everything was as expected, the
 * changes, which ask for that row, and its end, which tells whether it was there.
 *
 * @throws {PosternError} ERR_POSTERN_STORAGE_VALUE_TOO_LARGE
 */
function committing(now: number, partition: string, { expected, puts, deletes }: Work): readonly Query[] {
  const id = newVersion();
  const putText = JSON.stringify(puts);
  if (putText.length > maxCommitLetters) {
    throw new PosternError(
      'ERR_POSTERN_STORAGE_VALUE_TOO_LARGE',
      `one commit to the D1 store would hold ${putText.length} letters; the limit is ${maxCommitLetters}`,
    );
  }
  const begun = 'EXISTS (SELECT 1 FROM postern_commits WHERE id = ?1)';
  return [
    [
      `INSERT INTO postern_commits (id) SELECT ?2 WHERE NOT EXISTS (
        SELECT 1 FROM json_each(?4) AS expected
        LEFT JOIN postern_entries AS entry ON entry.partition = ?3 AND entry.path = expected.value ->> 0 AND ${isLive}
        WHERE coalesce(entry.version, '${absent}') <> expected.value ->> 1)`,
      now,
      id,
      partition,
      JSON.stringify(expected),
    ],
    [
      `INSERT INTO postern_entries (partition, path, value, version, expires_at)
        SELECT ?2, change.value ->> 0, change.value ->> 1, change.value ->> 2, change.value ->> 3
        FROM json_each(?3) AS change WHERE ${begun}
        ON CONFLICT (partition, path) DO UPDATE SET value = excluded.value, version = excluded.version, expires_at = excluded.expires_at`,
      id,
      partition,
      putText,
    ],
    [
      `DELETE FROM postern_entries WHERE partition = ?2 AND path IN (SELECT value FROM json_each(?3)) AND ${begun}`,
      id,
      partition,
      JSON.stringify(deletes),
    ],
    ['DELETE FROM postern_commits WHERE id = ?1 RETURNING id', id],
  ];
}

function isCommitted(answers: Answers): boolean {
  return answers[3]?.length === 1;
}

function entryOf(partition: string, row: Answers[number][number]): Entry {
  const { path, value, version, expires_at: expiresAtMs } = row;
  const key: Key = [partition, ...decodePath(String(path))];
  try {
    return {
      key,
      value: decodeBase64Url(String(value)),
      version: String(version),
      ...(typeof expiresAtMs === 'number' && { expiresAtMs }),
    };
  } catch (cause) {
    throw new PosternError('ERR_POSTERN_STORAGE_CORRUPT', 'a row of the D1 store is not one of Postern', {
      cause,
    });
  }
}

/** 96 random bits: no version returns, and none needs to be remembered. */
function newVersion(): string {
  return encodeBase64Url(systemRandom(12));
}

const lettersAtOnce = 0x60_00;

/** In parts that are threes of bytes, so that they join to one text. */
function toText(bytes: Uint8Array): string {
  let text = '';
  for (let start = 0; start < bytes.length; start += lettersAtOnce)
    text += encodeBase64Url(bytes.subarray(start, start + lettersAtOnce));
  return text;
}
