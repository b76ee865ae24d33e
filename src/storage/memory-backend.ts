import { systemClock, type Clock } from '../core/clock.ts';
import { PosternError } from '../core/postern-error.ts';
import { ChannelListeners } from './channel-listeners.ts';
import { checkCommit, entryPathOf, type CheckedChange } from './checked-commit.ts';
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
} from './contract.ts';
import { decodePath } from './keys.ts';
import { pageRange, partitionsLimit } from './page-range.ts';
import { SortedRecords } from './sorted-records.ts';

/** What {@link MemoryBackend} can be given. */
export interface MemoryBackendOptions {
  readonly clock?: Clock | undefined;
}

interface MemoryRecord {
  readonly path: string;
  readonly value: Uint8Array;
  readonly version: number;
  readonly expiresAtMs: number | undefined;
}

/** How many records are looked at per change, to drop those that have expired. More than one, so that garbage cannot outgrow the living. */
const sweptPerChange = 8;

/** A store in this process's memory. It ends with the process, and no other process sees it. */
export class MemoryBackend implements StorageBackend {
  readonly capabilities: Capabilities = {
    durable: false,
    shared: false,
    atRest: 'memory',
    maxValueBytes: 1_048_576,
  };

  readonly #clock: Clock;
  readonly #partitions = new Map<string, SortedRecords<MemoryRecord>>();
  readonly #listeners = new ChannelListeners();
  #lastVersion = 0;
  #closed = false;
  #sweep: { partitions: Iterator<string>; partition: string; after: string } | undefined;

  constructor(options: MemoryBackendOptions = {}) {
    this.#clock = options.clock ?? systemClock;
  }

  async get(key: Key): Promise<Entry | undefined> {
    this.#mustBeOpen();
    const path = entryPathOf(key);
    const record = this.#live(this.#partitions.get(key[0]), path, this.#clock());
    return record && entryOf([...key], record);
  }

  async list(prefix: Key, page?: Page): Promise<Entry[]> {
    this.#mustBeOpen();
    const { partition, after, before, limit } = pageRange(prefix, page);
    const entries: Entry[] = [];
    const records = this.#partitions.get(partition);
    if (records === undefined || limit === 0) return entries;
    const now = this.#clock();
    for (const record of records.after(after)) {
      if (record.path >= before) break;
      if (!isLive(record, now)) continue;
      entries.push(entryOf([partition, ...decodePath(record.path)], record));
      if (entries.length === limit) break;
    }
    return entries;
  }

  async commit(changes: readonly Change[]): Promise<readonly string[] | undefined> {
    this.#mustBeOpen();
    // Nothing below awaits: that is what makes a commit atomic.
    const checked = checkCommit(changes, this.capabilities.maxValueBytes);
    if (checked.changes.length === 0) return [];
    const now = this.#clock();
    const records = this.#partitions.get(checked.partition);
    for (const { path, expect } of checked.changes) {
      if (expect === undefined) continue;
      const record = this.#live(records, path, now);
      if (expect !== (record === undefined ? absent : String(record.version))) return undefined;
    }
    const versions = checked.changes.map((change) => this.#apply(checked.partition, change));
    this.#sweepSome(now, sweptPerChange * versions.length);
    return versions;
  }

  async partitions(page: PartitionsPage = {}): Promise<Partitions> {
    this.#mustBeOpen();
    const size = partitionsLimit(page);
    const { after = '' } = page;
    const rest = [...this.#partitions.keys()].filter((partition) => partition > after).toSorted(byUnits);
    const partitions = rest.slice(0, size);
    return { partitions, ...(rest.length > size && { next: partitions.at(-1) }) };
  }

  async now(): Promise<number> {
    this.#mustBeOpen();
    return this.#clock();
  }

  async signal(channel: string): Promise<void> {
    this.#mustBeOpen();
    this.#listeners.wake(channel);
  }

  async listen(channel: string, wake: () => void): Promise<() => Promise<void>> {
    this.#mustBeOpen();
    const unlisten = this.#listeners.add(channel, wake);
    return async () => unlisten();
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#partitions.clear();
    this.#listeners.clear();
    this.#sweep = undefined;
  }

  #mustBeOpen(): void {
    if (this.#closed) {
      throw new PosternError('ERR_POSTERN_STORAGE_UNAVAILABLE', 'the store in memory was closed');
    }
  }

  #live(
    records: SortedRecords<MemoryRecord> | undefined,
    path: string,
    now: number,
  ): MemoryRecord | undefined {
    const record = records?.find(path);
    return record !== undefined && isLive(record, now) ? record : undefined;
  }

  #apply(partition: string, { path, value, expiresAtMs }: CheckedChange): string {
    let records = this.#partitions.get(partition);
    if (value === undefined) {
      if (records !== undefined) this.#drop(partition, records, path);
      return '';
    }
    if (records === undefined) this.#partitions.set(partition, (records = new SortedRecords()));
    const version = ++this.#lastVersion;
    records.set({ path, value: new Uint8Array(value), version, expiresAtMs });
    return String(version);
  }

  #drop(partition: string, records: SortedRecords<MemoryRecord>, path: string): void {
    records.delete(path);
    if (records.isEmpty) this.#partitions.delete(partition);
  }

  /** Goes on where the last sweep stopped, round and round through everything. */
  #sweepSome(now: number, count: number): void {
    let left = count;
    while (left > 0) {
      if (this.#sweep === undefined) {
        const partitions = this.#partitions.keys();
        const first = partitions.next();
        if (first.done) return;
        this.#sweep = { partitions, partition: first.value, after: '' };
      }
      const sweep = this.#sweep;
      const records = this.#partitions.get(sweep.partition);
      const expired: string[] = [];
      let isDone = true;
      for (const record of records?.after(sweep.after) ?? []) {
        if (left === 0) {
          isDone = false;
          break;
        }
        left--;
        sweep.after = record.path;
        if (!isLive(record, now)) expired.push(record.path);
      }
      if (records !== undefined) {
        for (const path of expired) this.#drop(sweep.partition, records, path);
      }
      if (!isDone) return;
      left--;
      const next = sweep.partitions.next();
      if (next.done) {
        this.#sweep = undefined;
        return;
      }
      sweep.partition = next.value;
      sweep.after = '';
    }
  }
}

function byUnits(a: string, b: string): number {
  return a < b ? -1 : 1;
}

function isLive(record: MemoryRecord, now: number): boolean {
  return record.expiresAtMs === undefined || record.expiresAtMs > now;
}

function entryOf(key: Key, { value, version, expiresAtMs }: MemoryRecord): Entry {
  const entry = { key, value: value.slice(), version: String(version) };
  return expiresAtMs === undefined ? entry : { ...entry, expiresAtMs };
}
