import type { PosternError } from '../core/postern-error.ts';

/** A path: the partition (a namespace, within which a commit is atomic), then one or more segments. */
export type Key = readonly [partition: string, ...path: string[]];

/** One live record. */
export interface Entry {
  readonly key: Key;
  readonly value: Uint8Array;
  /** Opaque; unique for a key even across delete and re-create. */
  readonly version: string;
  /** Milliseconds since the epoch, by the store's clock; absent: never. */
  readonly expiresAtMs?: number;
  /** In a list alone: why this one cannot be read. Its `value` is empty then, and so may be its `version`. */
  readonly unreadable?: PosternError;
}

/** One step of a commit. Without `expect` it is unconditional. */
export type Change =
  | {
      readonly put: Key;
      readonly value: Uint8Array;
      readonly expiresAtMs?: number | undefined;
      readonly expect?: string | undefined;
    }
  | { readonly delete: Key; readonly expect?: string | undefined };

/** As an expectation: there is no live entry under this key. No version ever equals it. */
export const absent = 'absent';

/** Which part of the entries under a prefix to return. */
export interface Page {
  /** Exclusive: entries that sort after this key. */
  readonly after?: Key | undefined;
  /** At most this many entries. Default 100, at most 1,000. */
  readonly limit?: number | undefined;
}

/** Which part of a store's partitions to name. */
export interface PartitionsPage {
  /** What the page before gave as `next`. */
  readonly after?: string | undefined;
  /** About how many. Default 100, at most 1,000. */
  readonly limit?: number | undefined;
}

/** Some of the partitions of a store. */
export interface Partitions {
  /** As they stand first in keys. May be none, although there is a next page. */
  readonly partitions: readonly string[];
  /** Where the next page begins, in words of the store's own; absent after the last. */
  readonly next?: string | undefined;
}

/** What a store is, as far as those above it must know. */
export interface Capabilities {
  /** Survives the process. */
  readonly durable: boolean;
  /** Seen by other processes. */
  readonly shared: boolean;
  /** Where values may be read in the clear: only in this process's memory, nowhere (sealed), or in the store. */
  readonly atRest: 'memory' | 'sealed' | 'plain';
  /** The largest value, in bytes. */
  readonly maxValueBytes: number;
}

/**
 * What a driver implements. Everything else (take, compare-and-swap, leases, waits) is written once above it.
 *
 * Every method rejects with `ERR_POSTERN_STORAGE_UNAVAILABLE`, cause kept, when the store cannot be reached.
 */
export interface StorageBackend {
  readonly capabilities: Capabilities;

  /** The live entry, or `undefined`. An expired entry does not exist, however long the store keeps its bytes. */
  get(key: Key): Promise<Entry | undefined>;

  /**
   * Live entries under a prefix (the entry at the prefix itself not among them), in the order of their encoded paths,
   * a page at a time. Whole segments: `['a']` never matches `['ab']`. One that cannot be read stands among them as
   * `unreadable`, and fails no list.
   */
  list(prefix: Key, page?: Page): Promise<Entry[]>;

  /**
   * All of the changes or none. Returns each change's new version, in order (`''` for a delete),
   * or `undefined` when an expectation failed. All keys lie in one partition, and none appears twice.
   *
   * An expectation is judged against live entries at some moment between the call and its answer, and what was judged in
   * time may become visible after that time, when others have read the entry as gone. So expiry clears up; what everybody
   * must agree on rests on versions. Leases, which only save work, and cooldowns, which are hints, may end by expiry; that a
   * pending has expired is written. To be relied on: as an entry expires, a commit under its version and one that expects
   * its absence never both succeed; one that begins after the entry was read as gone never succeeds under its version;
   * and whoever was told of a version, or lost against it, reads that one or a later one.
   */
  commit(changes: readonly Change[]): Promise<readonly string[] | undefined>;

  /** Wakes the listeners of a channel, in every process. A hint that may be lost, doubled or late. */
  signal(channel: string): Promise<void>;

  /**
   * Calls `wake` at every signal until the returned function is called.
   *
   * A `wake` that throws is the caller's fault, and a driver catches what it throws: it keeps no other listener from being
   * woken, fails no `signal`, and ends no process. What it returns is not looked at.
   */
  listen(channel: string, wake: () => void): Promise<() => Promise<void>>;

  /**
   * The clock by which the store judges expiry, in milliseconds since the epoch. A store that has none of its own
   * leaves it out: the processes that share it must then agree on theirs.
   */
  now?(): Promise<number>;

  /**
   * The partitions, a page at a time and in no order. One that holds a live entry from the first page to the last is named
   * at least once; one whose entries have expired may be named, too. For whoever looks after the store, and never on the
   * way of a call: it may read all of it. A store that cannot find them out leaves it out.
   */
  partitions?(page?: PartitionsPage): Promise<Partitions>;

  close(): Promise<void>;
}
