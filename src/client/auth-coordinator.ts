import { systemClock, type Clock } from '../core/clock.ts';
import { silentLogger, type Logger } from '../core/logger.ts';
import { PosternError } from '../core/postern-error.ts';
import type { RandomBytes } from '../core/random.ts';
import type { Namespace } from '../namespace/namespace.ts';
import { Pendings, type PendingSpec } from '../pending/pendings.ts';
import type { Pending } from '../pending/pending.ts';
import { Continuations, type ResumePolicy } from '../resume/continuations.ts';
import type { FetchLike } from '../oauth/oauth-http.ts';
import type { StorageBackend } from '../storage/contract.ts';
import { findAuthorizationRequired } from './authorization-required-error.ts';
import { CallbackHandler } from './callback-handler.ts';
import type { CompletionEvent, CompletionHandler, CompletionSubscriber, SignIn } from './completion.ts';
import { Context } from './context.ts';

/** As an option: accept a durable store whose values are readable by whoever reads the store. */
export const allowPlaintextStorage: unique symbol = Symbol('allowPlaintextStorage');

export interface AuthCoordinatorOptions {
  readonly storage: StorageBackend;
  readonly clock?: Clock | undefined;
  readonly random?: RandomBytes | undefined;
  readonly logger?: Logger | undefined;
  /** How long a person has to finish a sign-in. Default 10 minutes. */
  readonly signInTtlMs?: number | undefined;
  /** How long a declined sign-in is not asked for again by itself. Default 60,000 ms. */
  readonly declineCooldownMs?: number | undefined;
  /**
   * How long a process has for one refresh, registration or exchange; after it, it counts as dead and another goes on.
   * More than a request to an authorization server may take. Default 30,000 ms.
   */
  readonly leaseMs?: number | undefined;
  /** For requests to authorization servers. Default: the global `fetch`. */
  readonly fetch?: FetchLike | undefined;
  /** The deadline of one request to an authorization server, body included. Default 10,000 ms. Less than half of `leaseMs`. */
  readonly oauthTimeoutMs?: number | undefined;
  readonly resume?: ResumePolicy | undefined;
  /** Keeps a serverless process alive for work that goes on after the browser was answered. */
  readonly waitUntil?: ((work: Promise<unknown>) => void) | undefined;
  /** Dangerous. See {@link allowPlaintextStorage}. */
  readonly [allowPlaintextStorage]?: boolean | undefined;
}

/** How often a session that waits for a person looks, although it was not told. */
const watchMs = 1_500;

/**
 * Owns the browser's side of sign-ins: links, callbacks, routes, subscribers, parked requests.
 *
 * It never talks to an authorization server; the completion handler named in each sign-in does.
 */
export abstract class AuthCoordinator {
  readonly storage: StorageBackend;
  readonly pendings: Pendings<SignIn>;
  readonly continuations: Continuations;
  readonly signInTtlMs: number;
  readonly leaseMs: number;
  readonly oauthTimeoutMs: number;
  protected readonly clock: Clock;
  protected readonly logger: Logger;
  readonly #handlers = new Map<string, CompletionHandler>();
  readonly #subscribers = new Set<CompletionSubscriber>();
  readonly #waitUntil: (work: Promise<unknown>) => void;
  readonly #background = new Set<Promise<unknown>>();
  readonly #callbacks: CallbackHandler;

