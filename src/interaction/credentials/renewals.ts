import { findPosternError, PosternError } from '../../core/postern-error.ts';
import { storageOf } from '../../namespace/namespace.ts';
import { serverWordOf } from '../../oauth/server-word.ts';
import type { Stored } from '../../storage/collection.ts';
import type { NamespacedStorage } from '../../storage/namespaced-storage.ts';
import { acquireLease, type Lease } from '../../sync/lease.ts';
import { persistently } from '../../sync/persistently.ts';
import { SingleFlight } from '../../sync/single-flight.ts';
import type { Surroundings } from '../../sync/surroundings.ts';
import type { CredentialKind } from '../credential-kind.ts';
import { placeKey, placePath, type Place, type Want } from '../want.ts';
import { CredentialStore, isLive, type StoredCredential } from './credential-store.ts';
import { keptCredential } from './kept-credential.ts';
import { warnOfPerson } from './warn-of-person.ts';
import { Tombstones } from './tombstones.ts';
import { learnedLifetime, type RenewalCause } from './learned-lifetime.ts';
import { RenewalFailures, type FailedRenewal } from './renewal-failures.ts';

/** What came of renewing a credential. */
export interface Renewed {
  /** What is stored then; `undefined` when it has ended, so that its person has to be asked. */
  readonly stored: Stored<StoredCredential> | undefined;
  /** It may yet be good, and was not renewed: its person is to be asked beside it. */
  readonly hopeless?: PosternError | undefined;
}

/**
 * Renews stored credentials, where that needs nobody.
 *
 * One renewal for everybody: shared in this process, leased among processes, begun only if the stored credential is still
 * the one that was read, saved by version. A loser adopts the winner's and deletes nothing. The lease saves work; the
 * version decides.
 */
export class Renewals {
  readonly #surroundings: Surroundings;
  readonly #leaseMs: number;
  readonly #flights = new SingleFlight<Renewed>();
  readonly #obtaining = new SingleFlight<Stored<StoredCredential> | undefined>();

  /** @param leaseMs outlasts one request with its deadline, and saving what came of it. */
  constructor(surroundings: Surroundings, leaseMs: number) {
    this.#surroundings = surroundings;
    this.#leaseMs = leaseMs;
  }

