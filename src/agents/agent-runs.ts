import { checkDurations } from '../core/check-durations.ts';
import { failureFields } from '../core/failure-fields.ts';
import { PosternError } from '../core/postern-error.ts';
import { randomId } from '../core/random.ts';
import { AuthorizationRequiredError } from '../client/auth/authorization-required-error.ts';
import type { ClientManager } from '../client/client-manager.ts';
import { tryFor } from '../client/tried-call.ts';
import type { Namespace } from '../namespace/namespace.ts';
import type { Continuation } from '../resume/continuation.ts';
import type { Stored } from '../storage/collection.ts';
import { acquireLease, type Lease } from '../sync/lease.ts';
import type { Need } from './needs.ts';
import { RunStore, type KeptPause, type PausedCall, type RunRecord } from './run-store.ts';
import type { AccountsOf } from './services.ts';
import type { TellPerson } from './tell-person.ts';
import { Turn } from './turn.ts';

/** After this long without a sign of life, whoever has a run counts as dead. */
const leaseMs = 30_000;
/** How long to wait for another who has the run. */
const leaseWaitMs = 10 * 60_000;
/** A run and what it has led to is kept a day longer than its person has time. */
const keepMs = 24 * 60 * 60_000;
/** How often a run goes on at once, because its person was quick, before it is parked. */
const maxRounds = 20;

/** From where a framework goes on: a question, or what it was paused with. */
export type Beginning<I, S> = { readonly input: I } | { readonly state: S };

/** Where a framework has stopped: its answer, or what it is to go on from. Both JSON. */
export type Stop<S, A> = { readonly answer: A } | { readonly state: S };

/** An answer to a question whose run was paused. */
export interface RunAnswer<A> {
  readonly contextId: string;
  readonly runId: string;
  readonly metadata: unknown;
  readonly answer: A;
  /** The same whenever this answer is handed over: what the host makes its message once by. */
  readonly idempotencyKey: string;
}

/** A run that has no answer to come. */
export interface RunFailure {
  readonly contextId: string;
  readonly runId: string;
  readonly metadata: unknown;
  readonly code: string;
}

export interface AgentRunsOptions<I, S, A> {
  /** Names these runs: the same in every process, and for no others. */
  readonly name: string;
  /** Gives a person their link. */
  readonly tell: TellPerson;
  /**
   * How long a turn waits for its person before the run is paused. Default 15,000 ms. 0, where a process must not wait.
   */
  readonly waitMs?: number | undefined;
  /** How long a turn waits for servers to connect before it begins without them. Default 5,000 ms. */
  readonly serviceLimitMs?: number | undefined;
  /**
   * Which of its user's accounts at a server an agent has, by alias: the tools of each are tools of their own. Default: the
   * account `default` alone.
   *
   * @example
   * accountsOf: async ({ client, server }) => (await client.credentials({ server })).map(({ alias }) => alias)
   */
  readonly accountsOf?: AccountsOf | undefined;
  /** Has the framework go on, until it has an answer, or every call it is stopped at waits for a person. */
  readonly advance: (turn: Turn, from: Beginning<I, S>) => Promise<Stop<S, A>>;
  /**
   * Is given the answer of a run that was paused, in whichever process it went on. Once, unless the process dies, or this
   * throws: then again, with the same answer.
   */
  readonly onAnswer: (answer: RunAnswer<A>) => void | Promise<void>;
  /** Is told of a run that could not be gone on with, however often that was tried. */
  readonly onFailure?: ((failure: RunFailure) => void | Promise<void>) | undefined;
}

/** How a run began: with its answer, or waiting. */
export type Started<A> =
  | { readonly status: 'answered'; readonly runId: string; readonly answer: A }
  | { readonly status: 'waiting'; readonly runId: string; readonly waitsFor: readonly Need[] };

/** What came of a wake-up. */
export type Woken = 'answered' | 'waiting' | 'nothing to do';

interface Parked {
  readonly runId: string;
  readonly generation: number;
}

/**
 * Runs of agents that pause for a person and go on by themselves, once, in whichever process lives.
 *
 * A run is one question. While its framework has stopped at a call that needs a person, it is kept in the store with what
 * the framework goes on from. A wake-up is a hint from wherever it comes: the store says whether the person is done, a lease
 * lets one process go on, and a call that was waiting is claimed before it is made. So a run that is woken twice is gone on
 * with once, and a call is made once.
 *
 * @example
 * const runs = new AgentRuns(manager, { name: 'answer', tell, advance, onAnswer: ({ metadata, answer }) => reply(metadata, answer) });
 * await manager.start();
 * const started = await runs.start(userId, question, { metadata: thread });
 * if (started.status === 'answered') await reply(thread, started.answer);
 */
export class AgentRuns<I, S, A> {
  readonly #manager: ClientManager;
  readonly #options: AgentRunsOptions<I, S, A>;

