import { systemClock, type Clock } from '../core/clock.ts';
import type { Logger } from '../core/logger.ts';
import { PosternError } from '../core/postern-error.ts';
import type { RandomBytes } from '../core/random.ts';
import type { Caller, NamespaceProvider } from '../namespace/namespace-provider.ts';
import type { Namespace } from '../namespace/namespace.ts';
import type { StorageBackend } from '../storage/contract.ts';
import type { WaitOptions } from '../sync/wait-for.ts';
import type { Alongside, PendingStore } from './pending-store.ts';
import type { OnPendingEnd, Pending } from './pending.ts';
import { Pendings, type PendingSpec } from './pendings.ts';

export interface PendingManagerOptions<T = unknown> {
  readonly storage: StorageBackend;
  readonly namespaces: NamespaceProvider;
  /** The link a person gets, from a pending's id. */
  readonly linkFor: (id: string) => string;
  readonly clock?: Clock | undefined;
  readonly random?: RandomBytes | undefined;
  readonly logger?: Logger | undefined;
  /** Told of every end that is written through this, as `Pendings` tells it. */
  readonly onEnd?: OnPendingEnd<T> | undefined;
  /** The namespace whose page is being answered, if one is: no other can be reached then. */
  readonly currentNamespace?: (() => Namespace | undefined) | undefined;
}

/**
 * Pendings for an MCP server: made for whoever calls, found again by the id in a link. Has no opinion about pages.
 *
 * Who may list and clear is told by the caller's own identity; who may end one is whoever the host lets reach its id's page.
 */
export class PendingManager<T = unknown> {
  readonly #pendings: Pendings<T>;
  readonly #namespaces: NamespaceProvider;
  readonly #currentNamespace: () => Namespace | undefined;

  /** @throws {PosternError} ERR_POSTERN_CONFIG_MISCONFIGURED naming what is missing. */
  constructor(options: PendingManagerOptions<T>) {
    if (typeof options?.namespaces?.resolve !== 'function') throw misconfigured('namespaces');
    if (typeof options.linkFor !== 'function') throw misconfigured('linkFor');
    if (options.storage === undefined) throw misconfigured('storage');
    this.#namespaces = options.namespaces;
    this.#currentNamespace = options.currentNamespace ?? (() => undefined);
    this.#pendings = new Pendings<T>({
      ...options,
      linkFor: options.linkFor,
      clock: options.clock ?? systemClock,
    });
  }

  /** Writes a pending down, in the caller's namespace, before anybody can be shown its link. */
  async create(
    caller: Caller,
    spec: PendingSpec<T>,
  ): Promise<{ id: string; url: string; pending: Pending<T> }> {
    const pending = await this.#pendings.create(await this.#namespaces.resolve(caller), spec);
    return { id: pending.id, url: pending.url, pending };
  }

  /** The pending of an id, whoever asks; `undefined` for one that is unknown, long gone, or cannot be read. */
  async find(id: string): Promise<Pending<T> | undefined> {
    const store = await this.#findStore(id);
    return store && this.#pendings.orUnknown(() => store.get(id));
  }

  /**
   * The pending of an id, whoever asks. One that was completed, cancelled or failed can be read for a day.
   *
   * @throws {PosternError} ERR_POSTERN_PENDING_NOT_FOUND when nobody gave out such an id.
   * @throws {PosternError} ERR_POSTERN_PENDING_EXPIRED when time has ended it.
   */
  async get(id: string): Promise<Pending<T>> {
    const store = await this.#storeOf(id);
    const pending = await store.get(id);
    if (pending !== undefined && pending.status !== 'expired') return pending;
    throw new PosternError('ERR_POSTERN_PENDING_EXPIRED', 'nobody finished the interaction in time', {
      hint: 'Ask again for a new link.',
    });
  }

  /**
   * Ends a pending: the person has done it. Returns it as it was, with the namespace to keep the result under.
   *
   * @throws {PosternError} ERR_POSTERN_PENDING_NOT_FOUND, ERR_POSTERN_PENDING_ALREADY_FINISHED
   */
  async complete(id: string, alongside?: Alongside): Promise<Pending<T>> {
    return (await this.#storeOf(id)).complete(id, alongside);
  }

  /** Ends a pending: the person declined, or nobody wants it any more. @throws as {@link complete} */
  async cancel(id: string, alongside?: Alongside): Promise<Pending<T>> {
    return (await this.#storeOf(id)).cancel(id, alongside);
  }

  /**
   * Replaces the data of a live pending. `change` is called again when it has changed meanwhile.
   *
   * @throws {PosternError} ERR_POSTERN_PENDING_NOT_FOUND, ERR_POSTERN_PENDING_EXPIRED, ERR_POSTERN_PENDING_ALREADY_FINISHED
   */
  async update(id: string, change: (data: T) => T): Promise<Pending<T>> {
    const store = await this.#storeOf(id);
    for (let tries = 0; tries < 50; tries++) {
      const pending = await this.get(id);
      if (pending.status !== 'pending') {
        throw new PosternError(
          'ERR_POSTERN_PENDING_ALREADY_FINISHED',
          `the pending had already ended: ${pending.status}`,
        );
      }
      const updated = await store.updateData(pending, change(pending.data as T));
      if (updated !== undefined) return updated;
    }
    throw new PosternError(
      'ERR_POSTERN_STORAGE_CONFLICT',
      'a pending kept changing while it was being changed',
    );
  }

  /** Waits until a pending has ended. @throws as `Pendings.waitFor` */
  waitFor(pending: Pending<T>, options: WaitOptions): Promise<Pending<T>> {
    return this.#pendings.waitFor(pending, options);
  }

  /** All of the caller's own pendings. There is no way to ask for another's. */
  async listNamespace(caller: Caller): Promise<Pending<T>[]> {
    return this.#pendings.in(await this.#namespaces.resolve(caller)).list();
  }

  /** Forgets the caller's own pendings. Returns their ids. */
  async clearNamespace(caller: Caller): Promise<string[]> {
    return this.#pendings.in(await this.#namespaces.resolve(caller)).clear();
  }

  async #storeOf(id: string): Promise<PendingStore<T>> {
    const store = await this.#findStore(id);
    if (store !== undefined) return store;
    throw new PosternError('ERR_POSTERN_PENDING_NOT_FOUND', 'there is no such pending, or it has expired');
  }

  /** Within a pending's page only that pending's namespace can be reached. */
  async #findStore(id: string): Promise<PendingStore<T> | undefined> {
    const store = await this.#pendings.locate(id);
    const inside = this.#currentNamespace();
    return inside === undefined || inside.partition === store?.namespace.partition ? store : undefined;
  }
}

function misconfigured(option: string): PosternError {
  return new PosternError(
    'ERR_POSTERN_CONFIG_MISCONFIGURED',
    `a PendingManager needs ${JSON.stringify(option)}`,
  );
}
