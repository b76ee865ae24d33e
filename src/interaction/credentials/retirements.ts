import * as z from 'zod';
import type { PosternErrorCode } from '../../core/error-codes.ts';
import { findPosternError } from '../../core/postern-error.ts';
import { namespaceOf, storageOf, type Namespace } from '../../namespace/namespace.ts';
import { serverWordOf } from '../../oauth/server-word.ts';
import { Collection, type Stored } from '../../storage/collection.ts';
import type { Change } from '../../storage/contract.ts';
import { NamespacedStorage } from '../../storage/namespaced-storage.ts';
import { retryConflicts } from '../../sync/retry-conflicts.ts';
import { SingleFlight } from '../../sync/single-flight.ts';
import type { Surroundings } from '../../sync/surroundings.ts';
import type { CredentialKind, Ending, Revocation } from '../credential-kind.ts';
import { placePath, type Place } from '../want.ts';
import { credentialsIn, storedCredential, type StoredCredential } from './credential-store.ts';
import { Tombstones } from './tombstones.ts';

/** How forgetting went at the issuer. */
export interface Forgotten {
  /** The worst of what became of its parts; only `confirmed` says that nothing of it is good any more. `nothing`: there was nothing to end. */
  readonly revocation: Ending | 'unconfirmed' | 'nothing';
  /** What became of each part, where it has some, and its issuer has answered. */
  readonly parts?: Readonly<Record<string, Ending>> | undefined;
  /** Why it is not confirmed. */
  readonly failure?: PosternErrorCode | undefined;
}

/** Finds the kind of what is to be revoked. */
export type KindNamed = (name: string) => CredentialKind | undefined;

/** How long a credential that was taken out of use is kept for its revocation to be tried again. */
const retiredMs = 24 * 60 * 60_000;
/** How many are ended at once, so that no issuer is overrun. */
const maxAtOnce = 20;
/** A process looks for them this often at most, while people are asked. */
const sweepMs = 60_000;

const worstFirst: readonly Forgotten['revocation'][] = ['unconfirmed', 'refused', 'unsupported', 'confirmed'];

const pointerRecord = z.looseObject({ retiredAtMs: z.number() });

/**
 * Ends credentials at their issuers, whichever process lives long enough.
 *
 * What is taken out of use is kept until its issuer has answered, and a pointer to it is written before: any process
 * finishes what a crash, or an issuer that did not answer, has left behind.
 */
export class Retirements {
  readonly #surroundings: Surroundings;
  readonly #leaseMs: number;
  readonly #pointers: Collection<z.infer<typeof pointerRecord>>;
  readonly #tombstones: Tombstones;
  readonly #sweeps = new SingleFlight<void>();
  #sweptAt = Number.NEGATIVE_INFINITY;

  /** @param leaseMs after this long, a process that revokes counts as dead. */
  constructor(surroundings: Surroundings, leaseMs: number) {
    this.#surroundings = surroundings;
    this.#leaseMs = leaseMs;
    this.#tombstones = new Tombstones(surroundings);
    const storage = new NamespacedStorage(surroundings.storage, ['app', 'retired']);
    this.#pointers = new Collection(storage, pointerRecord, surroundings.onUnreadable);
  }

