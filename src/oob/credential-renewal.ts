import type { Clock } from '../core/clock.ts';
import { findPosternError, PosternError } from '../core/postern-error.ts';
import type { Namespace } from '../namespace/namespace.ts';
import { storageOf } from '../namespace/namespace.ts';
import type { Stored } from '../storage/collection.ts';
import type { StorageBackend } from '../storage/contract.ts';
import { Cooldown } from '../sync/cooldown.ts';
import { acquireLease } from '../sync/lease.ts';
import { SingleFlight } from '../sync/single-flight.ts';
import { CredentialStore, type StoredCredential } from './credential-store.ts';
import type { Flow } from './flow.ts';
import { savePersistently } from './save-persistently.ts';

/** Outlasts one request with its deadline, and saving what came of it. */
const leaseMs = 30_000;
/** After a failed renewal, how long nobody tries again. */
const cooldownMs = 2_000;

/**
 * Renews stored credentials, where that needs nobody.
 *
 * One renewal for everybody: shared in this process, leased among processes, begun only if the stored credential is still
 * the one that was read, saved by version. A loser adopts the winner's and deletes nothing.
 */
export class CredentialRenewal {
  readonly #storage: StorageBackend;
  readonly #clock: Clock;
  readonly #flights = new SingleFlight<Stored<StoredCredential> | undefined>();

  constructor(storage: StorageBackend, clock: Clock) {
    this.#storage = storage;
    this.#clock = clock;
  }

  /**
   * What is stored after the renewal; `undefined` when the credential has ended, so that its person has to be asked.
   *
   * Once a request is sent it is finished and saved, whatever the callers do.
   *
   * @throws {PosternError} of the renewal, when it failed and the credential may yet be good.
   */
  renew(
    namespace: Namespace,
    expired: Stored<StoredCredential>,
    flow: Flow,
  ): Promise<Stored<StoredCredential> | undefined> {
    const key = JSON.stringify([namespace.partition, ...expired.path, expired.version]);
    return this.#flights.run(key, () => this.#renew(namespace, expired, flow));
  }

  /** Resolves when no renewal of this process is under way. */
  settle(): Promise<void> {
    return this.#flights.settle();
  }

  async #renew(
    namespace: Namespace,
    expired: Stored<StoredCredential>,
    flow: Flow,
  ): Promise<Stored<StoredCredential> | undefined> {
    const store = new CredentialStore(this.#storage, namespace);
    const storage = storageOf(this.#storage, namespace);
    const [resource = '', alias = ''] = expired.path;
    const find = async (): Promise<Stored<StoredCredential> | undefined> => {
      const found = await store.find(resource, alias);
      return found?.value.ended === true ? undefined : found;
    };
    await using _lease = await acquireLease(storage, ['renewing', resource, alias], {
      leaseMs,
      waitMs: leaseMs + 5_000,
      clock: this.#clock,
    });
    const found = await find();
    if (found === undefined || found.version !== expired.version) return found;
    const cooldown = new Cooldown(storage, ['renewal-failed', resource, alias], this.#clock);
    const failed = await cooldown.reason();
    if (failed !== undefined) {
      throw new PosternError(
        'ERR_POSTERN_OAUTH_REQUEST_FAILED',
        `renewing a credential failed less than ${cooldownMs} ms ago (${failed})`,
      );
    }
    let credential: unknown;
    try {
      credential = await flow.renew?.(found.value.credential);
    } catch (error) {
      await cooldown.start(findPosternError(error)?.code ?? 'an error without a code', cooldownMs);
      throw error;
    }
    if (credential === undefined) {
      // A holder that outlived its lease may have renewed it before: then theirs is the one to use.
      // Awaited here, while the lease is held: a failure of the look is this caller’s.
      return (await store.end(found)) ? undefined : await find();
    }
    await savePersistently(() =>
      store.replace(found, { ...found.value, credential, renewedAtMs: this.#clock() }),
    );
    const now = await find();
    // Of the same authorization: this one, even if the answer was lost, or that of a holder who was faster.
    // To give back what was just obtained could end that one, too.
    if (now?.value.obtainedAtMs === found.value.obtainedAtMs) return now;
    // It was forgotten meanwhile, or the person gave another: what was just obtained must not outlive that.
    await flow.discard?.(credential).catch(() => undefined);
    return now;
  }
}