  /** @throws {PosternError} ERR_POSTERN_CONFIG_MISCONFIGURED when something is missing, or a duration is none. */
  constructor(manager: ClientManager, options: AgentRunsOptions<I, S, A>) {
    const { name, waitMs, serviceLimitMs } = options;
    for (const needed of ['tell', 'advance', 'onAnswer'] as const) {
      if (typeof options[needed] !== 'function') throw misconfigured(`runs of agents need ${needed}()`);
    }
    if (name === '') throw misconfigured('runs of agents need a "name"');
    checkDurations({ serviceLimitMs });
    checkDurations({ waitMs }, 0);
    this.#manager = manager;
    this.#options = options;
    manager.coordinator.continuations.register<Parked>(`agent-run ${name}`, {
      // What the person decides is the agent's to say, too.
      takesAnyEnd: true,
      resume: (continuation) => this.#resume(continuation),
      abandon: (continuation, code) => this.#giveUp(continuation, code),
    });
  }

  /**
   * Begins a run, and has it go as far as it can.
   *
   * @param options `metadata` is the host's own, JSON, and comes back with the answer and wherever the person is told.
   * @throws what the framework throws, and {@link AgentRunsOptions.tell}.
   */
  async start(
    contextId: string,
    input: I,
    { metadata }: { readonly metadata?: unknown } = {},
  ): Promise<Started<A>> {
    const { random } = this.#manager.coordinator.interactions.surroundings;
    const runId = randomId(random);
    const turn = await this.#turn(contextId, { runId, metadata, paused: [] });
    const { stop, turn: last } = await this.#advance(turn, { input });
    if ('answer' in stop) return { status: 'answered', runId, answer: stop.answer };
    const waitsFor = await last.readNeeds();
    await this.#pause(last, stop.state, undefined);
    return { status: 'waiting', runId, waitsFor };
  }

  /**
   * Goes on with a run if its person is done, as the store says. To be called as often as one likes: parked runs need no
   * call at all.
   */
  async wake(
    contextId: string,
    runId: string,
    options: { readonly signal?: AbortSignal | undefined } = {},
  ): Promise<Woken> {
    return this.#wake(contextId, { runId, ...options });
  }

  /** A turn of a host's own, which pauses nothing by itself: for what has no run to go on with. */
  async turn(contextId: string, { metadata }: { readonly metadata?: unknown } = {}): Promise<Turn> {
    const { random } = this.#manager.coordinator.interactions.surroundings;
    return this.#turn(contextId, { runId: randomId(random), metadata, paused: [] });
  }