  /**
   * Takes a place's credential out of use at once, then ends it at its issuer, with those that were left behind there, and
   * then forgets it. A mark stays, so that nothing that was begun before comes back.
   */
  async forget(place: Place, kindNamed: KindNamed): Promise<Forgotten> {
    await this.#retire(place);
    const retired = await this.#retiredIn(place.namespace).list(placePath(place));
    if (retired.length === 0) return { revocation: 'nothing' };
    const outcomes = await Promise.all(
      retired.map((credential) => this.#revoke(place.namespace, credential, kindNamed)),
    );
    const [worst = { revocation: 'confirmed' }] = outcomes.toSorted(
      (a, b) => worstFirst.indexOf(a.revocation) - worstFirst.indexOf(b.revocation),
    );
    return worst;
  }

  /** The change that keeps what another replaces, to be committed with that one; {@link endReplaced} sees to it, or a sweep. */
  async retiring(place: Place, replaced: Stored<StoredCredential>): Promise<Change> {
    return this.#keeping(place, replaced, await this.#surroundings.now());
  }

  /** Ends, in the background, what was replaced. */
  endReplaced({ namespace }: Place, { path, version }: Stored<StoredCredential>, kind: CredentialKind): void {
    const at = [namespace.partition, ...path, version];
    void this.#sweeps.run(JSON.stringify(at), () => this.#follow(at, () => kind));
  }

  /**
   * Sees to what others have left behind, in any namespace, until all is done or a lease's time is over. Never rejects: the
   * next sweep goes on.
   */
  async sweep(kindNamed: KindNamed): Promise<void> {
    await this.#sweeps.run('', async () => {
      this.#sweptAt = performance.now();
      try {
        const left = await this.#leftBehind();
        for (let at = 0; at < left.length; at += maxAtOnce) {
          // No new ones then: another process may see to the rest, and this one counts as dead to it.
          if (at > 0 && performance.now() - this.#sweptAt > this.#leaseMs) return;
          const some = left.slice(at, at + maxAtOnce);
          await Promise.all(some.map((path) => this.#follow(path, kindNamed)));
        }
      } catch (error) {
        const code = findPosternError(error)?.code;
        this.#surroundings.logger.warn('credentials that were left behind could not be looked for', { code });
      }
    });
  }

  /** {@link sweep}, in the background, unless this process did not long ago. */
  sweepNowAndThen(kindNamed: KindNamed): void {
    if (performance.now() - this.#sweptAt >= sweepMs) void this.sweep(kindNamed);
  }

  /** Resolves when no sweep of this process is under way. */
  settle(): Promise<void> {
    return this.#sweeps.settle();
  }

  /** Begun anywhere: those whose issuer does not answer do not keep the same others waiting with every sweep. */
  async #leftBehind(): Promise<(readonly string[])[]> {
    const leftBefore = (await this.#surroundings.now()) - this.#leaseMs;
    const paths: (readonly string[])[] = [];
    for await (const { path, value } of this.#pointers.all()) {
      if (value.retiredAtMs <= leftBefore) paths.push(path);
    }
    const [high = 0, low = 0] = this.#surroundings.random(2);
    const first = Math.floor((paths.length * (high * 256 + low)) / 65_536);
    return [...paths.slice(first), ...paths.slice(0, first)];
  }

  async #retire(place: Place): Promise<void> {
    const { namespace } = place;
    const path = placePath(place);
    const records = credentialsIn(this.#surroundings, namespace);
    await retryConflicts('a credential', async () => {
      const { stored: found, expect } = await records.lookAt(path);
      const retiredAtMs = await this.#surroundings.now();
      const marking = this.#tombstones.marking(place, retiredAtMs);
      const { backend } = records.storage;
      // Whoever has seen nothing to take out of use must not have missed what was put there meanwhile.
      const deleting = records.deleting(path, { expect });
      if (found === undefined || found.value.ended === true)
        return (await backend.commit([deleting, marking])) && true;
      const keeping = await this.#keeping(place, found, retiredAtMs);
      return (await backend.commit([deleting, keeping, marking])) && true;
    });
  }

  /** The change that keeps what is taken out of use until its issuer has ended it. */
  async #keeping(
    { namespace }: Place,
    { path, version, value }: Stored<StoredCredential>,
    retiredAtMs: number,
  ): Promise<Change> {
    const expiresAtMs = retiredAtMs + retiredMs;
    const at = [...path, version];
    // Before it, and in another partition: it only points.
    await this.#pointers.put([namespace.partition, ...at], { retiredAtMs }, { expiresAtMs });
    return this.#retiredIn(namespace).putting(at, value, { expiresAtMs });
  }

  /** What cannot be read, or belongs to nobody, keeps no other from being ended. */
  async #follow(path: readonly string[], kindNamed: KindNamed): Promise<void> {
    const [partition = '', ...at] = path;
    try {
      const namespace = namespaceOf(partition);
      const retired = await this.#retiredIn(namespace).find(...at);
      // Its process died before it had taken anything out of use.
      if (retired === undefined) await this.#pointers.delete(path);
      else await this.#revoke(namespace, retired, kindNamed);
    } catch (error) {
      const code = findPosternError(error)?.code;
      this.#surroundings.logger.warn('a credential that was left behind could not be ended', { code });
    }
  }

  async #revoke(
    namespace: Namespace,
    { path, value }: Stored<StoredCredential>,
    kindNamed: KindNamed,
  ): Promise<Forgotten> {
    try {
      const revocation = (await kindNamed(value.kind)?.revoke?.(value.credential)) ?? 'unsupported';
      await this.#retiredIn(namespace).delete(path);
      await this.#pointers.delete([namespace.partition, ...path]);
      const forgotten = toForgotten(revocation);
      // It is not asked again: what was not ended goes on until its own end.
      if (forgotten.revocation !== 'confirmed')
        this.#surroundings.logger.warn('an issuer has not ended all of what was forgotten', {
          ...forgotten.parts,
        });
      return forgotten;
    } catch (error) {
      const failure = findPosternError(error)?.code;
      const word = serverWordOf(error);
      this.#surroundings.logger.warn('an issuer has not confirmed a revocation', { code: failure, ...word });
      return { revocation: 'unconfirmed', failure };
    }
  }

  #retiredIn(namespace: Namespace): Collection<StoredCredential> {
    const storage = storageOf(this.#surroundings.storage, namespace).namespace('retired');
    return new Collection(storage, storedCredential, this.#surroundings.onUnreadable);
  }
}

function toForgotten(revocation: Revocation): Forgotten {
  if (typeof revocation === 'string') return { revocation };
  const ends = Object.values(revocation);
  const worst = worstFirst.find((end): end is Ending => ends.some((each) => each === end)) ?? 'unsupported';
  return { revocation: worst, parts: revocation };
}
