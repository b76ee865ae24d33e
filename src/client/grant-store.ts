import { sleep, type Clock } from '../core/clock.ts';
import { findPosternError, isPosternError, PosternError } from '../core/postern-error.ts';
import type { Grant } from '../oauth/grant-record.ts';
import type { TokenRequestOptions } from '../oauth/token-request.ts';
import type { OAuthHttp } from '../oauth/oauth-http.ts';
import { Collection, type Stored } from '../storage/collection.ts';
import type { StorageBackend } from '../storage/contract.ts';
import { formatKey } from '../storage/keys.ts';
import type { NamespacedStorage } from '../storage/namespaced-storage.ts';
import { Cooldown } from '../sync/cooldown.ts';
import { acquireLease } from '../sync/lease.ts';
import { SingleFlight } from '../sync/single-flight.ts';
import { storedGrant, type StoredGrant } from './stored-grant.ts';

/** How long a new refresh token is kept trying to be saved. */
const saveMs = 10_000;
/** After a failed refresh, how long nobody tries again. */
const cooldownMs = 2_000;
/** How long a grant that was taken out of use is kept for its revocation to be tried again. */
const retiredMs = 60 * 60_000;
/** How long a grant read before may be used without looking again. */
const trustMs = 1_000;

const flights = new WeakMap<StorageBackend, SingleFlight<Stored<StoredGrant> | undefined>>();

/**
 * One server's grant for one context.
 *
 * A refresh is one transaction for everybody: shared in this process, leased among processes, begun only if the stored
 * grant is still the one that was refused, saved by version. A loser adopts the winner's grant and deletes nothing.
 */
export class GrantStore {
  readonly #storage: NamespacedStorage;
  readonly #records: Collection<StoredGrant>;
  readonly #http: OAuthHttp;
  readonly #clock: Clock;
  readonly #tokenOptions: TokenRequestOptions;
  readonly #leaseMs: number;
  readonly #cooldown: Cooldown;
  #cached: Stored<StoredGrant> | undefined;
  #cachedAtMs = 0;

  /**
   * @param storage the subtree `…:connection:oauth`.
   * @param options `leaseMs` outlasts the longest refresh: one request with its deadline, and saving what came of it.
   */
  constructor(
    storage: NamespacedStorage,
    http: OAuthHttp,
    options: { leaseMs: number; tokenOptions?: TokenRequestOptions | undefined },
  ) {
    this.#storage = storage;
    this.#records = new Collection(storage, storedGrant);
    this.#http = http;
    this.#clock = http.clock;
    this.#tokenOptions = options.tokenOptions ?? {};
    this.#leaseMs = options.leaseMs;
    this.#cooldown = new Cooldown(storage, ['refresh-cooldown'], http.clock);
  }

  /** The grant, as of at most a second ago. */
  async current(): Promise<Stored<StoredGrant> | undefined> {
    if (this.#cached !== undefined && this.#clock() - this.#cachedAtMs < trustMs) return this.#cached;
    return this.read();
  }

  /** The grant as it is stored now. */
  async read(): Promise<Stored<StoredGrant> | undefined> {
    return this.#keep(await this.#records.find('grant'));
  }

  /** Stores a grant that was obtained without a person. */
  async put(value: StoredGrant): Promise<void> {
    await this.#saving(() => this.#records.put(['grant'], value));
    this.#cached = undefined;
  }

  /**
   * A grant newer than the one of `refused`, refreshed if need be; `undefined` when the grant has ended
   * or cannot be refreshed, so that somebody has to sign in.
   *
   * Once the request is sent it is finished and saved, whatever its callers do.
   *
   * @throws {PosternError} of the refresh, when it failed and the grant may yet be good.
   */
  async refresh(refused: string): Promise<Stored<StoredGrant> | undefined> {
    let flight = flights.get(this.#storage.backend);
    if (flight === undefined) flights.set(this.#storage.backend, (flight = new SingleFlight()));
    const key = formatKey(this.#storage.key(['grant']));
    return this.#keep(await flight.run(key, () => this.#refresh(refused)));
  }

  /**
   * Takes the grant out of use. Returns what is to be revoked: that grant, and those whose revocation a crash, or
   * a server that did not answer, has prevented within the last hour.
   */
  async retire(): Promise<readonly Stored<StoredGrant>[]> {
    let found = await this.#records.find('grant');
    for (let tries = 0; found !== undefined && tries < 20; tries++) {
      const moved = await this.#storage.commit([
        this.#records.deleting(['grant'], { expect: found.version }),
        this.#records.putting(['retired', found.version], found.value, {
          expiresAtMs: this.#clock() + retiredMs,
        }),
      ]);
      if (moved !== undefined) break;
      found = await this.#records.find('grant');
    }
    this.#cached = undefined;
    return this.#records.list(['retired']);
  }

