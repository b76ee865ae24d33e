import type { Clock } from '../core/clock.ts';
import type { PosternErrorCode } from '../core/error-codes.ts';
import type { Logger } from '../core/logger.ts';
import { isScopeSubset } from '../oauth/scopes.ts';
import { errorOfEnd, type Pending, type PendingOutcome } from '../pending/pending.ts';
import type { Pendings } from '../pending/pendings.ts';
import type { Stored } from '../storage/collection.ts';
import type { StorageBackend } from '../storage/contract.ts';
import { withSignal } from '../sync/with-signal.ts';
import { Admission } from './admission.ts';
import { Asking, isEnded } from './asking.ts';
import type { Principal } from './caller.ts';
import type { CredentialRequest } from './credential-request.ts';
import { CredentialRenewal } from './credential-renewal.ts';
import { CredentialStore, type StoredCredential } from './credential-store.ts';
import { dataOf, type Flow, type FlowPendingData } from './flow.ts';
import { InteractionRequiredError, type Interaction } from './interaction-required-error.ts';
import { InteractionWatch } from './interaction-watch.ts';
import { keepCredential } from './keep-credential.ts';
import { SharedWaits } from './shared-waits.ts';
import { within } from './within.ts';

export interface AcquireOptions {
  /** How long to wait for the person. Default 0: not at all. */
  readonly waitMs?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

export interface CredentialsOptions {
  readonly storage: StorageBackend;
  readonly pendings: Pendings<FlowPendingData>;
  readonly flowNamed: (name: string) => Flow | undefined;
  readonly callbackUrl: string;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly declineCooldownMs: number;
  readonly maxPendings: number;
  readonly watchLeaseMs: number;
}

/** How long callers wait for a renewal. */
const renewMs = 45_000;

/**
 * Gets a credential from where it is kept, or from the person it belongs to.
 *
 * For one namespace, resource and alias there is one live interaction: whoever asks while it lives, in whichever
 * process, gets the same link and the same outcome.
 */
export class Credentials {
  readonly #options: CredentialsOptions;
  readonly #asking: Asking;
  readonly #renewal: CredentialRenewal;
  readonly #waits: SharedWaits<FlowPendingData>;
  readonly #watch: InteractionWatch;

