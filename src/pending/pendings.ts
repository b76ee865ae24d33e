import * as z from 'zod';
import { systemClock, type Clock } from '../core/clock.ts';
import { failureFields } from '../core/failure-fields.ts';
import { stderrLogger, type Logger } from '../core/logger.ts';
import { findPosternError, PosternError } from '../core/postern-error.ts';
import { randomId, systemRandom, type RandomBytes } from '../core/random.ts';
import { assertUsableId, namespaceOf, type Namespace } from '../namespace/namespace.ts';
import { Collection } from '../storage/collection.ts';
import { absent, type StorageBackend } from '../storage/contract.ts';
import { isUnreadable, logUnreadable, unreadableFields } from '../storage/unreadable.ts';
import { storeTime } from '../sync/store-time.ts';
import { waitFor, type WaitOptions } from '../sync/wait-for.ts';
import { afterlifeMs } from './afterlife.ts';
import type { OnPendingEnd, Pending, PendingKind } from './pending.ts';
import { PendingStore, type PendingHooks } from './pending-store.ts';
import { Routes } from './routes.ts';

/** What a caller gives to create a pending. Its namespace is never taken from here. */
export interface PendingSpec<T> {
  readonly kind: PendingKind;
  readonly alias?: string | undefined;
  readonly resource?: string | undefined;
  /** The id of the elicitation that announces it; or, from the pending's own id, which is known only once it is made. */
  readonly elicitId?: string | ((pendingId: string) => string) | undefined;
  /** Who must finish it, exactly as `verifyUser` names them. Default: the id of the namespace. */
  readonly initiator?: string | undefined;
  /** Where the person goes back to when it has ended. */
  readonly returnTo?: string | undefined;
  readonly data: T;
  /** How long the person has. Default 10 minutes; never without end. */
  readonly ttlMs?: number | undefined;
}

export interface PendingsOptions<T = unknown> {
  readonly storage: StorageBackend;
  /** The link a person gets, from a pending's id. */
  readonly linkFor: (id: string) => string;
  readonly clock?: Clock | undefined;
  readonly random?: RandomBytes | undefined;
  readonly logger?: Logger | undefined;
  /** Told of every end that is written through this: by a person, by a caller, by whoever finds that the time is over. */
  readonly onEnd?: OnPendingEnd<T> | undefined;
  /** What of a pending's data stays when it has ended: JSON, and nothing secret. Default: nothing. */
  readonly remember?: ((data: T) => unknown) | undefined;
}

const defaultTtlMs = 10 * 60_000;
/** How long after the end of its time a waiter looks at a pending. */
const firstLookMs = 50;
const slotRecord = z.looseObject({ id: z.string() });

/** Creates pendings, finds them by their public ids, and waits for them. */
export class Pendings<T = unknown> {
  readonly #storage: StorageBackend;
  readonly #routes: Routes;
  readonly #linkFor: (id: string) => string;
  readonly #clock: Clock;
  readonly #random: RandomBytes;
  readonly #logger: Logger;
  readonly #hooks: PendingHooks<T>;

