import { checkDurations } from '../../core/check-durations.ts';
import { PosternError } from '../../core/postern-error.ts';
import { assertStorage } from '../../interaction/assert-storage.ts';
import type { CredentialKind } from '../../interaction/credential-kind.ts';
import { elicitationKind } from '../../interaction/elicitation/elicitation-kind.ts';
import type { Flow, InteractionData, NamedFlow } from '../../interaction/flow.ts';
import type { Gate } from '../../interaction/gates/gate.ts';
import { inboxUrlOf } from '../../interaction/inbox/inbox-url.ts';
import { Interactions } from '../../interaction/interactions.ts';
import { logException } from '../../interaction/oauth/exceptions.ts';
import { grants, type GrantsOptions } from '../../interaction/oauth/grant-kind.ts';
import type { ServerSignIns } from '../../interaction/oauth/server-sign-ins.ts';
import { hasCode } from '../../interaction/oauth/sign-in-code.ts';
import type { Place } from '../../interaction/want.ts';
import type { Namespace } from '../../namespace/namespace.ts';
import type { Grant } from '../../oauth/grant-record.ts';
import { createOAuthHttp, type OAuthHttp } from '../../oauth/oauth-http.ts';
import type { IssuerProfiles } from '../../oauth/profiles/issuer-profile.ts';
import type { TokenRequestOptions } from '../../oauth/token-request.ts';
import { allowPrivateNetwork } from '../../oauth/url-policy.ts';
import type { Pending } from '../../pending/pending.ts';
import type { Pendings } from '../../pending/pendings.ts';
import { Continuations } from '../../resume/continuations.ts';
import type { TryPolicy } from '../../resume/tries.ts';
import type { StorageBackend } from '../../storage/contract.ts';
import { createSurroundings, type Surroundings } from '../../sync/surroundings.ts';
import { findAuthorizationRequired } from '../auth/authorization-required-error.ts';
import { keyForm, keyKind } from '../auth/key-form.ts';
import { Context } from '../context.ts';
import { allowPlaintextStorage, type AuthCoordinatorOptions, type SignInBy } from './coordinator-options.ts';
import type { CompletionSubscriber, SubscribeOptions } from './completion.ts';
import { Contexts } from './contexts.ts';
import { readProfiles } from './read-profiles.ts';
import { Subscribers } from './subscribers.ts';

/**
 * The agent's face over one gate: contexts, subscribers, parked requests.
 *
 * It never talks to an authorization server; the flow named in each sign-in does.
 */
export abstract class AuthCoordinator {
  readonly storage: StorageBackend;
  readonly interactions: Interactions;
  readonly continuations: Continuations;
  readonly oauthTimeoutMs: number;
  /** How often what waits for a person elsewhere is tried. */
  readonly tries: TryPolicy;
  /** What servers want of a person at links of their own. */
  readonly elicitations: NamedFlow<never>;
  protected readonly surroundings: Surroundings;
  readonly #subscribers: Subscribers;
  readonly #contexts = new Contexts<AuthCoordinator>();
  readonly #signInBy: SignInBy;
  readonly #waitUntil: (work: Promise<unknown>) => void;
  readonly #background = new Set<Promise<unknown>>();
  readonly #profiles: IssuerProfiles | undefined;
  /** Hosts in private networks whose exception was logged. */
  readonly #toldOf = new Set<string>();
  #signIns: Promise<ServerSignIns> | undefined;
  #reconnect: (place: Place) => Promise<string | undefined> = () => Promise.reject(nobodyConnects());

