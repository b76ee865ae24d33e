import { checkDurations } from '../core/check-durations.ts';
import { systemClock, type Clock } from '../core/clock.ts';
import type { Continuation } from '../resume/continuation.ts';
import { PosternError } from '../core/postern-error.ts';
import type { AuthCoordinator } from './coordinators/auth-coordinator.ts';
import {
  RemoteAuthCoordinator,
  type RemoteAuthCoordinatorOptions,
} from './coordinators/remote-auth-coordinator.ts';
import {
  findAuthorizationRequired,
  type AuthorizationRequiredError,
} from './auth/authorization-required-error.ts';
import { Client } from './client.ts';
import type { SharedClientOptions } from './client-options.ts';
import { accountAt } from './account-alias.ts';
import type { Context } from './context.ts';
import { parseServerConfigs, type ServerConfig, type ServerConfigs } from './server-config.ts';
import { tryFor } from './tried-call.ts';

/** How clients are kept, and who their people are. */
export interface ClientKeeping extends SharedClientOptions {
  /** A client nobody has asked for this long is disconnected and let go; what is stored stays. Default 10 minutes. */
  readonly idleMs?: number | undefined;
  /** Who must finish a context's sign-ins: what `verifyUser` answers for them. Default: the context's id. */
  readonly initiatorOf?: ((contextId: string) => string) | undefined;
}

/** A coordinator, or what a {@link RemoteAuthCoordinator} is made of. */
export type ClientManagerOptions = ClientKeeping &
  (Omit<RemoteAuthCoordinatorOptions, keyof SharedClientOptions> | { readonly coordinator: AuthCoordinator });

/** A parked request, as the handler of {@link ClientManager.continuation} sees it. */
export interface ResumedCall<P> {
  /** The client of the context that was waiting. */
  readonly client: Client;
  readonly payload: P;
  readonly idempotencyKey: string;
  readonly attempt: number;
  readonly signal: AbortSignal;
}

/** Parks requests of one kind. */
export interface ParkingPlace<P> {
  /**
   * Parks a request on the sign-in an error asks for. Durable when it returns; resumed by itself, once, in any process.
   *
   * @throws the error itself, when it does not ask for a sign-in.
   */
  park(error: unknown, payload: P): Promise<{ id: string }>;
}

/**
 * One application's clients: one for each context, isolated from each other, cheap enough to have many.
 *
 * @example
 * const manager = new ClientManager(servers, { storage, publicUrl: 'https://bot.example/postern', verifyUser });
 * app.mount('/postern', manager.fetch);
 * const client = await manager.getClient(userId);
 */
export class ClientManager implements AsyncDisposable {
  readonly coordinator: AuthCoordinator;
  readonly #servers: ReadonlyMap<string, ServerConfig>;
  readonly #options: SharedClientOptions & { readonly coordinator: AuthCoordinator };
  readonly #initiatorOf: ((contextId: string) => string) | undefined;
  readonly #clock: Clock;
  readonly #idleMs: number;
  /** In order of last use, so that the idle ones come first. */
  readonly #clients = new Map<string, { client: Client; usedAtMs: number }>();
  #sweeper: ReturnType<typeof setInterval> | undefined;

  /**
   * @throws {PosternError} ERR_POSTERN_CONFIG_MISCONFIGURED when a server or a duration is not right, or when neither a
   * coordinator nor all that one needs is there.
   */
  constructor(servers: ServerConfigs, options: ClientManagerOptions) {
    const { connectTimeoutMs, livenessMs, idleMs, initiatorOf } = options ?? {};
    checkDurations({ connectTimeoutMs, livenessMs, idleMs });
    this.#servers = parseServerConfigs(servers);
    this.coordinator = coordinatorOf(options);
    // A coordinator that was made of the same options has opened that network already.
    const network = 'coordinator' in options ? options.network : undefined;
    this.#options = { ...options, network, coordinator: this.coordinator };
    this.#initiatorOf = initiatorOf;
    this.#clock = options.clock ?? systemClock;
    this.#idleMs = idleMs ?? 10 * 60_000;
    this.coordinator.reconnectBy(async ({ namespace, alias }) =>
      this.#reconnect(namespace.id, accountAt(alias)),
    );
  }

  /** Answers the browsers of all its people, in any process: mount it at `publicUrl`. The coordinator's. */
  get fetch(): (request: Request) => Promise<Response> {
    return this.coordinator.fetch;
  }

  /**
   * The page where each of its people sees all that waits for them, and what is connected as whom: one link for any number
   * of sign-ins. `undefined` where nothing tells people apart.
   */
  get inboxUrl(): string | undefined {
    return this.coordinator.inboxUrl;
  }

  /** How many clients are in memory. */
  get size(): number {
    return this.#clients.size;
  }