  /** Revokes a retired grant, and forgets it once the server has answered. Resolves as {@link revokeGrant} does. */
  async revoke({ path, value }: Stored<StoredGrant>): Promise<boolean> {
    const revoked = await this.#revoke(value.grant);
    await this.#records.delete(path);
    return revoked;
  }

  /** Resolves when no refresh of this process is under way. */
  async settle(): Promise<void> {
    await flights.get(this.#storage.backend)?.settle();
  }

  async #refresh(refused: string): Promise<Stored<StoredGrant> | undefined> {
    const before = await this.#records.find('grant');
    if (before === undefined || before.version !== refused) return before;
    if (before.value.grant.refreshToken === undefined) return undefined;
    await using _lease = await acquireLease(this.#storage, ['refresh-lease'], {
      leaseMs: this.#leaseMs,
      waitMs: this.#leaseMs + 5_000,
      clock: this.#clock,
    });
    const found = await this.#records.find('grant');
    if (found === undefined || found.version !== refused) return found;
    const failed = await this.#cooldown.reason();
    if (failed !== undefined) {
      throw new PosternError(
        'ERR_POSTERN_OAUTH_REQUEST_FAILED',
        `refreshing failed less than ${cooldownMs} ms ago (${failed})`,
      );
    }
    let renewed: Grant;
    try {
      const { refreshGrant } = await import('../oauth/grant.ts');
      renewed = await refreshGrant(found.value.grant, this.#http, this.#tokenOptions);
    } catch (error) {
      // Awaited here: the lease would be given back before, and a failure meanwhile would be nobody's and end the process.
      return await this.#afterFailure(found, error);
    }
    const value = { ...found.value, grant: renewed };
    const version = await this.#saving(() => this.#records.put(['grant'], value, { expect: found.version }));
    if (version !== undefined) return { ...found, value, version };
    const now = await this.#records.find('grant');
    // Of the same authorization: it was saved after all and only the answer was lost, or another holder was faster.
    // To revoke what was just obtained could end that one, too.
    if (now?.value.authorizedAtMs === found.value.authorizedAtMs) return now;
    // Somebody signed out, or in anew, meanwhile: what was just obtained must not outlive that.
    await this.#revoke(renewed).catch(() => false);
    return now;
  }

  async #afterFailure(found: Stored<StoredGrant>, error: unknown): Promise<Stored<StoredGrant> | undefined> {
    if (!isPosternError(error, 'ERR_POSTERN_OAUTH_GRANT_INVALID')) {
      await this.#cooldown.start(
        findPosternError(error)?.code ?? 'ERR_POSTERN_OAUTH_REQUEST_FAILED',
        cooldownMs,
      );
      throw error;
    }
    // A holder that outlived its lease may have redeemed the token first: its grant is the one to use.
    if (await this.#records.delete(['grant'], { expect: found.version })) return undefined;
    return this.#records.find('grant');
  }

  async #revoke(grant: Grant): Promise<boolean> {
    const { revokeGrant } = await import('../oauth/grant.ts');
    return revokeGrant(grant, this.#http, this.#tokenOptions);
  }

  async #saving<T>(save: () => Promise<T>): Promise<T> {
    const deadline = this.#clock() + saveMs;
    for (let pauseMs = 50; ; pauseMs *= 2) {
      try {
        return await save();
      } catch (error) {
        if (!isPosternError(error, 'ERR_POSTERN_STORAGE_UNAVAILABLE')) throw error;
        if (this.#clock() + pauseMs > deadline) throw error;
        await sleep(pauseMs);
      }
    }
  }

  #keep(found: Stored<StoredGrant> | undefined): Stored<StoredGrant> | undefined {
    this.#cached = found;
    this.#cachedAtMs = this.#clock();
    return found;
  }
}