  /**
   * @throws {PosternError} ERR_POSTERN_CONFIG_MISCONFIGURED when the storage is missing, or durable and not sealed; when a
   * profile is not right; or when a duration is none, or `leaseMs` does not outlast two requests of `oauthTimeoutMs`.
   */
  constructor(options: AuthCoordinatorOptions, gateIn: (surroundings: Surroundings) => Gate) {
    const allowsPlaintext = options?.[allowPlaintextStorage] ?? options?.allowPlaintextStorage;
    assertStorage(options?.storage, { allowsPlaintext });
    const { oauthTimeoutMs = 10_000 } = options;
    checkDurations({ oauthTimeoutMs });
    const surroundings = createSurroundings(options);
    const { leaseMs, declineCooldownMs, signInTtlMs: ttlMs } = options;
    if (options.storage.capabilities.atRest === 'plain') {
      surroundings.logger.warn('a security exception has decided', {
        option: 'allowPlaintextStorage',
        by: 'option',
      });
    }
    this.storage = options.storage;
    this.surroundings = surroundings;
    this.oauthTimeoutMs = oauthTimeoutMs;
    this.tries = { tryMs: options.resume?.tryMs };
    this.#signInBy = options.signInBy ?? 'auto';
    this.#waitUntil = options.waitUntil ?? (() => {});
    this.#profiles = readProfiles(options.profiles);
    this.interactions = new Interactions({
      surroundings,
      gate: gateIn(surroundings),
      leaseMs,
      declineCooldownMs,
      ttlMs,
      waitUntil: options.waitUntil,
      reconnect: async (place) => this.#reconnect(place),
    });
    this.continuations = new Continuations({
      ...options.resume,
      ...surroundings,
      waitsFor: (error) => findAuthorizationRequired(error)?.challenge.pendingId,
      isTriedMeanwhile: (kind) => kind === this.elicitations.flow.kind,
    });
    this.interactions.flow('oauth', {
      kind: 'oauth_redirect',
      credential: this.grantKind(),
      requestMs: oauthTimeoutMs,
      widens: true,
      goesOut: true,
      begin: () => Promise.reject(new TypeError('a sign-in is begun by the strategy of its server')),
      visit: async (visit) => (await this.signIns()).visit(visit),
      hasWork: hasCode,
      watch: async (watch) => (await this.signIns()).watch(watch),
    });
    this.interactions.flow('api_key', {
      kind: 'secret_form',
      credential: keyKind,
      begin: async (beginning) => (await keyForm()).begin(beginning),
      visit: async (visit) => (await keyForm()).visit(visit),
    });
    const theirs = async (): Promise<Pick<Flow<never>, 'begin' | 'visit'>> =>
      (await import('../../interaction/elicitation/elicitation.ts')).elicitation;
    this.elicitations = this.interactions.flow('elicitation', {
      kind: 'elicitation',
      credential: elicitationKind,
      begin: async (beginning) => (await theirs()).begin(beginning),
      visit: async (visit) => (await theirs()).visit(visit),
    });
    this.interactions.onEnd(({ namespace, id }) => this.#afterwards(this.#wakeParked(namespace, id)));
    this.#subscribers = new Subscribers(this.interactions, (work) => this.#afterwards(work));
  }

  /**
   * Where authorization servers send browsers back to, its own first: what a client that is registered by hand has to have.
   * On this machine, as of the last sign-in.
   */
  get callbackUrls(): readonly string[] {
    const { baseUrl, furtherCallbackUrls = [] } = this.interactions.gate;
    return [...new Set([`${baseUrl}/callback`, ...furtherCallbackUrls])];
  }

  get pendings(): Pendings<InteractionData> {
    return this.interactions.pendings;
  }

  /** Shows a person their link. Never waits for them. `created`: this call made it, so nobody has seen it yet. */
  abstract present(pending: Pending<InteractionData>, options: { created: boolean }): Promise<void>;

  /** What this gate's people are given: the option, decided. */
  protected async signInBy(): Promise<Exclude<SignInBy, 'auto'>> {
    return this.#signInBy === 'device' ? 'device' : 'redirect';
  }

  /** Whether callers wait for the person, rather than being told to come back. */
  get blocksCallers(): boolean {
    return false;
  }

  /** Whether somebody is at hand who is asked whether they want to be asked again: then there is no time to wait for. */
  async hasPersonAtHand(): Promise<boolean> {
    return false;
  }

  /** Whether a person who declined a moment ago wants to be asked again. Nobody asks them, unless they are at hand. */
  async wantsAgain(_server: string, _alias: string): Promise<boolean> {
    return false;
  }

  /**
   * Waits until a sign-in has ended, and returns it. Its own expiry is the deadline.
   *
   * @throws the signal's reason when it aborts.
   */
  awaitEnd(
    pending: Pending<InteractionData>,
    options: { signal: AbortSignal },
  ): Promise<Pending<InteractionData>> {
    return this.interactions.untilEnd(pending, options);
  }

  /**
   * Where a person goes to consent, for one who can open none of our pages: show it to them, and have {@link complete} take
   * the address their browser ends at. Counts as following the link.
   *
   * @param options `person`: who it is, as the host has verified; on this machine whoever is at it.
   * @throws {PosternError} ERR_POSTERN_PENDING_NOT_FOUND when the sign-in is not this person's, or there is none.
   * @throws {PosternError} the code of its end, when it has ended.
   * @throws {PosternError} ERR_POSTERN_OOB_LIMIT when its link was followed too often.
   * @example
   * ```ts
   * console.log(await coordinator.authorizationUrl(challenge));
   * await coordinator.complete(await ask('The address your browser shows now: '));
   * ```
   */
  async authorizationUrl(
    { pendingId }: { readonly pendingId: string },
    { person }: { readonly person?: string | undefined } = {},
  ): Promise<string> {
    return (await this.interactions.byHand()).leave(pendingId, person);
  }

  /**
   * Finishes a sign-in with the address that its person's browser was redirected to and could not open. It is held to what a
   * callback is held to: one state, its person, `iss`, one use.
   *
   * @param options `person`: who brings it, as the host has verified; on this machine whoever is at it.
   * @throws {PosternError} ERR_POSTERN_AUTH_CALLBACK_INVALID when it is no such address; the hint says what it is.
   * @throws {PosternError} ERR_POSTERN_AUTH_STATE_UNKNOWN when it is of no sign-in of this person.
   * @throws {PosternError} ERR_POSTERN_AUTH_STATE_USED when it was used before.
   * @throws {PosternError} what the callback would have shown. The link goes on where it would have.
   */
  async complete(
    redirectedUrl: string,
    { person }: { readonly person?: string | undefined } = {},
  ): Promise<void> {
    await (await this.interactions.byHand()).bring(redirectedUrl, person);
  }

  /**
   * The isolated context of one user or session: the same one whenever it is asked for. Metadata given here replaces what
   * was given before.
   *
   * @throws {PosternError} ERR_POSTERN_NAMESPACE_INVALID
   */
  createContext(id: string, metadata?: unknown, initiator?: string): Context<AuthCoordinator> {
    const { storage } = this;
    const make = (): Context<AuthCoordinator> => new Context({ id, storage, coordinator: this, initiator });
    const context = this.#contexts.of(id, initiator, make);
    if (metadata !== undefined) context.metadata = metadata;
    return context;
  }

  /** Names a flow of the host's own. Every process that may get its callback registers the same. */
  flow<C, S>(name: string, flow: Flow<C, S>): NamedFlow<C, S> {
    return this.interactions.flow(name, flow);
  }

  /** Has whoever knows the servers connect one again, when its person wants that on their page. */
  reconnectBy(reconnect: (place: Place) => Promise<string | undefined>): void {
    this.#reconnect = reconnect;
  }

  /** The page where people see all that waits for them, and what is connected; `undefined` where nothing tells them apart. */
  get inboxUrl(): string | undefined {
    return inboxUrlOf(this.interactions.gate);
  }

  /** Has a subscriber told of sign-ins and how they end, from now on, once. Returns how to stop. */
  subscribe(subscriber: CompletionSubscriber, options: SubscribeOptions = {}): () => void {
    this.#subscribers.subscribe(subscriber, options);
    return () => this.unsubscribe(subscriber);
  }

  unsubscribe(subscriber: CompletionSubscriber): void {
    this.#subscribers.unsubscribe(subscriber);
  }

  /** Answers `/connect/<id>` and `/callback`, in any process. A property, so that it can be handed to a framework as it is. */
  readonly fetch: (request: Request) => Promise<Response> = (request) => this.interactions.fetch(request);

  /** Requests to the authorization servers that one MCP server names. */
  httpFor(serverUrl: string, privateNetwork?: boolean): OAuthHttp {
    const { fetch, hasCertificateFor, storeClock: clock } = this.surroundings;
    return createOAuthHttp({
      fetch,
      hasCertificateFor,
      clock,
      timeoutMs: this.oauthTimeoutMs,
      trustedBy: serverUrl,
      [allowPrivateNetwork]: privateNetwork,
      onPrivateNetwork: (url) => this.#tellOfPrivateNetwork(url),
    });
  }

  /** Once for each host: a sign-in reaches it many times, and each of its refreshes does. */
  #tellOfPrivateNetwork(url: URL): void {
    if (this.#toldOf.has(url.host)) return;
    this.#toldOf.add(url.host);
    logException(this.surroundings.logger, { option: 'allowPrivateNetwork', by: 'option', url });
  }

  /** The life of grants that this coordinator's sign-ins lead to, or that machines obtain. */
  grantKind(
    tokenOptions?: TokenRequestOptions,
    obtainAnew?: GrantsOptions['obtainAnew'],
  ): CredentialKind<Grant> {
    const httpFor = ({ resource, privateNetwork }: Grant): OAuthHttp =>
      this.httpFor(resource, privateNetwork);
    return grants({
      httpFor,
      tokenOptions,
      obtainAnew,
      clientRefused: async (client) => (await this.signIns()).clientRefused(client),
    });
  }

  /** Signing in to MCP servers. Loaded when somebody has to, or is back: a process that only calls tools starts faster. */
  signIns(): Promise<ServerSignIns> {
    this.#signIns ??= import('../../interaction/oauth/server-sign-ins.ts').then(
      ({ ServerSignIns: Loaded }) =>
        new Loaded({
          surroundings: this.surroundings,
          leaseMs: this.interactions.leaseMs,
          furtherCallbackUrls: this.interactions.gate.furtherCallbackUrls,
          httpFor: (serverUrl, privateNetwork) => this.httpFor(serverUrl, privateNetwork),
          profiles: this.#profiles,
          credential: this.grantKind(),
          codesFirst: async () => (await this.signInBy()) === 'device',
        }),
    );
    return this.#signIns;
  }

  /** Finishes what is under way: events being delivered, parked requests being run. */
  async close(): Promise<void> {
    await this.continuations.stop();
    await this.interactions.close();
    await Promise.allSettled(this.#background);
  }

  async #wakeParked(namespace: Namespace, pendingId: string): Promise<void> {
    try {
      await this.continuations.announce(namespace, pendingId);
    } catch (error) {
      this.surroundings.logger.warn('parked requests could not be announced; the next sweep finds them', {
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

function nobodyConnects(): PosternError {
  return new PosternError(
    'ERR_POSTERN_CONFIG_MISCONFIGURED',
    'there is no client manager here that could connect a server again',
  );
}