  async #turn(
    contextId: string,
    { runId, metadata, paused }: { runId: string; metadata: unknown; paused: readonly PausedCall[] },
  ): Promise<Turn> {
    const client = await this.#manager.getClient(contextId, metadata);
    const { tell, waitMs = 15_000, serviceLimitMs = 5_000, accountsOf } = this.#options;
    return new Turn({ client, runId, metadata, tell, waitMs, serviceLimitMs, accountsOf, paused });
  }

  /** Goes on until there is an answer, or somebody has to be waited for. */
  async #advance(first: Turn, beginning: Beginning<I, S>): Promise<{ stop: Stop<S, A>; turn: Turn }> {
    let turn = first;
    let from = beginning;
    for (let rounds = 1; ; rounds++) {
      const stop = await this.#options.advance(turn, from);
      turn.throwIfUntold();
      if ('answer' in stop) return { stop, turn };
      if (turn.paused.length === 0) {
        throw misconfigured('a framework stopped at a call that no person was asked for');
      }
      if (rounds >= maxRounds || (await turn.readNeeds()).length > 0) return { stop, turn };
      // They were quick. What they have signed in to has tools now.
      const { runId, metadata, paused, contextId } = turn;
      turn = await this.#turn(contextId, { runId, metadata, paused });
      from = stop;
    }
  }

  async #pause(turn: Turn, state: S, from: Stored<RunRecord> | undefined): Promise<void> {
    const { runId: id, metadata, paused: calls } = turn;
    const generation = (from?.value.generation ?? 0) + 1;
    const { coordinator } = this.#manager;
    const { namespace } = turn.client.context;
    const pendings = coordinator.pendings.in(namespace);
    const waitsFor = [...new Set(calls.map(({ pendingId }) => pendingId))];
    const found = await Promise.all(waitsFor.map((pendingId) => pendings.get(pendingId)));
    const nowMs = await coordinator.interactions.surroundings.now();
    const endsAtMs = Math.max(nowMs, ...found.map((pending) => pending?.expiresAtMs ?? 0));
    const run = { id, status: 'paused' as const, generation, metadata, waitsFor };
    const kept: KeptPause<S> = { state, calls };
    const store = this.#storeIn(turn.contextId);
    const written = await store.write(run, { from, expiresAtMs: endsAtMs + keepMs }, kept);
    if (written !== undefined) await this.#park(namespace, written.value);
  }

  /** Each of them wakes it, and the last finds nobody left to wait for. */
  async #park(
    namespace: Namespace,
    { id: runId, generation, waitsFor: pendingIds }: RunRecord,
  ): Promise<void> {
    const payload: Parked = { runId, generation };
    const handler = `agent-run ${this.#options.name}`;
    for (const waitingFor of pendingIds)
      await this.#manager.coordinator.continuations.park(namespace, { handler, payload, waitingFor });
  }

  async #resume(continuation: Continuation<Parked>): Promise<void> {
    const { namespace, payload, outcome, waitedFor, signal, attempt } = continuation;
    const tries = outcome === 'pending' ? waitedFor : undefined;
    if (attempt > 1) {
      // Whoever tried before may have died between pausing it anew and parking it.
      const found = (await this.#storeIn(namespace.id).find(payload.runId))?.value;
      if (found?.status === 'paused' && found.generation > payload.generation)
        return this.#park(namespace, found);
    }
    await this.#wake(namespace.id, { ...payload, signal, tries });
  }

  async #wake(
    contextId: string,
    options: {
      readonly runId: string;
      readonly generation?: number | undefined;
      readonly signal?: AbortSignal | undefined;
      /** The pending of which only a call shows that it is done. */
      readonly tries?: string | undefined;
    },
  ): Promise<Woken> {
    const { runId, generation, signal, tries } = options;
    const { coordinator } = this.#manager;
    const { clock } = coordinator.interactions.surroundings;
    const { storage } = coordinator.createContext(contextId);
    const path = ['agent-running', runId];
    await using lease = await acquireLease(storage, path, { leaseMs, waitMs: leaseWaitMs, signal, clock });
    const stopRenewing = lease.keepAlive();
    try {
      const store = this.#storeIn(contextId);
      const found = await store.find(runId);
      if (found === undefined || found.value.status === 'delivered') return 'nothing to do';
      if (generation !== undefined && generation !== found.value.generation) return 'nothing to do';
      if (found.value.status === 'answered') return await this.#deliver(contextId, store, found);
      return await this.#goOn(contextId, { store, found, lease, tries });
    } finally {
      stopRenewing();
    }
  }

  async #goOn(
    contextId: string,
    at: { store: RunStore; found: Stored<RunRecord>; lease: Lease; tries: string | undefined },
  ): Promise<Woken> {
    const { store, found, lease, tries } = at;
    const { metadata, id: runId } = found.value;
    const { state, calls: paused } = (await store.read(found)) as KeptPause<S>;
    const turn = await this.#turn(contextId, { runId, metadata, paused });
    if (tries !== undefined) {
      const { namespace } = turn.client.context;
      const pending = await this.#manager.coordinator.pendings.in(namespace).get(tries);
      if (pending !== undefined) await tryFor(pending, () => turn.tryCalls(tries));
    }
    const needed = await turn.readNeeds();
    // Only what is thrown keeps a request parked that was merely tried.
    const tried = needed.find(({ challenge }) => challenge.pendingId === tries);
    if (tried !== undefined) throw new AuthorizationRequiredError(tried.challenge);
    if (needed.length > 0) return 'waiting';
    const { stop, turn: last } = await this.#advance(turn, { state });
    // Whoever has the run by now goes on with it.
    lease.signal.throwIfAborted();
    if ('state' in stop) {
      await this.#pause(last, stop.state, found);
      return 'waiting';
    }
    const answered = { ...found.value, status: 'answered' as const, waitsFor: [] };
    const expiresAtMs = await this.#keptUntil();
    const written = await store.write(answered, { from: found, expiresAtMs }, stop.answer ?? null);
    return written === undefined ? 'nothing to do' : this.#deliver(contextId, store, written);
  }

  async #deliver(contextId: string, store: RunStore, found: Stored<RunRecord>): Promise<Woken> {
    const { id: runId, generation, metadata } = found.value;
    const answer = (await store.read(found)) as A;
    const idempotencyKey = `${runId}:${generation}`;
    await this.#options.onAnswer({ contextId, runId, metadata, answer, idempotencyKey });
    const delivered = { ...found.value, status: 'delivered' as const };
    await store.write(delivered, { from: found, expiresAtMs: await this.#keptUntil() });
    return 'answered';
  }

  async #giveUp({ namespace, payload }: Continuation<Parked>, code: string): Promise<void> {
    const { runId } = payload;
    // It may be why: whoever is to be told is told all the same.
    const found = await this.#storeIn(namespace.id).findReadable(runId);
    const { logger } = this.#manager.coordinator.interactions.surroundings;
    logger.error('a paused run could not be gone on with', { run: runId, code });
    try {
      const { metadata } = found?.value ?? {};
      await this.#options.onFailure?.({ contextId: namespace.id, runId, metadata, code });
    } catch (error) {
      logger.error('whoever was to be told of a failed run failed', failureFields(error));
    }
  }

  async #keptUntil(): Promise<number> {
    return (await this.#manager.coordinator.interactions.surroundings.now()) + keepMs;
  }

  #storeIn(contextId: string): RunStore {
    const { coordinator } = this.#manager;
    const { random } = coordinator.interactions.surroundings;
    return new RunStore(coordinator.createContext(contextId).storage, random);
  }
}

function misconfigured(message: string): PosternError {
  return new PosternError('ERR_POSTERN_CONFIG_MISCONFIGURED', message);
}
