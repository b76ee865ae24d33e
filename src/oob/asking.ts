import type { Clock } from '../core/clock.ts';
import { isPosternError, PosternError } from '../core/postern-error.ts';
import { isScopeSubset, unionScopes } from '../oauth/scopes.ts';
import { errorOfEnd, type Pending } from '../pending/pending.ts';
import type { Pendings } from '../pending/pendings.ts';
import type { StorageBackend } from '../storage/contract.ts';
import { Cooldown } from '../sync/cooldown.ts';
import type { Lease } from '../sync/lease.ts';
import { SingleFlight } from '../sync/single-flight.ts';
import { waitFor } from '../sync/wait-for.ts';
import type { Admission } from './admission.ts';
import type { Principal } from './caller.ts';
import type { CredentialRequest } from './credential-request.ts';
import { CredentialStore } from './credential-store.ts';
import { dataOf, type FlowPendingData } from './flow.ts';
import { within } from './within.ts';

export interface AskingOptions {
  readonly storage: StorageBackend;
  readonly pendings: Pendings<FlowPendingData>;
  readonly admission: Admission;
  readonly callbackUrl: string;
  readonly clock: Clock;
}

/** How long another process may take to begin an interaction before the callers here are told to try again. */
const askWaitMs = 60_000;
/** How long a flow may take to begin. */
const beginMs = 30_000;

/**
 * Sees to it that there is one live interaction for a namespace, resource and alias.
 *
 * Callers of one process share the asking; among processes one has the right to it, and the others find what it has begun.
 */
export class Asking {
  readonly #options: AskingOptions;
  readonly #flights = new SingleFlight<Pending<FlowPendingData>>();

  constructor(options: AskingOptions) {
    this.#options = options;
  }

  /**
   * The live interaction, begun if there is none.
   *
   * @throws {PosternError} ERR_POSTERN_AUTH_DENIED when the person declined a moment ago.
   * @throws {PosternError} ERR_POSTERN_OOB_LIMIT when too many interactions wait for them.
   * @throws what the flow throws when it cannot begin.
   */
  ask<C>(principal: Principal, request: CredentialRequest<C>): Promise<Pending<FlowPendingData>> {
    const { resource, alias = 'default', scopes = [], flow } = request;
    const { namespace, initiator } = principal;
    const key = JSON.stringify([namespace.partition, initiator, resource, alias, flow.name, ...scopes]);
    return this.#flights.run(key, () => this.#ask(principal, request));
  }

  findLive(
    { namespace }: Pick<Principal, 'namespace'>,
    resource: string,
    alias: string,
  ): Promise<Pending<FlowPendingData> | undefined> {
    return this.#options.pendings.findLive(namespace, slotOf(resource, alias));
  }

  /** The time after a person declined. */
  declined({ namespace }: Pick<Principal, 'namespace'>, resource: string, alias: string): Cooldown {
    const { pendings, clock } = this.#options;
    return new Cooldown(pendings.in(namespace).storage, ['declined', resource, alias], clock);
  }

  /** Replaces what a live interaction carries; `change` is called again when it has changed meanwhile. */
  async change(
    { id, namespace }: Pending<FlowPendingData>,
    change: (data: FlowPendingData) => FlowPendingData,
  ): Promise<Pending<FlowPendingData>> {
    const store = this.#options.pendings.in(namespace);
    for (let tries = 0; tries < 50; tries++) {
      const current = await store.get(id);
      if (current === undefined) throw errorOfEnd({ status: 'expired' }) as PosternError;
      const changed = await store.updateData(current, change(dataOf(current)));
      if (changed !== undefined) return changed;
    }
    throw new PosternError(
      'ERR_POSTERN_STORAGE_CONFLICT',
      'an interaction kept changing while it was being changed',
    );
  }

