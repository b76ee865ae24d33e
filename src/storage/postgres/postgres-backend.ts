import { encodeBase64Url } from '../../core/base64url.ts';
import { hashId, systemRandom } from '../../core/random.ts';
import { checkCommit, entryPathOf, type CheckedChange } from '../checked-commit.ts';
import type {
  Capabilities,
  Change,
  Entry,
  Key,
  Page,
  Partitions,
  PartitionsPage,
  StorageBackend,
} from '../contract.ts';
import { decodePath, encodeSegment, maxEncodedBytes } from '../keys.ts';
import { pageRange, partitionsLimit } from '../page-range.ts';
import type { PostgresCalls } from './postgres-calls.ts';
import type { PostgresRow } from './postgres-connection.ts';
import { isLive } from './postgres-schema.ts';
import type { PostgresSignals } from './postgres-signals.ts';

/** How often expired rows are cleared, in changes, and how many at once: faster than they can be made. */
const changesPerSweep = 16;
const rowsPerSweep = 50;

/** Where a partition that is kept under a hash of its name says what it is. No encoded path begins with a `!`. */
const namePath = '!name';
/** Behind it, and before all that an encoded path begins with. */
const beforeAllPaths = '!~';

/** In hex, so that no setting of the server changes how bytes are written. */
const columns = `encode(value, 'hex') AS value, version, expires_at`;

/**
 * A store in one schema of a PostgreSQL database, which any number of processes may share.
 *
 * A commit is on the server's disk when it resolves. Expiry is judged by the server's clock. Use `openPostgres` to
 * make one.
 */
export class PostgresBackend implements StorageBackend {
  readonly capabilities: Capabilities = {
    durable: true,
    shared: true,
    atRest: 'plain',
    maxValueBytes: 1_048_576,
  };

  readonly #calls: PostgresCalls;
  readonly #signals: PostgresSignals;
  readonly #get: string;
  readonly #list: string;
  readonly #partitions: string;
  readonly #commit: string;
  #changesSinceSweep = 0;
  #closing: Promise<void> | undefined;

