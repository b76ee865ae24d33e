import { findPosternError, PosternError } from '../../core/postern-error.ts';
import type { Namespace } from '../../namespace/namespace.ts';
import { isScopeSubset } from '../../oauth/scopes.ts';
import type { Stored } from '../../storage/collection.ts';
import type { Change } from '../../storage/contract.ts';
import { SharedReads } from '../../sync/shared-reads.ts';
import type { Surroundings } from '../../sync/surroundings.ts';
import { within } from '../../sync/within.ts';
import type { CredentialKind } from '../credential-kind.ts';
import type { NamedFlow } from '../flow.ts';
import { placeKey, type Place, type Want } from '../want.ts';
import { CredentialStore, isLive, stateOfStored, type StoredCredential } from './credential-store.ts';
import { keptCredential, type KeptCredential } from './kept-credential.ts';
import { withSharedAccounts } from './shared-accounts.ts';
import type { RenewalCause } from './learned-lifetime.ts';
import type { Renewals, Renewed } from './renewals.ts';
import { Retirements } from './retirements.ts';

/** A credential that can be used, and what it was. */
export interface HeldCredential<C> {
  readonly credential: C;
  /** Names what is stored, for a refusal. */
  readonly version: string;
  readonly scopes: readonly string[];
  /** When its person gave it. */
  readonly authorizedAtMs: number;
  /** When it was renewed last, or given. */
  readonly issuedAtMs: number;
  /** When it ends by its own account, as far as it says. */
  readonly endsAtMs: number | undefined;
  /** By its own account it has ended. Only of {@link Credentials.peek}. */
  readonly isOver: boolean;
}

/** Credentials as they are kept: found, renewed, refused and put. Asks nobody. */
export class Credentials {
  readonly #surroundings: Surroundings;
  readonly #leaseMs: number;
  readonly #waitUntil: (work: Promise<unknown>) => void;
  readonly retirements: Retirements;
  readonly #reads = new SharedReads<Stored<StoredCredential> | undefined>();
  #renewals: Promise<Renewals> | undefined;

  /** @param waitUntil keeps a process alive for what nobody waits for. */
  constructor(
    surroundings: Surroundings,
    leaseMs: number,
    waitUntil: (work: Promise<unknown>) => void = () => {},
  ) {
    this.#surroundings = surroundings;
    this.#leaseMs = leaseMs;
    this.#waitUntil = waitUntil;
    this.retirements = new Retirements(surroundings, leaseMs);
  }