  /**
   * The client of a context, made if there is none. Metadata given here replaces what was given before.
   *
   * @throws {PosternError} ERR_POSTERN_NAMESPACE_INVALID
   */
  async getClient(contextId: string, metadata?: unknown): Promise<Client> {
    let entry = this.#clients.get(contextId);
    if (entry === undefined) {
      const initiator = this.#initiatorOf?.(contextId);
      const context = this.coordinator.createContext(contextId, metadata, initiator);
      entry = { client: this.#createClient(context), usedAtMs: 0 };
    } else {
      this.#clients.delete(contextId);
    }
    entry.usedAtMs = this.#clock();
    this.#clients.set(contextId, entry);
    this.#startSweeping();
    if (metadata !== undefined) await entry.client.setMetadata(metadata);
    return entry.client;
  }

  /**
   * Names a kind of request that can be parked, and what is done with it afterwards.
   *
   * `resume` runs when the person has signed in; `abandon`, when they will not have. Where a server has asked for them at a
   * link of its own, only a call shows that they are done: `resume` is tried now and then, and what it throws because the
   * server still waits leaves the request parked. Register the same names in every process.
   */
  continuation<P>(
    name: string,
    resume: (call: ResumedCall<P>) => Promise<void>,
    options: { abandon?: (call: ResumedCall<P>, code: string) => Promise<void> } = {},
  ): ParkingPlace<P> {
    const { continuations } = this.coordinator;
    const { abandon } = options;
    const present = async (continuation: Continuation<P>): Promise<ResumedCall<P>> => ({
      client: await this.getClient(continuation.namespace.id),
      payload: continuation.payload,
      idempotencyKey: continuation.idempotencyKey,
      attempt: continuation.attempt,
      signal: continuation.signal,
    });
    continuations.register<P>(name, {
      resume: async (continuation) => {
        const { namespace, outcome, waitedFor } = continuation;
        const call = await present(continuation);
        const pending =
          outcome === 'pending' ? await this.coordinator.pendings.in(namespace).get(waitedFor) : undefined;
        await (pending === undefined ? resume(call) : tryFor(pending, () => resume(call)));
      },
      ...(abandon && { abandon: async (continuation, code) => abandon(await present(continuation), code) }),
    });
    return {
      park: async (error, payload) => {
        const required: AuthorizationRequiredError | undefined = findAuthorizationRequired(error);
        if (required === undefined) throw error;
        const { contextId, pendingId } = required.challenge;
        const { namespace } = this.coordinator.createContext(contextId);
        return continuations.park(namespace, { handler: name, payload, waitingFor: pendingId });
      },
    };
  }

  /** Starts resuming parked requests in this process, and finishes logouts that another one has died over. */
  start(): Promise<void> {
    void this.coordinator.interactions.finishForgetting();
    return this.coordinator.continuations.start();
  }

  /** Stops resuming, and waits for what runs. */
  stop(): Promise<void> {
    return this.coordinator.continuations.stop();
  }

  /** Resumes what is due and returns how much that was: for serverless, from a timer. */
  async runDue(): Promise<number> {
    const [ran] = await Promise.all([
      this.coordinator.continuations.runDue({ sweep: true }),
      this.coordinator.interactions.finishForgetting(),
    ]);
    return ran;
  }

  /** Disconnects one context's client and lets it go. What is stored stays. */
  async evict(contextId: string): Promise<void> {
    const entry = this.#clients.get(contextId);
    this.#clients.delete(contextId);
    await entry?.client.disconnect();
  }

  /** Stops everything this process does; what is pending or parked can go on in others. */
  async close(): Promise<void> {
    clearInterval(this.#sweeper);
    this.#sweeper = undefined;
    await this.stop();
    await Promise.all([...this.#clients.keys()].map((contextId) => this.evict(contextId)));
    await this.coordinator.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** Resolves to the link that its person has to open, if they have to. */
  async #reconnect(contextId: string, at: { server: string; alias: string }): Promise<string | undefined> {
    const client = await this.getClient(contextId);
    await client.connect({ ...at, force: true });
    const [challenge] = await client.getAuthChallenges(at);
    return challenge?.url;
  }

  #createClient(context: Context<AuthCoordinator>): Client {
    return new Client(this.#servers, { ...this.#options, context });
  }

  #startSweeping(): void {
    if (this.#sweeper !== undefined) return;
    this.#sweeper = setInterval(() => void this.#sweep(), Math.max(1_000, Math.min(this.#idleMs, 60_000)));
    if (typeof this.#sweeper === 'object') this.#sweeper.unref();
  }

  async #sweep(): Promise<void> {
    const idleSince = this.#clock() - this.#idleMs;
    for (const [contextId, { client, usedAtMs }] of this.#clients) {
      if (usedAtMs > idleSince) return;
      if (!client.isBusy) await this.evict(contextId);
    }
  }
}

const needed = ['storage', 'publicUrl', 'verifyUser'] as const;

function coordinatorOf(options: ClientManagerOptions): AuthCoordinator {
  const { coordinator, ...own }: Partial<RemoteAuthCoordinatorOptions> & { coordinator?: unknown } =
    options ?? {};
  if (isCoordinator(coordinator)) return coordinator;
  const missing = needed.filter((name) => own[name] === undefined);
  // What else is wrong with them, or that one is left out on purpose, the coordinator knows.
  if (coordinator === undefined && missing.length < needed.length)
    return new RemoteAuthCoordinator(own as RemoteAuthCoordinatorOptions);
  throw new PosternError(
    'ERR_POSTERN_CONFIG_MISCONFIGURED',
    coordinator === undefined
      ? `a client manager needs ${needed.map((name) => JSON.stringify(name)).join(', ')}`
      : 'the "coordinator" of a client manager is none',
    {
      hint: 'Pass "storage", "publicUrl" and "verifyUser", or a "coordinator": a LocalAuthCoordinator for a program at a terminal.',
    },
  );
}

/** Also one that another copy of this package has made. */
function isCoordinator(value: unknown): value is AuthCoordinator {
  return typeof (value as Partial<AuthCoordinator> | undefined)?.createContext === 'function';
}
