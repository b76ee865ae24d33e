import { findPosternError, PosternError } from '../../core/postern-error.ts';
import { unionScopes, isScopeSubset } from '../../oauth/scopes.ts';
import { serverWordOf } from '../../oauth/server-word.ts';
import { errorOfEnd, type Pending } from '../../pending/pending.ts';
import type { Pendings, PendingSpec } from '../../pending/pendings.ts';
import type { Lease } from '../../sync/lease.ts';
import { retryConflicts } from '../../sync/retry-conflicts.ts';
import { SingleFlight } from '../../sync/single-flight.ts';
import type { Surroundings } from '../../sync/surroundings.ts';
import { waitFor } from '../../sync/wait-for.ts';
import { speak } from '../../web/texts/texts.ts';
import { within } from '../../sync/within.ts';
import type { Stored } from '../../storage/collection.ts';
import { entryAt } from '../../storage/entry-at.ts';
import {
  accountOf,
  CredentialStore,
  isLive,
  type StoredCredential,
} from '../credentials/credential-store.ts';
import {
  type Flow,
  type FlowBeginning,
  type FlowRequest,
  type FlowStart,
  type InteractionData,
  type NamedFlow,
  dataOf,
} from '../flow.ts';
import type { Gate } from '../gates/gate.ts';
import { People } from '../inbox/people.ts';
import { isEnded, unlessEnded } from '../is-ended.ts';
import { placeKey, placePath, type Place, type Want } from '../want.ts';
import { Admission, type AdmissionOptions } from './admission.ts';
import type { Declines } from './declines.ts';

export interface AskingOptions extends AdmissionOptions {
  readonly pendings: Pendings<InteractionData>;
  readonly gate: Gate;
  readonly declines: Declines;
  /** Told of an interaction that was begun, before its link is anybody's. Must not reject. */
  readonly onBegin: (pending: Pending<InteractionData>) => Promise<void>;
  /** How long a person has, where the flow has no opinion. */
  readonly ttlMs: number | undefined;
}

/** A live interaction, and whether this call has begun it: then nobody has seen its link. */
export interface Asked {
  readonly pending: Pending<InteractionData>;
  readonly created: boolean;
}