  /** @throws {PosternError} ERR_POSTERN_CONFIG_MISCONFIGURED when the storage is missing, or durable and not sealed. */
  constructor(options: AuthCoordinatorOptions) {
    assertStorage(options);
    this.storage = options.storage;
    this.clock = options.clock ?? systemClock;
    this.logger = options.logger ?? silentLogger;
    this.signInTtlMs = options.signInTtlMs ?? 10 * 60_000;
    this.leaseMs = options.leaseMs ?? 30_000;
    this.oauthTimeoutMs = options.oauthTimeoutMs ?? 10_000;
    this.#waitUntil = options.waitUntil ?? (() => {});
    const { storage, clock, logger } = this;
    this.pendings = new Pendings<SignIn>({
      storage,
      clock,
      random: options.random,
      linkFor: (id) => `${this.baseUrl}/connect/${id}`,
    });
    this.continuations = new Continuations({
      ...options.resume,
      storage,
      clock,
      logger,
      random: options.random,
      waitsFor: (error) => findAuthorizationRequired(error)?.challenge.pendingId,
    });
    const { fetch } = options;
    const timeoutMs = this.oauthTimeoutMs;
    // Loaded when the first link is opened: a process that only calls tools starts faster without it.
    const oauth = async (): Promise<CompletionHandler> => {
      const { oauthCompletionHandler } = await import('./oauth-sign-in.ts');
      return oauthCompletionHandler({ fetch, timeoutMs, storage, clock });
    };
    this.registerHandler('oauth', {
      start: async (flow) => (await oauth()).start(flow),
      complete: async (flow) => (await oauth()).complete(flow),
    });
    this.#callbacks = new CallbackHandler({
      pendings: this.pendings,
      clock,
      logger,
      declineCooldownMs: options.declineCooldownMs ?? 60_000,
      takenMs: this.leaseMs,
      handlerNamed: (name) => this.handlerNamed(name),
      verify: (request, pending) => this.verify(request, pending),
      baseUrl: () => this.baseUrl,
      redirectUri: () => this.callbackUrl,
      answersInPlace: () => this.answersInPlace,
      ended: (pending) => this.#afterwards(this.#announce(pending)),
    });
  }

  /** Where the coordinator's own pages are, without a trailing slash. */
  protected abstract get baseUrl(): string;

  /** Whether the callback is answered at its own address: a loopback listener may be gone before a second request. */
  protected abstract get answersInPlace(): boolean;

  protected get callbackUrl(): string {
    return `${this.baseUrl}/callback`;
  }

  /** Proves that the browser's user may finish a pending: `undefined` when they may, else what to answer. */
  protected abstract verify(request: Request, pending: Pending<SignIn>): Promise<Response | undefined>;

  /** Makes sure that callbacks can arrive, and returns the redirect URI to register. */
  abstract redirectUri(): Promise<string>;

  /** An https URL that serves this client's metadata document, where there is one. */
  get clientMetadataUrl(): string | undefined {
    return undefined;
  }

  /** The live sign-in of a slot, made if there is none. In any process, whoever asks gets the same. */
  createSignIn(
    namespace: Namespace,
    slot: readonly string[],
    specify: () => Promise<PendingSpec<SignIn>>,
  ): Promise<{ pending: Pending<SignIn>; created: boolean }> {
    return this.pendings.createOnce(namespace, slot, specify);
  }

  /** Shows a person their link. Never waits for them. `created`: this call made it, so nobody has seen it yet. */
  abstract present(pending: Pending<SignIn>, options: { created: boolean }): Promise<void>;

  /** Whether callers wait for the person, rather than being told to come back. */
  get blocksCallers(): boolean {
    return false;
  }

  /**
   * Waits until a sign-in has ended, and returns it. Its own expiry is the deadline.
   *
   * @throws the signal's reason when it aborts.
   */
  awaitEnd(pending: Pending<SignIn>, options: { signal: AbortSignal }): Promise<Pending<SignIn>> {
    const timeoutMs = Math.max(0, pending.expiresAtMs - this.clock()) + 1_000;
    return this.pendings.waitFor(pending, { timeoutMs, signal: options.signal, pollMs: watchMs });
  }

  /** The isolated context of one user or session. */
  createContext(id: string, metadata?: unknown, principal?: string): Context {
    return new Context({ id, storage: this.storage, metadata, principal });
  }

  /** Registers a completion handler under the name its sign-ins carry. Every process that may get the callback does so. */
  registerHandler(name: string, handler: CompletionHandler): void {
    this.#handlers.set(name, handler);
  }

  hasHandler(name: string): boolean {
    return this.#handlers.has(name);
  }

  /** Has a subscriber told of completions, from now on, once. Returns how to stop. */
  subscribe(subscriber: CompletionSubscriber): () => void {
    this.#subscribers.add(subscriber);
    return () => this.unsubscribe(subscriber);
  }

  unsubscribe(subscriber: CompletionSubscriber): void {
    this.#subscribers.delete(subscriber);
  }

  /** Answers `/connect/<id>` and `/callback`, in any process. A property, so that it can be handed to a framework as it is. */
  readonly fetch: (request: Request) => Promise<Response> = (request) => this.answer(request);

  /** Finishes what is under way: events being delivered, parked requests being run. */
  async close(): Promise<void> {
    await this.continuations.stop();
    await Promise.allSettled(this.#background);
  }

  protected answer(request: Request): Promise<Response> {
    return this.#callbacks.fetch(request);
  }

  protected handlerNamed(name: string): CompletionHandler {
    const handler = this.#handlers.get(name);
    if (handler !== undefined) return handler;
    throw new PosternError(
      'ERR_POSTERN_CONFIG_MISCONFIGURED',
      `no completion handler named ${JSON.stringify(name)} in this process`,
      {
        hint: 'Register the same handlers in every process that can receive the callback.',
      },
    );
  }

  async #announce(pending: Pending<SignIn>): Promise<void> {
    const event: CompletionEvent = {
      contextId: pending.namespace.id,
      server: pending.data?.server ?? '',
      pendingId: pending.id,
      success: pending.status === 'completed',
      failure: pending.failure,
      metadata: pending.data?.metadata,
    };
    await Promise.all([
      this.#wakeParked(pending.namespace, pending.id),
      ...[...this.#subscribers].map(async (subscriber) => {
        try {
          await subscriber.onCompletion(event);
        } catch (error) {
          this.logger.error('a completion subscriber failed', { error: nameOf(error) });
        }
      }),
    ]);
  }

  async #wakeParked(namespace: Namespace, pendingId: string): Promise<void> {
    try {
      await this.continuations.announce(namespace, pendingId);
    } catch (error) {
      this.logger.warn('parked requests could not be announced; the next sweep finds them', {
        error: nameOf(error),
      });
    }
  }

  #afterwards(work: Promise<unknown>): void {
    const tracked = work.finally(() => this.#background.delete(tracked));
    this.#background.add(tracked);
    this.#waitUntil(tracked);
  }
}

function nameOf(error: unknown): string {
  return error instanceof Error ? error.name : typeof error;
}

function assertStorage(options: AuthCoordinatorOptions): void {
  if (!options?.storage?.capabilities) {
    throw new PosternError('ERR_POSTERN_CONFIG_MISCONFIGURED', 'a coordinator needs "storage"');
  }
  if (options.storage.capabilities.atRest === 'plain' && options[allowPlaintextStorage] !== true) {
    throw new PosternError('ERR_POSTERN_CONFIG_MISCONFIGURED', 'the storage keeps tokens readable at rest', {
      hint: 'Wrap it: encrypted(storage, keyring).',
    });
  }
}