  in(namespace: Namespace): CredentialStore {
    return new CredentialStore(this.#surroundings, namespace);
  }

  /**
   * The credential that covers what is wanted; `undefined` when a person has to be asked.
   *
   * Well ahead of its end it is renewed in the background, where that needs nobody: its callers have the present one, and
   * a failure is not theirs. One that has ended is renewed before it is given out.
   *
   * @throws {PosternError} of the renewal, when it failed and there is nothing else to use.
   */
  async find<C>(
    place: Place & Partial<Pick<Want, 'scopes'>>,
    kind: CredentialKind<C>,
  ): Promise<HeldCredential<C> | undefined> {
    const stored = await this.#reads.run(placeKey(place), () => this.in(place.namespace).find(place));
    if (!isLive(stored, kind) || !isScopeSubset(place.scopes ?? [], stored.value.scopes)) return undefined;
    const nowMs = await this.#surroundings.now();
    const held = present(stored, kind, nowMs);
    const canRenew = kind.renew !== undefined && isRenewable(stored, kind, nowMs);
    if (held !== undefined && !held.isOver) {
      if (canRenew && stateOfStored(stored.value, kind, nowMs) === 'due')
        this.#renewAhead(place, stored, kind);
      return held;
    }
    if (!canRenew) return undefined;
    const { stored: renewed, hopeless } = await this.#renew(place, stored, kind, 'over');
    return hopeless !== undefined ? undefined : present(renewed, kind, await this.#surroundings.now());
  }

  /** What is stored, as it is. Renews nothing. */
  async peek<C>(place: Place, kind: CredentialKind<C>): Promise<HeldCredential<C> | undefined> {
    const stored = await this.in(place.namespace).find(place);
    return isLive(stored, kind) ? present(stored, kind, await this.#surroundings.now()) : undefined;
  }

  /** What is kept in a namespace, each without itself. */
  async list(
    namespace: Namespace,
    findKind: (name: string) => CredentialKind | undefined,
    options: { ended?: boolean } = {},
  ): Promise<KeptCredential[]> {
    const nowMs = await this.#surroundings.now();
    const stored = await this.in(namespace).list(options);
    const kept = stored.map((one) => keptCredential(one, findKind(one.value.kind), nowMs));
    return withSharedAccounts(kept, ({ resource }) => resource);
  }

  /** What is kept, without itself. */
  async findKept(place: Place, kind: CredentialKind): Promise<KeptCredential | undefined> {
    const stored = await this.in(place.namespace).find(place);
    return isLive(stored, kind) ? keptCredential(stored, kind, await this.#surroundings.now()) : undefined;
  }

  /**
   * Tells that a service has refused a credential: it is renewed where that needs nobody, and otherwise no longer given
   * out. `changed`: there is another one already.
   *
   * @throws {PosternError} of the renewal, when it failed and may succeed in a moment.
   */
  async refused<C>(
    place: Place,
    kind: CredentialKind<C>,
    version: string,
  ): Promise<'changed' | 'renewed' | 'ended'> {
    const store = this.in(place.namespace);
    const stored = await store.find(place);
    if (!isLive(stored, kind)) return 'ended';
    if (stored.version !== version) return 'changed';
    if (kind.renew !== undefined) {
      const { stored: renewed, hopeless } = await this.#renew(place, stored, kind, 'refused');
      if (hopeless === undefined) return renewed === undefined ? 'ended' : 'renewed';
      // It may yet be good, and stays; its person is asked beside it.
      return renewed === undefined || (await store.refuse(renewed)) ? 'ended' : 'changed';
    }
    await store.end(stored, kind);
    return 'ended';
  }

  /** Gets a credential for a machine, unless there is another than the refused one by then. */
  async obtain<C>(want: Want, refused: string | undefined, kind: CredentialKind<C>): Promise<void> {
    await (await this.#loadRenewals()).obtain(want, refused, kind);
  }

  /** Has what could not be renewed, or obtained, tried at once by whoever comes next. */
  async tryAgain(place: Place): Promise<void> {
    await (await this.#loadRenewals()).tryAgain(place);
  }

  /** The change that keeps a credential that came from elsewhere than a person's answer. */
  async putting(
    { namespace, resource, alias }: Place,
    { name, flow }: NamedFlow,
    credential: unknown,
    scopes: readonly string[] = [],
  ): Promise<Change> {
    const kind = flow.credential.name;
    const value = { kind, flow: name, scopes, obtainedAtMs: await this.#surroundings.now(), credential };
    return this.in(namespace).putting({ resource, alias }, value);
  }

  /** Forgets what is stored, as it is, and ends nothing at its issuer: there is another of the same account. */
  async drop(place: Place): Promise<void> {
    await this.in(place.namespace).drop(place);
  }

  /** Resolves when nothing that was sent is unsaved. */
  async settle(): Promise<void> {
    await (await this.#renewals)?.settle();
    await this.retirements.settle();
  }

  /** Nobody waits for it: what is there is good for a while, and the next caller tries again. */
  #renewAhead(place: Place, stored: Stored<StoredCredential>, kind: CredentialKind): void {
    const renewing = this.#renew(place, stored, kind, 'due').then(
      () => {},
      (error: unknown) => {
        const code = findPosternError(error)?.code;
        this.#surroundings.logger.debug('a credential was not renewed ahead of its end', { code });
      },
    );
    this.#waitUntil(renewing);
  }

  /** The renewal goes on when its callers do not wait for it any more. */
  async #renew(
    place: Place,
    stored: Stored<StoredCredential>,
    kind: CredentialKind,
    cause: RenewalCause,
  ): Promise<Renewed> {
    const renewals = await this.#loadRenewals();
    const limitMs = this.#leaseMs + 15_000;
    const late = (): PosternError =>
      new PosternError('ERR_POSTERN_OAUTH_UNREACHABLE', `renewing a credential took over ${limitMs} ms`, {
        hint: 'Try again in a moment.',
      });
    return within(renewals.renew(place, stored, kind, cause), limitMs, late);
  }

  /** Loaded when something is renewed: most processes find a credential that is good. */
  #loadRenewals(): Promise<Renewals> {
    this.#renewals ??= import('./renewals.ts').then(
      ({ Renewals: Loaded }) => new Loaded(this.#surroundings, this.#leaseMs),
    );
    return this.#renewals;
  }
}

function isRenewable({ value }: Stored<StoredCredential>, kind: CredentialKind, nowMs: number): boolean {
  return kind.factsOf?.(value.credential, nowMs).renewable ?? true;
}

function present<C>(
  stored: Stored<StoredCredential> | undefined,
  kind: CredentialKind<C>,
  nowMs: number,
): HeldCredential<C> | undefined {
  const credential = stored && kind.read(stored.value.credential);
  if (stored === undefined || credential === undefined) return undefined;
  const { scopes, obtainedAtMs, renewedAtMs = obtainedAtMs } = stored.value;
  return {
    credential,
    version: stored.version,
    scopes,
    authorizedAtMs: obtainedAtMs,
    issuedAtMs: renewedAtMs,
    endsAtMs: kind.factsOf?.(stored.value.credential, nowMs).endsAtMs,
    isOver: stateOfStored(stored.value, kind, nowMs) === 'over',
  };
}