  constructor(calls: PostgresCalls, signals: PostgresSignals, schema: string) {
    this.#calls = calls;
    this.#signals = signals;
    const entries = `"${schema}".entries`;
    this.#get = `SELECT ${columns} FROM ${entries} WHERE partition = $1 AND path = $2 AND ${isLive}`;
    // A range, never LIKE: no segment means anything to it, and the primary key answers it in order.
    this.#list = `SELECT path, ${columns} FROM ${entries}
      WHERE partition = $1 AND path > $2 AND path < $3 AND ${isLive} ORDER BY path LIMIT $4`;
    // From one partition to the next, each found by the primary key: DISTINCT would read every row.
    this.#partitions = `WITH RECURSIVE found (partition) AS (
        (SELECT partition FROM ${entries} WHERE partition > $1 ORDER BY partition LIMIT 1)
        UNION ALL SELECT (SELECT next.partition FROM ${entries} next WHERE next.partition > found.partition
          ORDER BY next.partition LIMIT 1) FROM found WHERE found.partition IS NOT NULL
      ), page AS MATERIALIZED (SELECT partition FROM found WHERE partition IS NOT NULL LIMIT $2)
      SELECT page.partition, encode(named.value, 'hex') AS name FROM page LEFT JOIN ${entries} named
        ON page.partition LIKE 'sha256:%' AND named.partition = page.partition AND named.path = '${namePath}'
      ORDER BY page.partition`;
    this.#commit = `SELECT "${schema}".commit_changes($1, $2, $3, $4, $5, $6, $7, $8) AS committed`;
  }

  async get(key: Key): Promise<Entry | undefined> {
    this.#calls.mustBeOpen();
    const place: Key = [...key];
    const path = entryPathOf(place);
    const [row] = await this.#calls.query(
      'an entry could not be read',
      { text: this.#get, values: [await columnOf(place[0]), path] },
      { isRead: true },
    );
    return row && entryOf(place, row);
  }

  async list(prefix: Key, page?: Page): Promise<Entry[]> {
    this.#calls.mustBeOpen();
    const { partition, after, before, limit } = pageRange(prefix, page);
    if (limit === 0) return [];
    const start = after === '' ? beforeAllPaths : after;
    const rows = await this.#calls.query(
      'entries could not be listed',
      { text: this.#list, values: [await columnOf(partition), start, before, limit] },
      { isRead: true },
    );
    return rows.map((row) => entryOf([partition, ...decodePath(row['path']!)], row));
  }

  async commit(changes: readonly Change[]): Promise<readonly string[] | undefined> {
    this.#calls.mustBeOpen();
    const checked = checkCommit(changes, this.capabilities.maxValueBytes);
    if (checked.changes.length === 0) return [];
    // In one order for all, so that no two commits wait for each other.
    const writes = checked.changes.map(writeOf);
    const column = await columnOf(checked.partition);
    const naming = isHash(column) ? [nameOf(checked.partition)] : [];
    const sorted = [...naming, ...writes.toSorted((a, b) => (a.path < b.path ? -1 : 1))];
    const [row] = await this.#calls.query(
      'changes could not be committed',
      {
        text: this.#commit,
        values: [
          column,
          sorted.map((write) => write.path),
          sorted.map((write) => write.value),
          sorted.map((write) => write.version),
          sorted.map((write) => write.expiresAtMs),
          sorted.map((write) => write.expect),
          Math.ceil(this.#calls.timeoutMs),
          this.#rowsToSweep(sorted.length),
        ],
      },
      { isRead: false },
    );
    return row?.['committed'] === 't' ? writes.map(({ version }) => version ?? '') : undefined;
  }

  async partitions(page: PartitionsPage = {}): Promise<Partitions> {
    this.#calls.mustBeOpen();
    const size = partitionsLimit(page);
    const { after = '' } = page;
    const rows = await this.#calls.query(
      'partitions could not be listed',
      { text: this.#partitions, values: [after, size + 1] },
      { isRead: true },
    );
    const shown = rows.slice(0, size);
    return {
      partitions: shown.flatMap((row) => partitionOf(row)),
      ...(rows.length > size && { next: shown.at(-1)!['partition']! }),
    };
  }

  async now(): Promise<number> {
    this.#calls.mustBeOpen();
    const text = 'SELECT floor(extract(epoch FROM clock_timestamp()) * 1000)::bigint AS now';
    const [row] = await this.#calls.query(
      'the time could not be read',
      { text, values: [] },
      { isRead: true },
    );
    return Number(row?.['now']);
  }

  async signal(channel: string): Promise<void> {
    this.#calls.mustBeOpen();
    await this.#signals.send(channel);
  }

  async listen(channel: string, wake: () => void): Promise<() => Promise<void>> {
    this.#calls.mustBeOpen();
    const unlisten = await this.#signals.listen(channel, wake);
    return async () => unlisten();
  }

  /** Ends the calls that run, and gives the connection that listens back. The pool stays open: it is the caller's. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    await Promise.all([this.#calls.close(), this.#signals.close()]);
  }

  #rowsToSweep(changes: number): number {
    this.#changesSinceSweep += changes;
    if (this.#changesSinceSweep < changesPerSweep) return 0;
    const rows = Math.max(rowsPerSweep, this.#changesSinceSweep * 2);
    this.#changesSinceSweep = 0;
    return rows;
  }
}

const encoder = new TextEncoder();
const decoder = new TextDecoder('utf-8', { ignoreBOM: true });

/** A change as the server is told of it. `value: null` deletes. */
interface Write {
  readonly path: string;
  readonly value: Uint8Array | null;
  readonly version: string | null;
  readonly expiresAtMs: number | null;
  readonly expect: string | null;
}

function writeOf({ path, value, expiresAtMs, expect }: CheckedChange): Write {
  return {
    path,
    // The caller may reuse its array before a connection is free.
    value: value === undefined ? null : new Uint8Array(value),
    version: value === undefined ? null : newVersion(),
    expiresAtMs: expiresAtMs ?? null,
    // What no store gave as a version, and PostgreSQL might refuse as a text, matches nothing.
    expect: expect === undefined ? null : /^[\w-]+$/u.test(expect) ? expect : '',
  };
}

/** Random, and not from a sequence: one that was restored from a backup would give its numbers again. */
function newVersion(): string {
  return encodeBase64Url(systemRandom(15));
}

/** A partition as its column holds it: readable while it is short, and never longer than an index takes. */
async function columnOf(partition: string): Promise<string> {
  const encoded = encodeSegment(partition);
  // No encoded partition holds a `:`, so none is taken for a hash.
  return encoded.length <= maxEncodedBytes ? encoded : `sha256:${await hashId(partition)}`;
}

function isHash(column: string): boolean {
  return column.startsWith('sha256:');
}

/** What says the name of a partition that is kept under a hash of it. Names stand in the clear, here as in other columns. */
function nameOf(partition: string): Write {
  return {
    path: namePath,
    value: encoder.encode(partition),
    version: newVersion(),
    expiresAtMs: null,
    expect: null,
  };
}

/** The partition of a row; nothing for one that was last written before names were kept. */
function partitionOf({ partition, name }: PostgresRow): string[] {
  if (!isHash(partition!)) return [decodeURIComponent(partition!)];
  return typeof name === 'string' ? [decoder.decode(bytesOf(name))] : [];
}

function entryOf(key: Key, row: PostgresRow): Entry {
  const { value, version, expires_at: expiresAt } = row;
  const entry = { key, value: bytesOf(value!), version: version! };
  return typeof expiresAt === 'string' ? { ...entry, expiresAtMs: Number(expiresAt) } : entry;
}

function bytesOf(hex: string): Uint8Array {
  const bytes = new Uint8Array(hex.length / 2);
  for (let index = 0; index < bytes.length; index++) {
    bytes[index] = (digit(hex.charCodeAt(2 * index)) << 4) | digit(hex.charCodeAt(2 * index + 1));
  }
  return bytes;
}

/** `0` to `9` are 48 to 57, `a` to `f` are 97 to 102. */
function digit(code: number): number {
  return code < 58 ? code - 48 : code - 87;
}
