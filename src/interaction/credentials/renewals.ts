import { errorCodes, type PosternErrorCode } from '../../core/error-codes.ts';
import { findPosternError, PosternError } from '../../core/postern-error.ts';
import { storageOf } from '../../namespace/namespace.ts';
import type { Stored } from '../../storage/collection.ts';
import type { NamespacedStorage } from '../../storage/namespaced-storage.ts';
import { Cooldown } from '../../sync/cooldown.ts';
import { acquireLease, type Lease } from '../../sync/lease.ts';
import { persistently } from '../../sync/persistently.ts';
import { SingleFlight } from '../../sync/single-flight.ts';
import type { Surroundings } from '../../sync/surroundings.ts';
import type { CredentialKind } from '../credential-kind.ts';
import { placeKey, placePath, type Place, type Want } from '../want.ts';
import { CredentialStore, isLive, type StoredCredential } from './credential-store.ts';

/** After a failed renewal, how long nobody tries again. */
const cooldownMs = 2_000;

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
  readonly #flights = new SingleFlight<Stored<StoredCredential> | undefined>();

  /** @param leaseMs outlasts one request with its deadline, and saving what came of it. */
  constructor(surroundings: Surroundings, leaseMs: number) {
    this.#surroundings = surroundings;
    this.#leaseMs = leaseMs;
  }

  /**
   * What is stored after the renewal; `undefined` when the credential has ended, so that its person has to be asked.
   *
   * Once a request is sent it is finished and saved, whatever the callers do.
   *
   * @throws {PosternError} of the renewal, when it failed and the credential may yet be good.
   */
  renew(
    place: Place,
    read: Stored<StoredCredential>,
    kind: CredentialKind,
  ): Promise<Stored<StoredCredential> | undefined> {
    return this.#flights.run(`${placeKey(place)} ${read.version}`, () => this.#renew(place, read, kind));
  }

  /** What is stored after a machine has got a credential for itself, unless there is another than the refused one by then. */
  obtain(
    want: Want,
    refused: string | undefined,
    kind: CredentialKind,
  ): Promise<Stored<StoredCredential> | undefined> {
    return this.#flights.run(`${placeKey(want)} ${refused ?? ''}`, async () => {
      await using _lease = await this.#lease(want);
      const store = this.#storeOf(want);
      const found = await store.find(want);
      if (isLive(found, kind) && found.version !== refused) return found;
      const obtained = await kind.obtain?.(want);
      if (obtained === undefined) return undefined;
      const value = { kind: kind.name, obtainedAtMs: await this.#surroundings.now(), ...obtained };
      await persistently(() => this.#storage(want).commit([store.putting(want, value)]));
      return store.find(want);
    });
  }

  /** Resolves when no renewal of this process is under way. */
  settle(): Promise<void> {
    return this.#flights.settle();
  }

  async #renew(
    place: Place,
    read: Stored<StoredCredential>,
    kind: CredentialKind,
  ): Promise<Stored<StoredCredential> | undefined> {
    const store = this.#storeOf(place);
    const find = async (): Promise<Stored<StoredCredential> | undefined> => {
      const found = await store.find(place);
      return isLive(found, kind) ? found : undefined;
    };
    const before = await find();
    if (before === undefined || before.version !== read.version) return before;
    await using _lease = await this.#lease(place);
    const found = await find();
    if (found === undefined || found.version !== read.version) return found;
    const cooldown = new Cooldown(
      this.#storage(place),
      ['renewal-failed', ...placePath(place)],
      this.#surroundings.clock,
    );
    const failed = await cooldown.reason();
    if (failed !== undefined) throw failedBefore(failed);
    let credential: unknown;
    try {
      credential = await kind.renew?.(found.value.credential, this.#surroundings.storeClock);
    } catch (error) {
      await cooldown.start(findPosternError(error)?.code ?? 'ERR_POSTERN_OAUTH_REQUEST_FAILED', cooldownMs);
      throw error;
    }
    if (credential === undefined) {
      // A holder that outlived its lease may have renewed it before: then theirs is the one to use.
      // Awaited here, while the lease is held: a failure of the look is this caller’s.
      return (await store.end(found)) ? undefined : await find();
    }
    const value = { ...found.value, credential, renewedAtMs: await this.#surroundings.now() };
    const version = await persistently(() => store.replace(found, value));
    if (version !== undefined) return { ...found, value, version };
    const now = await find();
    // Of the same authorization: this one, even if the answer was lost, or that of a holder who was faster.
    // To revoke what was just obtained could end that one, too.
    if (now?.value.obtainedAtMs === found.value.obtainedAtMs) return now;
    // It was forgotten meanwhile, or the person gave another: what was just obtained must not outlive that.
    await kind.revoke?.(credential).catch(() => undefined);
    return now;
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
    return new CredentialStore(this.#surroundings.storage, namespace);
  }
}

function failedBefore(reason: string): PosternError {
  const code = Object.hasOwn(errorCodes, reason)
    ? (reason as PosternErrorCode)
    : 'ERR_POSTERN_OAUTH_REQUEST_FAILED';
  return new PosternError(code, `renewing a credential failed less than ${cooldownMs} ms ago (${reason})`, {
    hint: 'Try again in a moment.',
  });
}
