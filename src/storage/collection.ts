import type { ZodType } from 'zod';
import { PosternError } from '../core/postern-error.ts';
import { absent, type Change, type Entry, type Key, type Page } from './contract.ts';
import { entryAt } from './entry-at.ts';
import { formatKey } from './keys.ts';
import type { NamespacedStorage } from './namespaced-storage.ts';
import { isUnreadable, type OnUnreadable } from './unreadable.ts';

/** A record as it was read: its value, and the version a conditional change names. */
export interface Stored<T> {
  readonly value: T;
  readonly version: string;
  readonly expiresAtMs: number | undefined;
  /** The path below the collection. */
  readonly path: readonly string[];
}

/** When a record ends and what it must replace. */
export interface PutOptions {
  readonly expiresAtMs?: number | undefined;
  /** The version it replaces, or `absent`. Left out: whatever is there. */
  readonly expect?: string | undefined;
}

/** What lies at a path. */
export interface Sight<T> {
  /** `undefined` when there is nothing, and when what is there cannot be read. */
  readonly stored: Stored<T> | undefined;
  /** What a change that replaces it expects. */
  readonly expect: string | undefined;
  /** When what is there ends; also of one that cannot be read. */
  readonly endsAtMs: number | undefined;
}

const pageSize = 100;
const encoder = new TextEncoder();
const decoder = new TextDecoder('utf-8', { fatal: true });

/**
 * Records of one kind, as JSON, checked against a schema whenever they are read.
 *
 * Schemas are loose objects: a field written by a newer version survives being rewritten by an older one.
 */
export class Collection<T> {
  readonly storage: NamespacedStorage;
  readonly #schema: ZodType<T>;
  readonly #onUnreadable: OnUnreadable | undefined;

  /** @param onUnreadable is told of what is left out, and of what is taken for nothing, because it cannot be read. */
  constructor(storage: NamespacedStorage, schema: ZodType<T>, onUnreadable?: OnUnreadable) {
    this.storage = storage;
    this.#schema = schema;
    this.#onUnreadable = onUnreadable;
  }

  /** @throws {PosternError} ERR_POSTERN_STORAGE_CORRUPT when what is stored is not such a record. */
  async find(...path: string[]): Promise<Stored<T> | undefined> {
    const entry = await this.storage.get(...path);
    return entry && this.#read(entry);
  }

  /** As {@link find}; a record that cannot be read is none, and is said. For what is asked for, or made, anew. */
  async findReadable(...path: string[]): Promise<Stored<T> | undefined> {
    try {
      return await this.find(...path);
    } catch (error) {
      if (!isUnreadable(error)) throw error;
      this.#onUnreadable?.({ key: this.storage.key(path), version: '', error });
      return undefined;
    }
  }

  /** What is there as far as it can be read, and what to name in a change that replaces it. */
  async lookAt(path: readonly string[]): Promise<Sight<T>> {
    const entry = await entryAt(this.storage, path);
    if (entry === undefined) return { stored: undefined, expect: absent, endsAtMs: undefined };
    // What another program has written may have no version.
    const sight = { expect: entry.version || undefined, endsAtMs: entry.expiresAtMs };
    return { ...sight, stored: this.#readable([entry])[0] };
  }

  /** A page of records. One that cannot be read is left out, so a page may be short before the last; see {@link all}. */
  async list(path: readonly string[] = [], page?: Page): Promise<Stored<T>[]> {
    return this.#readable(await this.storage.list(path, page));
  }

  /** Every record below a path, in their order, read a page at a time. One that cannot be read is left out. */
  async *all(path: readonly string[] = []): AsyncGenerator<Stored<T>> {
    for await (const entry of this.#entries(path)) yield* this.#readable([entry]);
  }

  /** Deletes everything in the collection, page by page. Returns what of it could be read. */
  async clear(): Promise<Stored<T>[]> {
    const removed: Stored<T>[] = [];
    for (;;) {
      const entries = await this.storage.list([], { limit: pageSize });
      if (entries.length === 0) return removed;
      await this.storage.commit(entries.map((entry) => ({ delete: entry.key })));
      removed.push(...this.#readable(entries));
    }
  }

  /** Removes a record and returns it. Of many concurrent callers, one gets it. */
  async take(...path: string[]): Promise<Stored<T> | undefined> {
    const entry = await this.storage.take(...path);
    return entry && this.#read(entry);
  }

  /** Writes one record. Returns its version, or `undefined` when the expectation failed. */
  async put(path: readonly string[], value: T, options: PutOptions = {}): Promise<string | undefined> {
    return (await this.storage.commit([this.putting(path, value, options)]))?.[0];
  }

  /** Deletes one record. Returns whether the expectation held. */
  async delete(path: readonly string[], options: { expect?: string | undefined } = {}): Promise<boolean> {
    return (await this.storage.commit([this.deleting(path, options)])) !== undefined;
  }

  /** The change that writes a record, to be committed with others. */
  putting(path: readonly string[], value: T, options: PutOptions = {}): Change {
    return { put: this.storage.key(path), value: encoder.encode(JSON.stringify(value)), ...options };
  }

  /** The change that deletes a record, to be committed with others. */
  deleting(path: readonly string[], options: { expect?: string | undefined } = {}): Change {
    return { delete: this.storage.key(path), ...options };
  }

  async *#entries(path: readonly string[]): AsyncGenerator<Entry> {
    let after: Key | undefined;
    for (;;) {
      const entries = await this.storage.list(path, { limit: pageSize, after });
      yield* entries;
      after = entries.at(-1)?.key;
      if (entries.length < pageSize) return;
    }
  }

  /** One record that cannot be read must not hide the others. */
  #readable(entries: readonly Entry[]): Stored<T>[] {
    return entries.flatMap((entry) => {
      try {
        return [this.#read(entry)];
      } catch (error) {
        if (!isUnreadable(error)) throw error;
        this.#onUnreadable?.({ key: entry.key, version: entry.version, error });
        return [];
      }
    });
  }

  #read(entry: Entry): Stored<T> {
    if (entry.unreadable !== undefined) throw entry.unreadable;

    const parsed = this.#schema.safeParse(this.#parse(entry));
    if (!parsed.success) throw this.#corrupt(entry, parsed.error);
    return {
      value: parsed.data,
      version: entry.version,
      expiresAtMs: entry.expiresAtMs,
      path: entry.key.slice(this.storage.prefix.length),
    };
  }

  #parse(entry: Entry): unknown {
    try {
      return JSON.parse(decoder.decode(entry.value));
    } catch {
      // The parser's message quotes the text it read, which may hold a secret.
      throw this.#corrupt(entry, new SyntaxError('not JSON'));
    }
  }

  #corrupt(entry: Entry, cause: unknown): PosternError {
    return new PosternError(
      'ERR_POSTERN_STORAGE_CORRUPT',
      `the record at ${JSON.stringify(formatKey(entry.key))} does not have the shape it was written with`,
      { cause, hint: 'Was the store written by a newer version, or by another program?' },
    );
  }
}