  constructor(options: CredentialsOptions) {
    this.#options = options;
    const { storage, pendings, clock, logger, maxPendings, watchLeaseMs: leaseMs } = options;
    const { callbackUrl } = options;
    this.#asking = new Asking({
      storage,
      pendings,
      callbackUrl,
      clock,
      admission: new Admission({ storage, clock, maxPendings, leaseMs }),
    });
    this.#renewal = new CredentialRenewal(storage, clock);
    this.#waits = new SharedWaits(pendings);
    this.#watch = new InteractionWatch({
      storageOf: ({ namespace }) => pendings.in(namespace).storage,
      find: ({ id, namespace }) => pendings.in(namespace).get(id),
      untilEnd: (pending, signal) =>
        this.#waits.wait(pending, { timeoutMs: Math.max(0, pending.expiresAtMs - clock()) + 1_000, signal }),
      work: (pending) => ({
        finish: (credential, scopes) => this.finish(pending, credential, scopes),
        fail: (code) => this.end(pending, code),
        update: (change) => this.update(pending, change),
      }),
      leaseMs,
      clock,
      logger,
    });
  }

  /** The credentials of one namespace. */
  in({ namespace }: Pick<Principal, 'namespace'>): CredentialStore {
    return new CredentialStore(this.#options.storage, namespace);
  }

  /**
   * The credential.
   *
   * @throws {InteractionRequiredError} when the person has to do something, and has not within `waitMs`.
   * @throws {PosternError} the code of the interaction's end, when they declined, failed or took too long.
   * @throws {PosternError} ERR_POSTERN_AUTH_DENIED when they declined a moment ago; ERR_POSTERN_OOB_LIMIT.
   * @throws the signal's reason when it aborts; the interaction goes on for the others.
   */
  async acquire<C>(
    principal: Principal,
    request: CredentialRequest<C>,
    options: AcquireOptions = {},
  ): Promise<C> {
    const { waitMs = 0, signal } = options;
    const deadline = performance.now() + waitMs;
    for (;;) {
      signal?.throwIfAborted();
      const kept = await withSignal(this.#kept(principal, request), signal);
      if (kept !== undefined) return kept.credential;
      const pending = await withSignal(this.#asking.ask(principal, request), signal);
      this.watch(pending);
      const timeoutMs = deadline - performance.now();
      if (timeoutMs <= 0) throw new InteractionRequiredError(interactionOf(pending));
      const ended = await this.wait(pending, { timeoutMs, signal });
      if (ended === undefined) throw new InteractionRequiredError(interactionOf(pending));
      const error = errorOfEnd(ended);
      if (error !== undefined) throw error;
    }
  }

  /**
   * Tells that a service has refused a credential. It is renewed where that needs nobody; otherwise it is no longer given
   * out, and the next `acquire` asks its person. Nothing happens when another one is stored by now.
   */
  async reject<C>(principal: Principal, request: CredentialRequest<C>, refused: C): Promise<void> {
    const { resource, alias = 'default', flow } = request;
    const store = this.in(principal);
    const stored = await store.find(resource, alias);
    if (stored === undefined || stored.value.ended === true || stored.value.flow !== flow.name) return;
    const given = flow.flow.read(stored.value.credential);
    if (given !== undefined && JSON.stringify(given) !== JSON.stringify(refused)) return;
    if (flow.flow.renew === undefined) await store.end(stored);
    else await this.#renew(principal, stored, flow.flow);
  }

  /** What the person is being asked for, if anything. Asks nobody. */
  async findInteraction(
    principal: Principal,
    resource: string,
    alias = 'default',
  ): Promise<Interaction | undefined> {
    const pending = await this.#asking.findLive(principal, resource, alias);
    return pending && interactionOf(pending);
  }

  /** Withdraws what the person is being asked for: nobody wants it any more. Whoever waits for it is told so. */
  async withdraw(principal: Principal, resource: string, alias = 'default'): Promise<void> {
    const pending = await this.#asking.findLive(principal, resource, alias);
    if (pending !== undefined) await this.#endOnce(pending, { status: 'cancelled' });
  }

  /** Lets a person who declined a moment ago be asked again. */
  async askAgain(principal: Principal, resource: string, alias = 'default'): Promise<void> {
    await this.#asking.declined(principal, resource, alias).end();
  }

  /**
   * Keeps what a flow has got, and ends its pending with it, in one commit.
   *
   * A person who finished while time ended the pending has consented all the same: that is kept, too. What cannot be kept
   * is given back at its issuer. Returns whether time had ended it.
   *
   * @throws {PosternError} ERR_POSTERN_PENDING_ALREADY_FINISHED when it had ended otherwise.
   */
  async finish(
    pending: Pending<FlowPendingData>,
    credential: unknown,
    scopes?: readonly string[],
  ): Promise<'in time' | 'late'> {
    const kept = await keepCredential(this.#options, pending, credential, scopes);
    this.#watch.stop(pending.id);
    return kept;
  }

  /** Ends an interaction without a credential. A person who declined is not asked again for a while. */
  async end(pending: Pending<FlowPendingData>, code: PosternErrorCode): Promise<void> {
    const { pendings, declineCooldownMs } = this.#options;
    const denied = code === 'ERR_POSTERN_AUTH_DENIED';
    const outcome: PendingOutcome = denied
      ? { status: 'cancelled', failure: code }
      : { status: 'failed', failure: code };
    const { resource, alias } = dataOf(pending).request;
    const cooldown =
      denied && declineCooldownMs > 0 ? this.#asking.declined(pending, resource, alias) : undefined;
    // Before those who wait are told: one of them may ask again at once.
    await cooldown?.start(code, declineCooldownMs);
    try {
      await pendings.in(pending.namespace).end(pending.id, outcome);
    } catch (error) {
      // It had been completed already: nobody declined.
      const now = await pendings.in(pending.namespace).get(pending.id);
      if (now?.status === 'completed') await cooldown?.end();
      throw error;
    }
    this.#watch.stop(pending.id);
  }

  /** Ends an interaction because its person said no. One that has ended already stays as it is. */
  async decline(pending: Pending<FlowPendingData>): Promise<void> {
    try {
      await this.end(pending, 'ERR_POSTERN_AUTH_DENIED');
    } catch (error) {
      if (!isEnded(error)) throw error;
    }
  }

  /**
   * Replaces the data of an interaction's flow. `change` is called again when it has changed meanwhile.
   *
   * @throws {PosternError} ERR_POSTERN_PENDING_EXPIRED, ERR_POSTERN_PENDING_ALREADY_FINISHED
   */
  async update(pending: Pending<FlowPendingData>, change: (data: unknown) => unknown): Promise<void> {
    await this.#asking.change(pending, (data) => ({ ...data, data: change(data.data) }));
  }

  /** Makes sure that somebody does the background work of a live interaction, here if nobody does. */
  watch(pending: Pending<FlowPendingData>): void {
    const flow = pending.data && this.#options.flowNamed(pending.data.flow);
    if (flow !== undefined) this.#watch.start(pending, flow);
  }

  /**
   * Waits until an interaction has ended and returns it; `undefined` when it has not within `timeoutMs`.
   *
   * Whoever waits also sees to the background work: the process that did it may have died.
   *
   * @throws the signal's reason when it aborts.
   */
  async wait(
    pending: Pending<FlowPendingData>,
    options: { readonly timeoutMs: number; readonly signal?: AbortSignal | undefined },
  ): Promise<Pending<FlowPendingData> | undefined> {
    if (pending.status !== 'pending') return pending;
    this.watch(pending);
    return this.#waits.wait(pending, options);
  }

  /** Stops background work of this process, which another takes over, and finishes what cannot be had a second time. */
  async close(): Promise<void> {
    await Promise.all([this.#watch.close(), this.#renewal.settle()]);
    await this.#waits.settle();
  }

  async #kept<C>(
    principal: Principal,
    request: CredentialRequest<C>,
  ): Promise<{ credential: C } | undefined> {
    const { resource, alias = 'default', scopes = [], flow } = request;
    const stored = await this.in(principal).find(resource, alias);
    if (stored === undefined || stored.value.ended === true || stored.value.flow !== flow.name)
      return undefined;
    if (!isScopeSubset(scopes, stored.value.scopes)) return undefined;
    const credential = flow.flow.read(stored.value.credential);
    if (credential !== undefined) return { credential };
    const renewed = flow.flow.renew && (await this.#renew(principal, stored, flow.flow));
    const fresh = renewed && flow.flow.read(renewed.value.credential);
    return fresh === undefined ? undefined : { credential: fresh };
  }

  /** The renewal goes on when its callers do not wait for it any more. */
  #renew(
    { namespace }: Principal,
    stored: Stored<StoredCredential>,
    flow: Flow,
  ): Promise<Stored<StoredCredential> | undefined> {
    return within(this.#renewal.renew(namespace, stored, flow), renewMs, 'renewing a credential');
  }

  async #endOnce(pending: Pending<FlowPendingData>, outcome: PendingOutcome): Promise<void> {
    try {
      await this.#options.pendings.in(pending.namespace).end(pending.id, outcome);
    } catch (error) {
      if (!isEnded(error)) throw error;
    }
    this.#watch.stop(pending.id);
  }
}

export function interactionOf(pending: Pending<FlowPendingData>): Interaction {
  const { id, kind, url, expiresAtMs, resource, alias } = pending;
  return { pendingId: id, kind, url, message: dataOf(pending).message, expiresAtMs, resource, alias };
}
