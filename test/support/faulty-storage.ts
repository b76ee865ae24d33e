import { storedByLayer } from '../../scripts/storage-schema-page.ts';
import { PosternError } from '../../src/core/postern-error.ts';
import { formatKey } from '../../src/storage/keys.ts';
import type {
  Capabilities,
  Change,
  Entry,
  Key,
  Page,
  Partitions,
  PartitionsPage,
  StorageBackend,
} from '../../src/storage/contract.ts';

/** One operation on its way to the store. */
export interface StorageCall {
  readonly operation: 'get' | 'list' | 'commit' | 'signal' | 'listen';
  /** The keys read or written, or the channel, as text. */
  readonly on: string;
  readonly changes: readonly Change[];
}

/** What happens to an operation: it fails before it is done, or it is done and its answer is lost. */
export type StorageFault = 'fail' | 'lose-answer' | undefined;

/** A store in front of another, which fails as it is told and keeps a copy of every byte that passed. */
export class FaultyStorage implements StorageBackend {
  readonly capabilities: Capabilities;
  readonly #backend: StorageBackend;
  /** Asked before every operation; may take its time, which the operation then takes, too. */
  fault: (call: StorageCall) => StorageFault | Promise<StorageFault> = () => undefined;
  /** Every key and value that was written, and every channel: the store's whole history. */
  readonly written: { readonly key: string; readonly value: Uint8Array }[] = [];

  constructor(backend: StorageBackend, capabilities: Partial<Capabilities> = {}) {
    this.#backend = backend;
    this.capabilities = { ...backend.capabilities, ...capabilities };
  }

  get(key: Key): Promise<Entry | undefined> {
    return this.#pass({ operation: 'get', on: textOf(key), changes: [] }, () => this.#backend.get(key));
  }

  list(prefix: Key, page?: Page): Promise<Entry[]> {
    return this.#pass({ operation: 'list', on: textOf(prefix), changes: [] }, () =>
      this.#backend.list(prefix, page),
    );
  }

  commit(changes: readonly Change[]): Promise<readonly string[] | undefined> {
    for (const change of changes) if ('put' in change) assertKnown(change.put);
    const keys = changes.map((change) => textOf('put' in change ? change.put : change.delete));
    for (const [index, change] of changes.entries()) {
      if ('put' in change) this.written.push({ key: keys[index] ?? '', value: new Uint8Array(change.value) });
    }
    return this.#pass({ operation: 'commit', on: keys.join(' '), changes }, () =>
      this.#backend.commit(changes),
    );
  }

  signal(channel: string): Promise<void> {
    this.written.push({ key: channel, value: new Uint8Array() });
    return this.#pass({ operation: 'signal', on: channel, changes: [] }, () => this.#backend.signal(channel));
  }

  listen(channel: string, wake: () => void): Promise<() => Promise<void>> {
    return this.#pass({ operation: 'listen', on: channel, changes: [] }, () =>
      this.#backend.listen(channel, wake),
    );
  }

  partitions(page?: PartitionsPage): Promise<Partitions> {
    return this.#backend.partitions!(page);
  }

  close(): Promise<void> {
    return this.#backend.close();
  }

  async #pass<T>(call: StorageCall, work: () => Promise<T>): Promise<T> {
    const fault = await this.fault(call);
    if (fault === 'fail') throw unavailable();
    const done = await work();
    if (fault === 'lose-answer') throw unavailable();
    return done;
  }
}

function textOf(key: Key): string {
  return key.join('/');
}

function unavailable(): PosternError {
  return new PosternError('ERR_POSTERN_STORAGE_UNAVAILABLE', 'the store was told to fail');
}

/** Every sort of record that may be written, as what its key must look like. */
const knownKeys = Object.values(storedByLayer)
  .flat()
  .map(({ key }) => {
    const pattern = key.split(/(?<placeholder>‹[^›]*›)/u).map((part) => {
      if (part === '‹namespace›') return '(?:client|user):[^:]+';
      if (part === '‹what it is for›') return '.+';
      return part.startsWith('‹') ? '[^:]+' : part;
    });
    return new RegExp(`^${pattern.join('')}$`, 'u');
  });

/** A host's own things lie under a namespace's `server:…:connection`, and tests write what they like under `test`. */
const ownKeys = /:server:[^:]+:connection:|^test:/u;

function assertKnown(key: Key): void {
  const text = formatKey(key);
  if (knownKeys.some((known) => known.test(text)) || ownKeys.test(text)) return;
  throw new Error(`no table of stored records knows the key ${text}`);
}