/** Whether a stored credential makes it unnecessary to ask for one. */
export type IsEnough = (stored: Stored<StoredCredential>) => boolean;

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
  readonly #surroundings: Surroundings;
  readonly #options: AskingOptions;
  readonly #admission: Admission;
  readonly #people: People;
  readonly #flights = new SingleFlight<Asked | undefined>();

  constructor(surroundings: Surroundings, options: AskingOptions) {
    this.#surroundings = surroundings;
    this.#options = options;
    this.#admission = new Admission(surroundings, options);
    this.#people = new People(surroundings.storage);
  }

  /**
   * The live interaction, begun if there is none; `undefined` when a credential has been stored meanwhile.
   *
   * @param isEnough whether a stored credential makes asking unnecessary.
   * @throws {PosternError} ERR_POSTERN_AUTH_DENIED when the person declined a moment ago.
   * @throws {PosternError} ERR_POSTERN_OOB_LIMIT when too many interactions wait for them.
   * @throws what the flow throws when it cannot begin.
   */
  async ask(want: Want, flow: NamedFlow, isEnough: IsEnough): Promise<Asked | undefined> {
    const key = `${placeKey(want)} ${JSON.stringify([want.initiator, flow.name, ...want.scopes])}`;
    let first = false;
    const asked = await this.#flights.run(key, () => {
      first = true;
      return this.#ask(want, flow, isEnough);
    });
    return asked && { ...asked, created: asked.created && first };
  }

  async findLive(place: Place): Promise<Pending<InteractionData> | undefined> {
    return this.#options.pendings.findLive(place.namespace, slotOf(place));
  }

  /** A live interaction, with what its latest caller says of it. What the link asks for stays, and grows. */
  async renew(
    live: Pending<InteractionData>,
    want: Pick<Want, 'scopes' | 'metadata'>,
    flow: NamedFlow,
  ): Promise<Pending<InteractionData>> {
    const data = dataOf(live);
    const widens = flow.flow.widens === true && data.flow === flow.name;
    const added = widens ? want.scopes : [];
    const metadata = want.metadata ?? data.metadata;
    const isNews =
      !isScopeSubset(added, data.wanted) ||
      !isScopeSubset(added, data.request.scopes) ||
      JSON.stringify(metadata) !== JSON.stringify(data.metadata);
    if (!isNews) return live;
    try {
      return await this.change(live, (now) => ({
        ...now,
        wanted: unionScopes(now.wanted, added) ?? [],
        request: { ...now.request, scopes: unionScopes(now.request.scopes, added) ?? [] },
        ...(metadata !== undefined && { metadata }),
      }));
    } catch (error) {
      // Whoever waits for it finds out how it ended.
      if (isEnded(error)) return live;
      throw error;
    }
  }

  /**
   * Has a live interaction begin anew behind its link: whoever follows it next goes by what is found out now. Whoever is on
   * their way already comes back as they went.
   *
   * @throws what the flow throws when it cannot begin.
   */
  async beginAnew(live: Pending<InteractionData>, { name, flow }: NamedFlow, cause: unknown): Promise<void> {
    const { flow: begunBy, request } = dataOf(live);
    if (begunBy !== name) return;
    const stored = await new CredentialStore(this.#surroundings, live.namespace).find(request);
    const account = accountOf(stored, flow.credential);
    const { data } = await this.#start(flow, request, { cause, account });
    await unlessEnded(this.change(live, (now) => ({ ...now, data })));
  }

  /** Replaces what a live interaction carries; `change` is called again when it has changed meanwhile. */
  change(
    { id, namespace }: Pending<InteractionData>,
    change: (data: InteractionData) => InteractionData,
  ): Promise<Pending<InteractionData>> {
    const store = this.#options.pendings.in(namespace);
    return retryConflicts('an interaction', async () => {
      const current = await store.get(id);
      if (current === undefined) throw errorOfEnd({ status: 'expired' }) as PosternError;
      return store.updateData(current, change(dataOf(current)));
    });
  }

  async #ask(want: Want, flow: NamedFlow, isEnough: IsEnough): Promise<Asked | undefined> {
    const { storage } = this.#options.pendings.in(want.namespace);
    const path = this.#admission.path(want);
    const isFree = async (): Promise<true | undefined> =>
      (await entryAt(storage, path)) === undefined ? true : undefined;
    const deadline = performance.now() + askWaitMs;
    while (performance.now() < deadline) {
      const live = await this.findLive(want);
      if (live !== undefined && (await this.#isReachable(live))) {
        return { pending: await this.renew(live, want, flow), created: false };
      }
      const lease = await this.#admission.enter(want);
      if (lease !== undefined) return this.#begin(want, flow, isEnough, lease);
      await waitFor(storage, path, isFree, {
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
  async #begin(want: Want, flow: NamedFlow, isEnough: IsEnough, lease: Lease): Promise<Asked | undefined> {
    const { pendings } = this.#options;
    const stopRenewing = lease.keepAlive();
    try {
      for (;;) {
        const spec = (): Promise<PendingSpec<InteractionData> | undefined> =>
          this.#specOf(want, flow, isEnough);
        const asked = await pendings.createOnce(want.namespace, slotOf(want), spec);
        if (asked?.created === true) await this.#options.onBegin(asked.pending);
        if (asked === undefined || asked.created) return asked;
        if (await this.#isReachable(asked.pending)) {
          return { pending: await this.renew(asked.pending, want, flow), created: false };
        }
      }
    } finally {
      stopRenewing();
      // If it cannot be given back now, it runs out.
      await lease.release().catch(() => {});
    }
  }

  /** What is asked of the person; `undefined` when nothing has to be. */
  async #specOf(
    want: Want,
    { name, flow }: NamedFlow,
    isEnough: IsEnough,
  ): Promise<PendingSpec<InteractionData> | undefined> {
    const { gate, ttlMs } = this.#options;
    const stored = await new CredentialStore(this.#surroundings, want.namespace).find(want);
    const earlier = stored?.value.kind === flow.credential.name ? stored.value.scopes : undefined;
    // Whoever was asked a moment ago has answered. One who answers from now on finishes the pending that is made here.
    if (isLive(stored, flow.credential) && isEnough(stored)) return undefined;
    await this.#options.declines.assertNone(want);
    await gate.open();
    await this.#people.note(want.initiator, want.namespace).catch(() => {});
    const { resource, alias, details, loginHint, reason, initiator, metadata, cause } = want;
    const scopes = unionScopes(earlier, want.scopes) ?? [];
    const request = {
      resource,
      alias,
      scopes,
      ...(details && { details }),
      ...(loginHint !== undefined && { loginHint }),
      ...(reason !== undefined && { reason }),
    };
    const account = accountOf(stored, flow.credential);
    const start = await this.#start(flow, request, { cause, account }).catch((error: unknown) => {
      this.#logFailedBeginning(error, want, name);
      throw error;
    });
    const { id } = want.namespace;
    return {
      kind: flow.kind,
      resource,
      alias,
      initiator,
      returnTo: gate.returnTo?.({ namespace: id, initiator, kind: flow.kind, resource, alias, metadata }),
      ttlMs: start.ttlMs ?? ttlMs ?? gate.ttlMs,
      data: {
        flow: name,
        message: start.message,
        request: { ...request, scopes: start.scopes ?? scopes },
        wanted: [...want.scopes],
        metadata,
        data: start.data,
      },
    };
  }

  /** Whoever asks is told a code; what another server said of it is for the operator alone. */
  #logFailedBeginning(error: unknown, { namespace }: Want, flow: string): void {
    this.#surroundings.logger.warn('an interaction could not be begun', {
      namespace: namespace.id,
      flow,
      code: findPosternError(error)?.code,
      ...serverWordOf(error),
    });
  }

  /** Whether its link leads to this gate. One that leads to where a stranger would answer is withdrawn: nobody gets it any more. */
  async #isReachable(live: Pending<InteractionData>): Promise<boolean> {
    const { gate, pendings } = this.#options;
    if (await gate.leadsHere(live)) {
      await pendings.mendRoute(live);
      return true;
    }
    await unlessEnded(pendings.in(live.namespace).cancel(live.id));
    return false;
  }

  #start(
    flow: Flow,
    request: FlowRequest,
    given: Pick<FlowBeginning, 'cause' | 'account'>,
  ): Promise<FlowStart> {
    const { gate } = this.#options;
    const { storeClock: clock } = this.#surroundings;
    const say = speak(gate.look.catalogues[0]);
    const beginning = { ...request, ...given, gate, say, clock, callbackUrl: `${gate.baseUrl}/callback` };
    return within(flow.begin(beginning), beginMs, tooSlow);
  }
}

function slotOf(place: Place): readonly string[] {
  return ['credential', ...placePath(place)];
}

function tooSlow(): PosternError {
  return new PosternError(
    'ERR_POSTERN_OAUTH_UNREACHABLE',
    `beginning an interaction took over ${beginMs} ms`,
    {
      hint: 'Try again in a moment.',
    },
  );
}
