import { checkDurations } from '../core/check-durations.ts';
import type { PosternErrorCode } from '../core/error-codes.ts';
import type { Namespace } from '../namespace/namespace.ts';
import { isScopeSubset } from '../oauth/scopes.ts';
import { storageOf } from '../namespace/namespace.ts';
import { errorOfEnd, isSuperseded, type Pending, type PendingOutcome } from '../pending/pending.ts';
import { Pendings } from '../pending/pendings.ts';
import type { Change } from '../storage/contract.ts';
import { persistently } from '../sync/persistently.ts';
import type { Surroundings } from '../sync/surroundings.ts';
import { withSignal } from '../sync/with-signal.ts';
import type { Asked, Asking, IsEnough } from './asking/asking.ts';
import { Declines } from './asking/declines.ts';
import { Attendance } from './attendance.ts';
import type { CredentialKind } from './credential-kind.ts';
import { Credentials } from './credentials/credentials.ts';
import type { keepCredential } from './credentials/keep-credential.ts';
import { stateOfStored } from './credentials/credential-store.ts';
import type { KeptCredential } from './credentials/kept-credential.ts';
import type { Forgotten } from './credentials/retirements.ts';
import { dataOf, type Flow, type InteractionData, type NamedFlow } from './flow.ts';
import { Flows, unknownFlow } from './flows.ts';
import type { Gate } from './gates/gate.ts';
import { InteractionEvents, type InteractionListener } from './interaction-events.ts';
import { rememberedOf } from './remembered-interaction.ts';
import type { InteractionsOptions } from './interactions-options.ts';
import { interactionOf, InteractionRequiredError } from './interaction-required-error.ts';
import { isEnded, unlessEnded } from './is-ended.ts';
import type { ByHand } from './ladder/by-hand.ts';
import type { Ladder } from './ladder/ladder.ts';
import type { Place, Want } from './want.ts';

/** How long to wait for a person, and what ends the wait sooner. */
export interface WaitForPerson {
  /** Default 0: not at all. */
  readonly waitMs?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Everything between the question and the credential, for agents and servers alike.
 *
 * For one namespace, resource and alias there is one live interaction: whoever asks while it lives, in whichever process,
 * gets the same link and the same outcome.
 */
export class Interactions {
  readonly surroundings: Surroundings;
  readonly gate: Gate;
  readonly pendings: Pendings<InteractionData>;
  readonly credentials: Credentials;
  readonly #options: InteractionsOptions;
  readonly #flows: Flows;
  readonly #declines: Declines;
  readonly #attendance: Attendance;
  readonly events: InteractionEvents;
  /** Ends the waits of {@link waitHere}, now and from then on: this process leaves. */
  readonly leaving: AbortController = new AbortController();
  #asking: Promise<Asking> | undefined;
  #keeping: Promise<typeof keepCredential> | undefined;
  #ladder: Promise<Ladder> | undefined;
  #byHand: Promise<ByHand> | undefined;