  /** @throws {PosternError} ERR_POSTERN_CONFIG_MISCONFIGURED when the storage or the link is missing. */
  constructor(options: PendingsOptions<T>) {
    if (!options?.storage) throw misconfigured('storage');
    if (typeof options.linkFor !== 'function') throw misconfigured('linkFor');
    this.#storage = options.storage;
    this.#routes = new Routes(options.storage);
    this.#linkFor = options.linkFor;
    this.#clock = options.clock ?? systemClock;
    this.#random = options.random ?? systemRandom;
    const { onEnd, remember, logger = stderrLogger } = options;
    this.#logger = logger;
    this.#hooks = {
      ...(remember && { remember }),
      onUnreadable: logUnreadable(logger),
      onEnd: async (pending, transition) => {
        try {
          await onEnd?.(pending, transition);
        } catch (error) {
          logger.error('what was to follow the end of a pending failed', {
            kind: pending.kind,
            ...failureFields(error),
          });
        }
      },
    };
  }

  /** The pendings of one namespace. */
  in(namespace: Namespace): PendingStore<T> {
    return new PendingStore<T>(this.#storage, namespace, this.#clock, this.#hooks);
  }

  /**
   * Writes a pending down, durably, before anybody can be shown its link.
   *
   * @throws {PosternError} ERR_POSTERN_NAMESPACE_INVALID when its initiator names nobody.
   */
  async create(namespace: Namespace, spec: PendingSpec<T>): Promise<Pending<T>> {
    const created = await this.#write(namespace, spec);
    if (created === undefined) throw conflict();
    return created;
  }

  /**
   * The live pending of a slot, made if there is none.
   *
   * While one lives, everyone who asks gets that one and its link, in every process; a second is never made beside it.
   * One that cannot be read, such as one that was sealed with a key that is gone, does not live.
   *
   * @param spec is asked for when none lives. Nothing is made when it has nothing to say.
   */
  async createOnce(
    namespace: Namespace,
    slot: readonly string[],
    spec: () => Promise<PendingSpec<T>>,
  ): Promise<{ pending: Pending<T>; created: boolean }>;
  async createOnce(
    namespace: Namespace,
    slot: readonly string[],
    spec: () => Promise<PendingSpec<T> | undefined>,
  ): Promise<{ pending: Pending<T>; created: boolean } | undefined>;
  async createOnce(
    namespace: Namespace,
    slot: readonly string[],
    spec: () => Promise<PendingSpec<T> | undefined>,
  ): Promise<{ pending: Pending<T>; created: boolean } | undefined> {
    let made: PendingSpec<T> | undefined;
    for (let tries = 0; tries < 20; tries++) {
      const { live, expect } = await this.#lookAt(namespace, slot);
      if (live !== undefined) return { pending: live, created: false };
      made ??= await spec();
      if (made === undefined) return undefined;
      const created = await this.#write(namespace, made, { path: slot, expect });
      if (created !== undefined) return { pending: created, created: true };
    }
    throw conflict();
  }

  /** The live pending of a slot, if there is one. One whose time is over has been ended by it when this returns. */
  async findLive(namespace: Namespace, slot: readonly string[]): Promise<Pending<T> | undefined> {
    return (await this.#lookAt(namespace, slot)).live;
  }

  /** Sees to it that the link of a live pending leads to it, also after the key is lost that its route was sealed with. */
  async mendRoute({ id, namespace, expiresAtMs }: Pending<T>): Promise<void> {
    await this.#routes.mend(id, namespace.partition, expiresAtMs);
  }

  /** Which namespace a public id belongs to. Says nothing about whether it is still live. */
  async locate(id: string): Promise<PendingStore<T> | undefined> {
    return this.orUnknown(async () => {
      const partition = await this.#routes.find(id);
      return partition === undefined ? undefined : this.in(namespaceOf(partition));
    });
  }

  /**
   * What is read for whoever holds a public id. What cannot be read is, to them, what never was: anything else would tell a
   * stranger that it is there. The log says it.
   */
  async orUnknown<R>(read: () => Promise<R>): Promise<R | undefined> {
    try {
      return await read();
    } catch (error) {
      const code = findPosternError(error)?.code;
      if (!isUnreadable(error) && code !== 'ERR_POSTERN_NAMESPACE_INVALID') throw error;
      const fields = isUnreadable(error) ? unreadableFields(error) : { code };
      this.#logger.error(
        'what a link leads to cannot be read; it is answered as one that is unknown',
        fields,
      );
      return undefined;
    }
  }

  /**
   * Waits until a pending has ended and returns it.
   *
   * A pending that is gone counts as expired: it was cleared, or ended long ago.
   *
   * @param options `onLook` is given the pending as it is by now, as often as it is looked at and has not ended.
   * @throws {PosternError} ERR_POSTERN_PENDING_WAIT_TIMEOUT when it is still pending after `timeoutMs`.
   * @throws the signal's reason when it aborts.
   */
  async waitFor(
    pending: Pending<T>,
    options: WaitOptions & { readonly onLook?: ((live: Pending<T>) => void) | undefined },
  ): Promise<Pending<T>> {
    const store = this.in(pending.namespace);
    const channel = await store.channel(pending.id);
    const deadline = performance.now() + options.timeoutMs;
    for (let pauseMs = firstLookMs; ; pauseMs *= 2) {
      // A look when the time is over, so that its end is seen as such; pauses that grow, should it not be over even then.
      const lookMs = (await this.#leftMs(pending)) + pauseMs;
      const ended = await waitFor(
        store.storage,
        channel,
        async () => {
          const now = (await store.get(pending.id)) ?? { ...pending, status: 'expired', data: undefined };
          if (now.status !== 'pending') return now;
          options.onLook?.(now);
          return undefined;
        },
        { ...options, timeoutMs: Math.min(deadline - performance.now(), lookMs) },
      );
      if (ended !== undefined) return ended;
      if (performance.now() >= deadline) break;
    }
    throw new PosternError(
      'ERR_POSTERN_PENDING_WAIT_TIMEOUT',
      `nobody finished the interaction within ${options.timeoutMs} ms; it can still be finished`,
      { hint: 'The link stays valid. Open it, then try again.' },
    );
  }

  /** What lives in a slot, and the version to name when it is replaced. What cannot be read does not live. */
  async #lookAt(
    namespace: Namespace,
    slot: readonly string[],
    versionBefore?: string,
  ): Promise<{ live: Pending<T> | undefined; expect: string }> {
    const slots = this.#slots(namespace);
    let expect = versionBefore;
    try {
      const held = await slots.find(...slot);
      expect = held?.version ?? absent;
      const pending = held && (await this.in(namespace).get(held.value.id));
      return { live: pending?.status === 'pending' ? pending : undefined, expect };
    } catch (error) {
      if (!isUnreadable(error)) throw error;
      // Looked at once more after its version is known: somebody may have put a live one there meanwhile.
      if (expect === undefined)
        return this.#lookAt(namespace, slot, (await slots.lookAt(slot)).expect ?? absent);
      this.#logger.error('the pending of a slot cannot be read, and counts as gone', unreadableFields(error));
      return { live: undefined, expect };
    }
  }

  async #write(
    namespace: Namespace,
    spec: PendingSpec<T>,
    slot?: { path: readonly string[]; expect: string },
  ): Promise<Pending<T> | undefined> {
    const { ttlMs = defaultTtlMs, initiator = namespace.id, elicitId, ...rest } = spec;
    // Who the browser's user is compared with must be somebody.
    assertUsableId('initiator', initiator);
    if (!(ttlMs > 0) || !Number.isFinite(ttlMs))
      throw new TypeError('ttlMs must be a positive, finite number');
    const id = randomId(this.#random);
    const createdAtMs = await storeTime(this.#storage, this.#clock);
    const expiresAtMs = createdAtMs + ttlMs;
    await this.#routes.add(id, namespace.partition, expiresAtMs);
    const announcedAs = typeof elicitId === 'function' ? elicitId(id) : elicitId;
    const pending = {
      ...rest,
      id,
      ...(announcedAs !== undefined && { elicitId: announcedAs }),
      initiator,
      createdAtMs,
      expiresAtMs,
      url: this.#linkFor(id),
    };
    return this.in(namespace).put(
      pending,
      slot && {
        alongside: [
          this.#slots(namespace).putting(
            slot.path,
            { id },
            { expect: slot.expect, expiresAtMs: expiresAtMs + afterlifeMs },
          ),
        ],
      },
    );
  }

  /** How much of its time a pending has left, by the store's clock; for ever when the store does not say. */
  async #leftMs({ expiresAtMs }: Pending<T>): Promise<number> {
    const now = await storeTime(this.#storage, this.#clock).catch(() => Number.NEGATIVE_INFINITY);
    return Math.max(0, expiresAtMs - now);
  }

  #slots(namespace: Namespace): Collection<z.infer<typeof slotRecord>> {
    return new Collection(this.in(namespace).storage.namespace('slot'), slotRecord);
  }
}

function misconfigured(option: string): PosternError {
  return new PosternError('ERR_POSTERN_CONFIG_MISCONFIGURED', `a Pendings needs ${JSON.stringify(option)}`);
}

function conflict(): PosternError {
  return new PosternError(
    'ERR_POSTERN_STORAGE_CONFLICT',
    'a pending could not be created: others kept changing its place',
  );
}
