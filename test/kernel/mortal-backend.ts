import { PosternError } from '../../src/core/postern-error.ts';
import type { Capabilities, Change, Entry, Key, Page, StorageBackend } from '../../src/storage/contract.ts';

/**
 * What happens at a step: the process dies, one answer is lost, or the store stays away until it is told to come back.
 */
export type Fault = 'death' | 'failure' | 'outage';

/** When a process dies, in steps of its storage: before the step is done, or after, with nobody left to hear the answer. */
export interface Death {
  readonly step: number;
  readonly when: 'before' | 'after';
}

/**
 * A store as one process sees it, and the end of that process at a chosen step.
 *
 * What a dead process was waiting for never comes, so nothing of it runs any further, as after SIGKILL.
 */
export class MortalBackend implements StorageBackend {
  readonly capabilities: Capabilities;
  readonly #backend: StorageBackend;
  readonly #death: Death | undefined;
  readonly #fault: Fault;
  readonly #died = Promise.withResolvers<void>();
  #steps = 0;
  #isDead = false;
  #isAway = false;

  constructor(backend: StorageBackend, death?: Death, fault: Fault = 'death') {
    this.#backend = backend;
    this.capabilities = backend.capabilities;
    this.#death = death;
    this.#fault = fault;
  }

  /** How many steps were begun. */
  get steps(): number {
    return this.#steps;
  }

  get died(): Promise<void> {
    return this.#died.promise;
  }

  get isDead(): boolean {
    return this.#isDead;
  }

  /** Ends an outage. */
  comeBack(): void {
    this.#isAway = false;
  }

  get(key: Key): Promise<Entry | undefined> {
    return this.#step(() => this.#backend.get(key));
  }

  list(prefix: Key, page?: Page): Promise<Entry[]> {
    return this.#step(() => this.#backend.list(prefix, page));
  }

  commit(changes: readonly Change[]): Promise<readonly string[] | undefined> {
    return this.#step(() => this.#backend.commit(changes));
  }

  signal(channel: string): Promise<void> {
    return this.#step(() => this.#backend.signal(channel));
  }

  listen(channel: string, wake: () => void): Promise<() => Promise<void>> {
    return this.#step(() => this.#backend.listen(channel, wake));
  }

  close(): Promise<void> {
    return this.#backend.close();
  }

  async #step<T>(act: () => Promise<T>): Promise<T> {
    if (this.#isDead) return new Promise<T>(() => {});
    const step = ++this.#steps;
    if (this.#isAway) throw new PosternError('ERR_POSTERN_STORAGE_UNAVAILABLE', 'the store is away');
    const isLast = step === this.#death?.step;
    if (isLast && this.#death?.when === 'before') return this.#end();
    const result = await act();
    if (isLast) return this.#end();
    return this.#isDead ? new Promise<T>(() => {}) : result;
  }

  #end<T>(): Promise<T> {
    if (this.#fault === 'outage') this.#isAway = true;
    if (this.#fault !== 'death') return Promise.reject(new Error('the answer of the store was lost'));
    this.#isDead = true;
    this.#died.resolve();
    return new Promise<T>(() => {});
  }
}
