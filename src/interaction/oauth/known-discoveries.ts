import * as z from 'zod';
import { findPosternError } from '../../core/postern-error.ts';
import { hashId } from '../../core/random.ts';
import { discoverySchema, type Discovery } from '../../oauth/discovery.ts';
import { Collection } from '../../storage/collection.ts';
import { NamespacedStorage } from '../../storage/namespaced-storage.ts';
import type { Surroundings } from '../../sync/surroundings.ts';

const record = z.looseObject({ discovery: discoverySchema, endsAtMs: z.number() });

/** How long a server is taken to be authorized for as it said, while nothing says that this has changed. */
const ttlMs = 10 * 60_000;

interface Known {
  /** By this process's monotonic time. */
  readonly sinceMs: number;
  readonly untilMs: number;
  readonly discovery: Discovery;
}

/**
 * How servers are authorized for, as far as any process of the application has found out in the last ten minutes: a process
 * that has just started walks to nobody's metadata again.
 *
 * It is a hint, and never stands in the way: what cannot be read or kept is found out anew, and a refused token, a sign-in
 * that failed or somebody who starts over has it forgotten, in the store as well. Nothing that a caller brings gets into it
 * but the address that a server's own challenge names, for which there is an entry of its own.
 */
export class KnownDiscoveries {
  readonly #surroundings: Surroundings;
  readonly #storage: NamespacedStorage;
  /** By server, and within it by {@link find}'s variant. */
  readonly #here = new Map<string, Map<string, Promise<Known>>>();

  constructor(surroundings: Surroundings) {
    this.#surroundings = surroundings;
    this.#storage = new NamespacedStorage(surroundings.storage, ['app', 'discovery']);
  }

  /**
   * What is known of a server, or what `walk` finds; one walk for all callers of this process.
   *
   * @param variant all that it depends on besides the server.
   * @throws what `walk` throws, which is not remembered.
   */
  async find(serverUrl: string, variant: string, walk: () => Promise<Discovery>): Promise<Discovery> {
    const variants = this.#here.get(serverUrl) ?? new Map<string, Promise<Known>>();
    this.#here.set(serverUrl, variants);
    const before = variants.get(variant);
    const known = await before?.catch(() => undefined);
    if (known !== undefined && performance.now() < known.untilMs) return known.discovery;
    const meanwhile = variants.get(variant);
    if (meanwhile !== undefined && meanwhile !== before) return (await meanwhile).discovery;
    const finding = this.#find(serverUrl, variant, walk);
    variants.set(variant, finding);
    finding.catch(() => {
      if (variants.get(variant) === finding) variants.delete(variant);
    });
    return (await finding).discovery;
  }

  /** Whether something that is used now was found out before then, by this process's monotonic time, or by another. */
  async isOlder(serverUrl: string, thanMs: number): Promise<boolean> {
    const variants = this.#here.get(serverUrl) ?? new Map<string, Promise<Known>>();
    const found = await Promise.allSettled(variants.values());
    return found.some((each) => each.status === 'fulfilled' && each.value.sinceMs < thanMs);
  }

  /** It may have changed. */
  async forget(serverUrl: string): Promise<void> {
    this.#here.delete(serverUrl);
    await this.#lightly('forgotten', async () => (await this.#recordsOf(serverUrl)).clear());
  }

  async #find(serverUrl: string, variant: string, walk: () => Promise<Discovery>): Promise<Known> {
    const path = await hashId(variant);
    const stored = await this.#lightly('read', async () => {
      const records = await this.#recordsOf(serverUrl);
      const found = await records.findReadable(path);
      const leftMs = found && found.value.endsAtMs - (await this.#surroundings.now());
      // A clock that was set back makes nothing last longer.
      return leftMs !== undefined && leftMs > 0 && leftMs <= ttlMs
        ? { discovery: found!.value.discovery, leftMs }
        : undefined;
    });
    if (stored !== undefined) {
      const untilMs = performance.now() + stored.leftMs;
      return { sinceMs: Number.NEGATIVE_INFINITY, untilMs, discovery: stored.discovery };
    }
    const sinceMs = performance.now();
    const discovery = await walk();
    await this.#lightly('kept', async () => {
      const endsAtMs = (await this.#surroundings.now()) + ttlMs;
      const records = await this.#recordsOf(serverUrl);
      await records.put([path], { discovery, endsAtMs }, { expiresAtMs: endsAtMs });
    });
    return { sinceMs, untilMs: sinceMs + ttlMs, discovery };
  }

  /** By a hash: an address may hold a secret. */
  async #recordsOf(serverUrl: string): Promise<Collection<z.infer<typeof record>>> {
    const { onUnreadable } = this.#surroundings;
    return new Collection(this.#storage.namespace(await hashId(serverUrl)), record, onUnreadable);
  }

  async #lightly<T>(what: string, work: () => Promise<T>): Promise<T | undefined> {
    try {
      return await work();
    } catch (error) {
      const code = findPosternError(error)?.code;
      this.#surroundings.logger.debug(`how a server is authorized for could not be ${what}`, { code });
      return undefined;
    }
  }
}