  /**
   * Once a request is sent it is finished and saved, whatever the callers do.
   *
   * @throws {PosternError} of the renewal, when it failed and the credential may yet be good.
   */
  renew(
    place: Place,
    read: Stored<StoredCredential>,
    kind: CredentialKind,
    cause: RenewalCause,
  ): Promise<Renewed> {
    return this.#flights.run(`${placeKey(place)} ${read.version}`, () =>
      this.#renew(place, read, kind, cause),
    );
  }

  /**
   * What is stored after a machine has got a credential for itself, unless there is another than the refused one by then.
   *
   * @throws {PosternError} why it got none, also to whoever comes within the cooldown after that.
   */
  obtain(
    want: Want,
    refused: string | undefined,
    kind: CredentialKind,
  ): Promise<Stored<StoredCredential> | undefined> {
    return this.#obtaining.run(`${placeKey(want)} ${refused ?? ''}`, async () => {
      await using _lease = await this.#lease(want);
      const store = this.#storeOf(want);
      const found = await store.find(want);
      if (isLive(found, kind) && found.version !== refused && found.value.refused !== true) return found;
      const tombstones = new Tombstones(this.#surroundings);
      const forgotten = await tombstones.find(want);
      const failures = await RenewalFailures.of(this.#surroundings, want, found?.value.obtainedAtMs ?? 0);
      const lately = await failures.lately();
      if (lately !== undefined) throw lately.error;
      const obtained = await kind.obtain?.(want).catch(async (error: unknown) => {
        const known = findPosternError(error);
        if (known === undefined) throw error;
        this.#logFailure(want, known);
        throw (await failures.add(known)).error;
      });
      if (obtained === undefined) return undefined;
      const obtainedAtMs = await this.#surroundings.now();
      const cause = isLive(found, kind) ? 'refused' : 'over';
      const learned = found?.value.kind === kind.name && learnedLifetime(found.value, cause, obtainedAtMs);
      const value = { kind: kind.name, obtainedAtMs, ...obtained, ...learned };
      const changes = [store.putting(want, value), tombstones.holding(want, forgotten)];
      await failures.forget().catch(() => {});
      const isKept = (await persistently(() => this.#storage(want).commit(changes))) !== undefined;
      const now = await store.find(want);
      // It was forgotten meanwhile. A commit whose answer was lost looks the same, and there it is.
      const isThere = now?.value.obtainedAtMs === obtainedAtMs;
      if (!isKept && !isThere) await kind.revoke?.(obtained.credential).catch(() => undefined);
      return now;
    });
  }

  /** What has failed at a place is tried at once by whoever comes next. */
  tryAgain(place: Place): Promise<void> {
    return RenewalFailures.lift(this.#surroundings, place);
  }

  /** Resolves when no renewal of this process is under way. */
  async settle(): Promise<void> {
    await this.#flights.settle();
    await this.#obtaining.settle();
  }

  async #renew(
    place: Place,
    read: Stored<StoredCredential>,
    kind: CredentialKind,
    cause: RenewalCause,
  ): Promise<Renewed> {
    for (let tries = 0; tries < 3; tries++) {
      const renewed = await this.#tryToRenew(place, read, kind, cause);
      if (renewed !== 'late') return renewed;
    }
    throw new PosternError(
      'ERR_POSTERN_LEASE_LOST',
      `the lease on a renewal was half over, three times, before it could begin (${this.#leaseMs} ms)`,
      { hint: 'The store is slow, or this process has too much to do. Try again in a moment.' },
    );
  }

  /** `late` when nothing was sent, because the lease may not last. */
  async #tryToRenew(
    place: Place,
    read: Stored<StoredCredential>,
    kind: CredentialKind,
    cause: RenewalCause,
  ): Promise<Renewed | 'late'> {
    const store = this.#storeOf(place);
    const find = async (): Promise<Renewed> => {
      const found = await store.find(place);
      return { stored: isLive(found, kind) ? found : undefined };
    };
    const before = await find();
    if (before.stored?.version !== read.version) return before;
    await using lease = await this.#lease(place);
    const { stored: found } = await find();
    if (found === undefined || found.version !== read.version) return { stored: found };
    const failures = await RenewalFailures.of(this.#surroundings, place, found.value.obtainedAtMs);
    const lately = await failures.lately();
    if (lately !== undefined) return inVain(found, lately);
    // This process stood still, or the store did: another may have renewed it since, and a token that was replaced
    // must not be sent. What is left has to do for the request.
    if (lease.leftMs < this.#leaseMs / 2) return 'late';
    let credential: unknown;
    try {
      credential = await kind.renew?.(found.value.credential, this.#surroundings.storeClock);
    } catch (error) {
      const known = findPosternError(error);
      if (known === undefined) throw error;
      this.#logFailure(place, known);
      return inVain(found, await failures.add(known));
    }
    if (credential === undefined) {
      // A holder that outlived its lease may have renewed it before: then theirs is the one to use.
      // Awaited here, while the lease is held: a failure of the look is this caller’s.
      return (await store.end(found, kind)) ? { stored: undefined } : await find();
    }
    const { refused: _refused, ...kept } = found.value;
    const renewedAtMs = await this.#surroundings.now();
    const value = { ...kept, credential, renewedAtMs, ...learnedLifetime(kept, cause, renewedAtMs) };
    const version = await this.#save(store, place, found, value);
    if (version !== undefined) {
      await failures.forget().catch(() => {});
      const stored = { ...found, value, version };
      this.#warn(place, found, stored, kind);
      return { stored };
    }
    const now = await find();
    // Of the same authorization: this one, even if the answer was lost, or that of a holder who was faster.
    // To revoke what was just obtained could end that one, too.
    if (now.stored?.value.obtainedAtMs === found.value.obtainedAtMs) return now;
    // It was forgotten meanwhile, or the person gave another: what was just obtained must not outlive that.
    await kind.revoke?.(credential).catch(() => undefined);
    return now;
  }

  /**
   * The new version; `undefined` when another credential is there by now. The same one under another version, because it was
   * sealed with another key or marked as refused, is not another: its token is spent.
   */
  async #save(
    store: CredentialStore,
    place: Place,
    found: Stored<StoredCredential>,
    value: StoredCredential,
  ): Promise<string | undefined> {
    const before = JSON.stringify(found.value.credential);
    for (let from = found; ;) {
      const version = await persistently(() => store.replace(from, value));
      if (version !== undefined) return version;
      const now = await persistently(() => store.find(place));
      if (now === undefined || now.value.ended === true || JSON.stringify(now.value.credential) !== before)
        return undefined;
      from = now;
    }
  }

  /** Once: when it was renewed before, its person was not needed as soon. */
  #warn(
    { namespace }: Place,
    before: Stored<StoredCredential>,
    now: Stored<StoredCredential>,
    kind: CredentialKind,
  ): void {
    const { obtainedAtMs, renewedAtMs = obtainedAtMs } = before.value;
    const kept = keptCredential(now, kind, now.value.renewedAtMs ?? renewedAtMs);
    if (kept.condition !== 'expiring' || keptCredential(before, kind, renewedAtMs).condition === 'expiring')
      return;
    warnOfPerson(this.#surroundings.logger, namespace, kept);
  }

  /** Callers are told a code; what the issuer said is for the operator alone. */
  #logFailure({ namespace }: Place, error: PosternError): void {
    this.#surroundings.logger.warn('a credential could not be renewed, or obtained', {
      namespace: namespace.id,
      code: error.code,
      ...serverWordOf(error),
    });
  }

  #lease(place: Place): Promise<Lease> {
    return acquireLease(this.#storage(place), ['renewing', ...placePath(place)], {
      leaseMs: this.#leaseMs,
      waitMs: this.#leaseMs + 5_000,
      clock: this.#surroundings.clock,
    });
  }

  #storage({ namespace }: Place): NamespacedStorage {
    return storageOf(this.#surroundings.storage, namespace);
  }

  #storeOf({ namespace }: Place): CredentialStore {
    return new CredentialStore(this.#surroundings, namespace);
  }
}

/** @throws {PosternError} when trying again later may do. */
function inVain(stored: Stored<StoredCredential>, { error, isHopeless }: FailedRenewal): Renewed {
  if (!isHopeless) throw error;
  return { stored, hopeless: error };
}