  constructor(options: InteractionsOptions) {
    const { surroundings, gate, leaseMs, watchLeaseMs, ttlMs, declineCooldownMs } = options;
    checkDurations({ leaseMs, watchLeaseMs, ttlMs });
    checkDurations({ declineCooldownMs }, 0);
    this.#options = options;
    this.#flows = new Flows(this.leaseMs);
    this.surroundings = surroundings;
    this.gate = gate;
    this.pendings = new Pendings<InteractionData>({
      ...surroundings,
      linkFor: (id) => `${gate.baseUrl}/connect/${id}`,
      onEnd: (ended) => this.#ended(ended),
      remember: rememberedOf,
    });
    this.events = new InteractionEvents(surroundings, this.pendings);
    this.credentials = new Credentials(surroundings, this.leaseMs, options.waitUntil);
    this.#declines = new Declines(surroundings, declineCooldownMs ?? 60_000);
    this.#attendance = new Attendance(surroundings, {
      pendings: this.pendings,
      gate,
      flowNamed: (name) => this.#flows.find(name),
      withdraw: (pending) => this.withdraw(pending),
      handsFor: (pending) => ({
        finish: (credential, scopes) => this.finish(pending, credential, { scopes }),
        fail: (code) => this.end(pending, code),
        update: (change) => this.update(pending, change),
      }),
      leaseMs: this.#watchLeaseMs,
      leaving: this.leaving.signal,
    });
    gate.attach(this.fetch);
  }

  get leaseMs(): number {
    return this.#options.leaseMs ?? 30_000;
  }

  get reconnect(): InteractionsOptions['reconnect'] {
    return this.#options.reconnect;
  }

  /** Renewed while its holder lives, so it only says how soon a death is noticed. */
  get #watchLeaseMs(): number {
    return this.#options.watchLeaseMs ?? Math.min(15_000, this.leaseMs);
  }

  /** Answers `/connect/<id>`, `/callback` and `/inbox`. A property, so that it can be handed to a framework as it is. */
  readonly fetch = async (request: Request): Promise<Response> => {
    this.#ladder ??= import('./ladder/ladder.ts').then(({ Ladder: Loaded }) => new Loaded(this));
    return (await this.#ladder).fetch(request);
  };

  /** Ways out and back for addresses that a person carries themselves. */
  byHand(): Promise<ByHand> {
    this.#byHand ??= import('./ladder/by-hand.ts').then(({ ByHand: Loaded }) => new Loaded(this));
    return this.#byHand;
  }

  /**
   * Names a flow. Every process that serves pages registers the same, before it does.
   *
   * @throws {PosternError} ERR_POSTERN_CONFIG_MISCONFIGURED when the name is taken, or its requests outlast a lease.
   */
  flow<C, S>(name: string, flow: Flow<C, S>): NamedFlow<C, S> {
    return this.#flows.add(name, flow);
  }

  flowNamed(name: string): Flow | undefined {
    return this.#flows.find(name);
  }

  /** {@link InteractionEvents.onEnd} */
  onEnd(listener: InteractionListener): () => void {
    return this.events.onEnd(listener);
  }

  /**
   * The credential.
   *
   * @throws {InteractionRequiredError} when the person has to do something, and has not within `waitMs`.
   * @throws {PosternError} the code of the interaction's end, when they declined, failed or took too long.
   * @throws {PosternError} as {@link ask}.
   * @throws the signal's reason when it aborts; the interaction goes on for the others.
   */
  async acquire<C>(want: Want, flow: NamedFlow<C>, { waitMs = 0, signal }: WaitForPerson = {}): Promise<C> {
    const deadline = performance.now() + waitMs;
    const kind = flow.flow.credential;
    const isEnough: IsEnough = ({ value }) =>
      isScopeSubset(want.scopes, value.scopes) &&
      kind.read(value.credential) !== undefined &&
      stateOfStored(value, kind, this.surroundings.storeClock()) !== 'over';
    for (;;) {
      signal?.throwIfAborted();
      const held = await withSignal(this.credentials.find(want, kind), signal);
      if (held !== undefined) return held.credential;
      const asked = await withSignal(this.ask(want, flow, isEnough), signal);
      if (asked === undefined) continue;
      const { pending } = asked;
      const timeoutMs = deadline - performance.now();
      const ended = timeoutMs <= 0 ? undefined : await this.waitHere(pending, { timeoutMs, signal });
      if (ended === undefined) throw new InteractionRequiredError(interactionOf(pending));
      if (isSuperseded(ended)) continue;
      const error = errorOfEnd(ended);
      if (error !== undefined) throw error;
    }
  }

  /**
   * The live interaction, begun if there is none; `undefined` when a credential that is enough has been stored meanwhile.
   *
   * @throws {PosternError} ERR_POSTERN_AUTH_DENIED when the person declined a moment ago.
   * @throws {PosternError} ERR_POSTERN_OOB_LIMIT when too many interactions wait for them.
   * @throws what the flow throws when it cannot begin.
   */
  async ask(want: Want, flow: NamedFlow, isEnough: IsEnough): Promise<Asked | undefined> {
    const asked = await (await this.#loadAsking()).ask(want, flow, isEnough);
    if (asked !== undefined) await this.#attendance.attend(asked.pending);
    this.credentials.retirements.sweepNowAndThen((name) => this.#flows.findKind(name));
    return asked;
  }

  /** What the person is being asked for, if anything. Asks nobody. */
  async findLive(place: Place): Promise<Pending<InteractionData> | undefined> {
    return (await this.#loadAsking()).findLive(place);
  }

  /** A live interaction, brought up to date with what its latest caller wants and says. */
  async renewLive(...args: Parameters<Asking['renew']>): Promise<Pending<InteractionData>> {
    return (await this.#loadAsking()).renew(...args);
  }

  /** Withdraws what the person is being asked for: nobody wants it any more. Whoever waits for it is told so. */
  async withdraw(pending: Pending<InteractionData>): Promise<void> {
    await unlessEnded(this.#end(pending, { status: 'cancelled' }, []));
  }

  /** Lets a person who declined a moment ago be asked again, and what has just failed without one be tried at once. */
  async askAgain(place: Place): Promise<void> {
    await Promise.all([this.#declines.forget(place), this.credentials.tryAgain(place)]);
  }

  /**
   * Keeps a credential that came from elsewhere than a person's answer. Whoever waits for one at that place has it then, in
   * every process; one that covers less than they wait for leaves the question open.
   */
  async put(
    place: Place,
    flow: NamedFlow,
    credential: unknown,
    scopes: readonly string[] = [],
  ): Promise<void> {
    const keeping = await this.credentials.putting(place, flow, credential, scopes);
    const live = await this.findLive(place);
    const isWaitedFor = live?.data !== undefined && isScopeSubset(live.data.wanted, scopes);
    // Whoever waited for it may have given up in this moment: the host has it all the same.
    if (!isWaitedFor || !(await this.#endWith(live, keeping))) {
      await persistently(() => storageOf(this.surroundings.storage, place.namespace).commit([keeping]));
    }
    await this.#declines.forget(place);
  }

  /** What is kept for a namespace, without the credentials themselves; at most 1,000. `ended`: also what is no longer good. */
  list(namespace: Namespace, options: { ended?: boolean } = {}): Promise<KeptCredential[]> {
    return this.credentials.list(namespace, (name) => this.#flows.findKind(name), options);
  }

  /** Forgets a credential, withdraws the question for it, and ends it at its issuer. */
  async forget(place: Place, kind?: CredentialKind): Promise<Forgotten> {
    const live = await this.findLive(place);
    if (live !== undefined) await this.withdraw(live);
    await this.#declines.forget(place);
    const kindNamed = (name: string): CredentialKind | undefined =>
      kind?.name === name ? kind : this.#flows.findKind(name);
    return this.credentials.retirements.forget(place, kindNamed);
  }

  /** Ends, at their issuers, credentials that a process has forgotten and died over, within a bounded time. */
  finishForgetting(): Promise<void> {
    return this.credentials.retirements.sweep((name) => this.#flows.findKind(name));
  }

  /** {@link Credentials.refused}. A refused credential changes what was declined: the person is asked again. */
  async refused<C>(
    place: Place,
    kind: CredentialKind<C>,
    version: string,
  ): Promise<'changed' | 'renewed' | 'ended'> {
    const outcome = await this.credentials.refused(place, kind, version);
    if (outcome === 'ended') await this.#declines.forget(place);
    return outcome;
  }

  /**
   * Keeps what a flow has got, and ends its pending with it, in one commit.
   *
   * A person who finished while time ended the pending has consented all the same: that is kept, too. What cannot be kept
   * is given back at its issuer. Returns whether time had ended it.
   *
   * @throws {PosternError} ERR_POSTERN_PENDING_ALREADY_FINISHED when it had ended otherwise.
   * @throws {PosternError} ERR_POSTERN_AUTH_WRONG_USER when it is another account's than the one that is kept.
   */
  async finish(
    pending: Pending<InteractionData>,
    credential: unknown,
    options: {
      readonly scopes?: readonly string[] | undefined;
      readonly alongside?: readonly Change[] | undefined;
    } = {},
  ): Promise<'in time' | 'late'> {
    const { flow: name, request } = dataOf(pending);
    const kind = this.#flows.find(name)?.credential;
    if (kind === undefined) throw unknownFlow(name);
    const keep = await this.#loadKeeping();
    const { scopes = request.scopes, alongside = [] } = options;
    const place = { namespace: pending.namespace, resource: request.resource, alias: request.alias };
    const { retirements } = this.credentials;
    const keeping = { kind, credential, scopes, alongside, retirements };
    const { kept, ended } = await keep(this.surroundings, this.pendings, pending, place, keeping);
    // Time had ended it before, as far as others were told.
    if (kept === 'late') this.#ended(ended);
    return kept;
  }

  /** Ends an interaction without a credential. A person who declined is not asked again for a while. */
  async end(
    pending: Pending<InteractionData>,
    code: PosternErrorCode,
    alongside: readonly Change[] = [],
  ): Promise<void> {
    if (code !== 'ERR_POSTERN_AUTH_DENIED') {
      return this.#end(pending, { status: 'failed', failure: code }, alongside);
    }
    const { request, wanted } = dataOf(pending);
    const place = { ...request, namespace: pending.namespace };
    // In one commit with the end: one of those who wait may ask again at once.
    const { changes, untilMs } = await this.#declines.remembering(place, wanted, code);
    const outcome = { status: 'cancelled', failure: code, askAgainAtMs: untilMs } as const;
    await this.#end(pending, outcome, [...alongside, ...changes]);
  }

  /** Ends an interaction because its person said no. One that has ended already stays as it is. */
  async decline(pending: Pending<InteractionData>): Promise<void> {
    await unlessEnded(this.end(pending, 'ERR_POSTERN_AUTH_DENIED'));
  }

  /**
   * Replaces the data of an interaction's flow. `change` is called again when it has changed meanwhile.
   *
   * @throws {PosternError} ERR_POSTERN_PENDING_EXPIRED, ERR_POSTERN_PENDING_ALREADY_FINISHED
   */
  async update(pending: Pending<InteractionData>, change: (data: unknown) => unknown): Promise<void> {
    await (await this.#loadAsking()).change(pending, (data) => ({ ...data, data: change(data.data) }));
  }

  /** {@link Asking.beginAnew} */
  async beginAnew(...args: Parameters<Asking['beginAnew']>): Promise<void> {
    await (await this.#loadAsking()).beginAnew(...args);
  }

  /** Sees to a live interaction from this process: its background work, if nobody else does it, and its link. */
  attend(pending: Pending<InteractionData>): void {
    void this.#attendance.attend(pending);
  }

  /** {@link Attendance.wait} */
  wait(...args: Parameters<Attendance['wait']>): Promise<Pending<InteractionData> | undefined> {
    return this.#attendance.wait(...args);
  }

  /** {@link Attendance.waitHere} */
  waitHere(...args: Parameters<Attendance['waitHere']>): Promise<Pending<InteractionData> | undefined> {
    return this.#attendance.waitHere(...args);
  }

  /** {@link Attendance.untilEnd} */
  untilEnd(...args: Parameters<Attendance['untilEnd']>): Promise<Pending<InteractionData>> {
    return this.#attendance.untilEnd(...args);
  }

  /** Stops background work of this process, which another takes over, and finishes what cannot be had a second time. */
  async close(): Promise<void> {
    await this.#attendance.close();
    await this.events.close();
    await this.credentials.settle();
    await this.gate.close?.();
  }

  /** Completes an interaction and keeps what it was for, in one commit. Returns whether it had not ended before. */
  async #endWith({ id, namespace }: Pending<InteractionData>, keeping: Change): Promise<boolean> {
    try {
      await persistently(() => this.pendings.in(namespace).complete(id, { alongside: [keeping] }));
      return true;
    } catch (error) {
      if (isEnded(error)) return false;
      throw error;
    }
  }

  async #end(
    pending: Pending<InteractionData>,
    outcome: PendingOutcome,
    alongside: readonly Change[],
  ): Promise<void> {
    await this.pendings.in(pending.namespace).end(pending.id, outcome, { alongside });
  }

  /** Nothing is left to do about an interaction here but to say so. */
  #ended(ended: Pending<InteractionData>): void {
    this.#attendance.leave(ended.id);
    // What is not forgotten now is when its time is over.
    this.gate.ended?.(ended).catch(() => {});
    this.events.ended(ended);
  }

  /** Loaded when somebody has answered. */
  #loadKeeping(): Promise<typeof keepCredential> {
    this.#keeping ??= import('./credentials/keep-credential.ts').then((loaded) => loaded.keepCredential);
    return this.#keeping;
  }

  /** Loaded when somebody has to be asked: most processes find a credential, and start faster without it. */
  #loadAsking(): Promise<Asking> {
    this.#asking ??= import('./asking/asking.ts').then(({ Asking: Loaded }) => {
      const { maxPendings, ttlMs } = this.#options;
      const { pendings, gate } = this;
      return new Loaded(this.surroundings, {
        pendings,
        gate,
        declines: this.#declines,
        onBegin: (pending) => this.events.begun(pending),
        maxPendings,
        leaseMs: this.#watchLeaseMs,
        ttlMs,
      });
    });
    return this.#asking;
  }
}