  async #ask<C>(principal: Principal, request: CredentialRequest<C>): Promise<Pending<FlowPendingData>> {
    const { resource, alias = 'default' } = request;
    const { pendings, admission } = this.#options;
    const { storage } = pendings.in(principal.namespace);
    const place = admission.path(resource, alias);
    const isFree = async (): Promise<true | undefined> =>
      (await storage.get(...place)) === undefined ? true : undefined;
    const deadline = performance.now() + askWaitMs;
    while (performance.now() < deadline) {
      const live = await this.findLive(principal, resource, alias);
      if (live !== undefined) return this.#widen(live, request);
      await this.#throwIfDeclined(principal, resource, alias);
      const lease = await admission.enter(principal.namespace, resource, alias);
      if (lease !== undefined) return this.#begin(principal, request, lease);
      await waitFor(storage, place, isFree, {
        timeoutMs: Math.max(0, deadline - performance.now()),
        pollMs: 250,
      });
    }
    throw new PosternError(
      'ERR_POSTERN_LEASE_TIMEOUT',
      `another process took over ${askWaitMs} ms to begin an interaction`,
    );
  }

  /** Begins an interaction, as the only one in all processes. */
  async #begin<C>(
    principal: Principal,
    request: CredentialRequest<C>,
    lease: Lease,
  ): Promise<Pending<FlowPendingData>> {
    const { storage, pendings, callbackUrl } = this.#options;
    const { namespace, initiator } = principal;
    const { resource, alias = 'default', details, flow } = request;
    const stopRenewing = lease.keepAlive();
    try {
      const live = await this.findLive(principal, resource, alias);
      if (live !== undefined) return await this.#widen(live, request);
      await this.#throwIfDeclined(principal, resource, alias);
      const stored = await new CredentialStore(storage, namespace).find(resource, alias);
      const earlier = stored?.value.flow === flow.name ? stored.value.scopes : undefined;
      const wanted = { resource, alias, scopes: unionScopes(earlier, request.scopes) ?? [], details };
      const { kind } = flow.flow;
      const { pending } = await pendings.createOnce(namespace, slotOf(resource, alias), async () => {
        const { data, message, ttlMs } = await within(
          flow.flow.begin(wanted, { callbackUrl }),
          beginMs,
          'beginning an interaction',
        );
        return {
          kind,
          resource,
          alias,
          initiator,
          ttlMs,
          data: { flow: flow.name, message, request: wanted, data },
        };
      });
      return pending;
    } finally {
      stopRenewing();
      // If it cannot be given back now, it runs out.
      await lease.release().catch(() => {});
    }
  }

  /** A live interaction that is to ask for more, too, if it still can. If not, that is asked for when it has ended. */
  async #widen<C>(
    live: Pending<FlowPendingData>,
    { scopes = [], flow }: CredentialRequest<C>,
  ): Promise<Pending<FlowPendingData>> {
    const { request, flow: name } = dataOf(live);
    if (flow.flow.widens !== true || name !== flow.name || isScopeSubset(scopes, request.scopes)) return live;
    try {
      return await this.change(live, (data) => {
        const widened = unionScopes(data.request.scopes, scopes) ?? [];
        return { ...data, request: { ...data.request, scopes: widened } };
      });
    } catch (error) {
      // Whoever waits for it finds out how it ended.
      if (isEnded(error)) return live;
      throw error;
    }
  }

  async #throwIfDeclined(principal: Principal, resource: string, alias: string): Promise<void> {
    if ((await this.declined(principal, resource, alias).reason()) === undefined) return;
    throw new PosternError(
      'ERR_POSTERN_AUTH_DENIED',
      `access to ${JSON.stringify(resource)} was declined a moment ago`,
      {
        hint: 'Ask again later if it was a mistake.',
      },
    );
  }
}

function slotOf(resource: string, alias: string): readonly string[] {
  return ['credential', resource, alias];
}

/** Whether something could not be done because the interaction had ended. */
export function isEnded(error: unknown): boolean {
  return (
    isPosternError(error, 'ERR_POSTERN_PENDING_ALREADY_FINISHED') ||
    isPosternError(error, 'ERR_POSTERN_PENDING_NOT_FOUND') ||
    isPosternError(error, 'ERR_POSTERN_PENDING_EXPIRED')
  );
}
