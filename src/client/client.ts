import type {
  CallToolResult,
  Client as SdkClient,
  GetPromptResult,
  Prompt,
  ReadResourceResult,
  RequestOptions,
  Resource,
  ResourceTemplateType,
  Tool,
} from '@modelcontextprotocol/client';
import { checkDurations } from '../core/check-durations.ts';
import { systemClock } from '../core/clock.ts';
import { PosternError } from '../core/postern-error.ts';
import { randomId } from '../core/random.ts';
import { withSharedAccounts } from '../interaction/credentials/shared-accounts.ts';
import { accountAt, checkName, defaultAlias, placeAlias } from './account-alias.ts';
import type { Call, ClientOptions, Of, SharedClientOptions, Which } from './client-options.ts';
import type { Network } from '../http/network-options.ts';
import type { AuthCoordinator } from './coordinators/auth-coordinator.ts';
import type { LogoutResult } from './auth/auth-strategy.ts';
import type { AuthChallenge } from './auth/authorization-required-error.ts';
import type { Context } from './context.ts';
import { findOffering } from './find-offering.ts';
import { HealthMonitor, type HealthMonitorOptions } from './health-monitor.ts';
import { LocalAuthCoordinator } from './coordinators/local-auth-coordinator.ts';
import {
  parseServerConfig,
  parseServerConfigs,
  type ServerConfig,
  type ServerConfigs,
} from './server-config.ts';
import type { ConditionReport } from './session/session-state.ts';
import { logOutAccounts } from './log-out-accounts.ts';
import type { KeptAccount } from './kept-account.ts';
import { persistedStorage } from './persisted-storage.ts';
import { Session } from './session/session.ts';

const version = '0.1.0';

/**
 * One context's way to several MCP servers: one session each, made on use.
 *
 * A server that fails does not stop the others.
 */
export class Client implements AsyncDisposable {
  readonly context: Context<AuthCoordinator>;
  readonly coordinator: AuthCoordinator;
  #configs: ReadonlyMap<string, ServerConfig>;
  readonly #shared: SharedClientOptions;
  #sessions: Map<string, Session> | undefined;
  readonly #ownsCoordinator: boolean;
  readonly #monitors: HealthMonitor[] = [];
  #closed = false;

  /**
   * @param servers by name; a `Map` is taken as checked already, and shared.
   * @throws {PosternError} ERR_POSTERN_CONFIG_MISCONFIGURED
   */
  constructor(servers: ServerConfigs, options: ClientOptions = {}) {
    if (options.context !== undefined && options.contextId !== undefined) {
      throw new PosternError(
        'ERR_POSTERN_CONFIG_MISCONFIGURED',
        '"context" and "contextId" exclude each other',
      );
    }
    const coordinator = options.coordinator ?? options.context?.coordinator;
    if (options.context !== undefined && options.context.coordinator !== coordinator) {
      throw new PosternError(
        'ERR_POSTERN_CONFIG_MISCONFIGURED',
        'the "context" was made by another "coordinator"',
        { hint: 'Leave "coordinator" out: a context knows its own.' },
      );
    }
    if (options.persist !== undefined && coordinator !== undefined) {
      throw new PosternError(
        'ERR_POSTERN_CONFIG_MISCONFIGURED',
        '"persist" and "coordinator" exclude each other',
        {
          hint: 'Give the coordinator a "storage": openUserStorage(name) of postern/storage/local is the same.',
        },
      );
    }
    checkDurations({ connectTimeoutMs: options.connectTimeoutMs, livenessMs: options.livenessMs });
    this.#configs = parseServerConfigs(servers);
    this.#shared = options;
    this.#ownsCoordinator = coordinator === undefined;
    const { fetch, network, logger, clock, persist } = options;
    const storage = persist === undefined ? undefined : persistedStorage(persist);
    this.coordinator =
      coordinator ?? new LocalAuthCoordinator({ fetch, network, logger, clock, ...(storage && { storage }) });
    const contextId = options.contextId ?? (persist === undefined ? randomId() : 'default');
    this.context = options.context ?? this.coordinator.createContext(contextId, options.metadata);
  }

  /** The names of the configured servers. */
  get servers(): readonly string[] {
    return [...this.#configs.keys()];
  }

  /**
   * One server's session, made if there is none yet; that does no I/O.
   *
   * A context can have several accounts at a server, by alias: each has a session, a sign-in and a credential of its own.
   *
   * @example
   * const work = client.session('calendar', { alias: 'work', loginHint: 'al@work.example' });
   * await work.callTool('list_events', {});
   *
   * @param options `loginHint`: whom the issuer is to expect, of a session that is made by this call.
   * @throws {PosternError} ERR_POSTERN_CLIENT_SERVER_UNKNOWN
   * @throws {PosternError} ERR_POSTERN_CONFIG_MISCONFIGURED when an account cannot be named like that.
   */
  session(
    server: string,
    { alias = defaultAlias, loginHint }: Omit<Which, 'server'> & { loginHint?: string | undefined } = {},
  ): Session {
    const config = this.#configs.get(server);
    if (config === undefined) {
      throw new PosternError(
        'ERR_POSTERN_CLIENT_SERVER_UNKNOWN',
        `no server ${JSON.stringify(server)} is configured`,
        {
          hint: `Configured are: ${this.servers.join(', ') || 'none'}.`,
        },
      );
    }
    if (this.#closed) throw new PosternError('ERR_POSTERN_CLIENT_CLOSED', 'the client was closed');
    this.#sessions ??= new Map();
    checkName('an alias', alias);
    const key = placeAlias(server, alias);
    let session = this.#sessions.get(key);
    if (session === undefined) {
      const { onStatus } = this.#shared;
      session = new Session({
        context: this.context,
        coordinator: this.coordinator,
        server,
        alias,
        loginHint,
        config,
        clientInfo: this.#shared.clientInfo ?? { name: 'postern', version },
        handlers: this.#shared.handlers ?? {},
        versionNegotiation: this.#shared.versionNegotiation ?? 'auto',
        connectTimeoutMs: this.#shared.connectTimeoutMs ?? 30_000,
        livenessMs: this.#shared.livenessMs ?? 30_000,
        fetch: this.#shared.fetch ?? this.#networkOf(config).fetch,
        clock: this.#shared.clock ?? systemClock,
        logger: this.#shared.logger ?? this.coordinator.interactions.surroundings.logger,
        ...(onStatus && { onStatus: (name, status) => onStatus(name, status, this.context.id, alias) }),
      });
      this.#sessions.set(key, session);
    }
    return session;
  }

  /** Replaces the context's metadata, also in sign-ins that wait for their person. */
  async setMetadata(metadata: unknown): Promise<void> {
    this.context.metadata = metadata;
    await Promise.all([...(this.#sessions?.values() ?? [])].map((session) => session.renewChallenge()));
  }

  /** What is wrong with each server's connection, if anything, who acts next, and by which call. Does no I/O. */
  get conditions(): ReadonlyMap<string, ConditionReport> {
    return new Map([...this.sessions].map(([name, { condition }]) => [name, condition]));
  }

  /** Whether a call or a connect is under way. */
  get isBusy(): boolean {
    return [...(this.#sessions?.values() ?? [])].some((session) => session.isBusy);
  }

  /** Every server's session for the account `default`, made if need be. */
  get sessions(): ReadonlyMap<string, Session> {
    return new Map(this.servers.map((name) => [name, this.session(name)]));
  }

  addServer(name: string, config: ServerConfig): void {
    const parsed = parseServerConfig(name, config);
    if (this.#configs.has(name)) {
      throw new PosternError(
        'ERR_POSTERN_CONFIG_MISCONFIGURED',
        `there is a server ${JSON.stringify(name)} already`,
        {
          hint: 'removeServer() it first.',
        },
      );
    }
    this.#configs = new Map(this.#configs).set(name, parsed);
  }

  /**
   * Disconnects from a server and forgets it, and that its person declined. Its credentials stay; `logout()` first to end
   * them.
   */
  async removeServer(name: string): Promise<void> {
    const made = this.#made({ server: name });
    const sessions = this.#configs.has(name) && !this.#closed ? this.#all({ server: name }) : made;
    const configs = new Map(this.#configs);
    configs.delete(name);
    this.#configs = configs;
    for (const { server, alias } of made) this.#sessions?.delete(placeAlias(server, alias));
    await Promise.all(made.map((session) => session.disconnect()));
    // A store that is away keeps nobody from removing a server, and what was declined ends by itself.
    await Promise.all(sessions.map((session) => session.askAgain().catch(() => {})));
  }

  /**
   * Looks after the connections that were made: see {@link HealthMonitor}. Ends by its `stop()`, or with this client.
   *
   * @example
   * const monitor = client.monitor({ everyMs: 60_000 });
   */
  monitor(options?: HealthMonitorOptions): HealthMonitor {
    const monitor = new HealthMonitor(() => this.#made({}), this.#shared.clock ?? systemClock, options);
    this.#monitors.push(monitor);
    return monitor;
  }

  /** Connects to one server, or to all at once. Never rejects for a server's failure: see each session's status. */
  async connect(options: Which & { force?: boolean | undefined } = {}): Promise<void> {
    await Promise.all(this.#all(options).map((session) => session.connect(options)));
  }

  async disconnect(options: Which = {}): Promise<void> {
    await Promise.all(this.#made(options).map((session) => session.disconnect()));
  }

  /** The links a person has to open, from the store: also those that another process has made. */
  async getAuthChallenges(options: Which = {}): Promise<AuthChallenge[]> {
    const challenges = await Promise.all(this.#all(options).map((session) => session.getAuthChallenge()));
    return challenges.filter((challenge) => challenge !== undefined);
  }

  async requiresAuth(options: Which = {}): Promise<boolean> {
    return (await this.getAuthChallenges(options)).length > 0;
  }

  /** The tools of one server, or of every server that can be reached. */
  listTools(options: Which & { refresh?: boolean | undefined } = {}): Promise<Of<'tool', Tool>[]> {
    const refresh = options.refresh ?? false;
    return this.#gather(options, async (session) =>
      (await session.listTools({ refresh })).map((tool) => ({ tool, server: session.server })),
    );
  }

  /**
   * Calls a tool. Without `server`, the one server that offers it is found.
   *
   * @throws {AuthorizationRequiredError} when a person has to sign in first.
   * @throws {ToolNotFoundError} naming what was searched.
   * @throws {ToolAmbiguousError} when several servers offer it.
   */
  async callTool(
    name: string,
    args?: Record<string, unknown>,
    options: RequestOptions & Which = {},
  ): Promise<CallToolResult> {
    const { server, alias, ...rest } = options;
    const chosen = this.#chosen({ server, alias });
    const session = server === undefined ? await findOffering(name, chosen, rest.signal) : chosen[0]!;
    return session.callTool(name, args, rest);
  }

  listResources(options: Which = {}): Promise<Of<'resource', Resource>[]> {
    return this.#gather(options, async ({ server }, request) => {
      const { resources } = await request(async (client) =>
        offers(client, 'resources') ? client.listResources() : { resources: [] },
      );
      return resources.map((resource) => ({ resource, server }));
    });
  }

  listResourceTemplates(options: Which = {}): Promise<Of<'resourceTemplate', ResourceTemplateType>[]> {
    return this.#gather(options, async ({ server }, request) => {
      const { resourceTemplates } = await request(async (client) =>
        offers(client, 'resources') ? client.listResourceTemplates() : { resourceTemplates: [] },
      );
      return resourceTemplates.map((resourceTemplate) => ({ resourceTemplate, server }));
    });
  }

  /** Reads a resource. A URI belongs to the server that offers it, so the server is named. */
  readResource(uri: string, options: Call): Promise<ReadResourceResult> {
    const { server, alias, ...rest } = options;
    const key = (): string => JSON.stringify({ uri });
    return this.session(server, { alias }).ask((client, own) => client.readResource({ uri }, own), rest, key);
  }

  listPrompts(options: Which = {}): Promise<Of<'prompt', Prompt>[]> {
    return this.#gather(options, async ({ server }, request) => {
      const { prompts } = await request(async (client) =>
        offers(client, 'prompts') ? client.listPrompts() : { prompts: [] },
      );
      return prompts.map((prompt) => ({ prompt, server }));
    });
  }

  getPrompt(name: string, args: Record<string, string> | undefined, options: Call): Promise<GetPromptResult> {
    const { server, alias, ...rest } = options;
    const prompt = { name, ...(args && { arguments: args }) };
    const key = (): string => JSON.stringify({ prompt });
    return this.session(server, { alias }).ask((client, own) => client.getPrompt(prompt, own), rest, key);
  }

  /** What this context's persons have given, account by account, without the credentials themselves. From the store. */
  async credentials(options: Which = {}): Promise<KeptAccount[]> {
    const { server, alias } = options;
    const sessions = await this.#kept({ server });
    const found = await Promise.all(sessions.map((session) => session.findKept()));
    const kept = found.filter((one) => one !== undefined);
    const shared = withSharedAccounts(kept, (one) => one.server);
    return alias === undefined ? shared : shared.filter((one) => one.alias === alias);
  }

  /**
   * Forgets this context's credentials for a server, or for all, here and at their authorization servers: of one account, or
   * of every account it has there.
   */
  async logout(options: Which = {}): Promise<Record<string, LogoutResult>> {
    const kept = new Set(await this.#kept(options));
    return logOutAccounts([...new Set([...this.#all(options), ...kept])], kept);
  }

  /** Disconnects, and ends the coordinator if the client made it. */
  async close(): Promise<void> {
    await Promise.all(this.#monitors.map((monitor) => monitor.stop()));
    await this.disconnect();
    this.#closed = true;
    if (!this.#ownsCoordinator) return;
    await this.coordinator.close();
    await this.coordinator.storage.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** The coordinator's, and over it what was said for this client, and for one server. */
  #networkOf(config: ServerConfig): Network {
    const own = [
      this.#ownsCoordinator ? undefined : this.#shared.network,
      'network' in config ? config.network : undefined,
    ];
    const { network } = this.coordinator.interactions.surroundings;
    return own.reduce<Network>(
      (over, options) => (options === undefined ? over : over.with(options)),
      network,
    );
  }

  /** One account's sessions: at one server, or at each. */
  #chosen({ server, alias }: Which): Session[] {
    const names = server === undefined ? this.servers : [server];
    return names.map((name) => this.session(name, { alias }));
  }

  #made({ server, alias }: Which): Session[] {
    return [...(this.#sessions?.values() ?? [])].filter(
      (session) =>
        (server === undefined || session.server === server) &&
        (alias === undefined || session.alias === alias),
    );
  }

  /** Those of one account; or the first of each server, with those that were made for others. */
  #all(which: Which): Session[] {
    return [...new Set([...this.#chosen(which), ...this.#made(which)])];
  }

  /** Those for which something is stored, also by other processes. */
  async #kept({ server, alias }: Which): Promise<Session[]> {
    const kept = await this.coordinator.interactions.list(this.context.namespace);
    const accounts = new Map(kept.map((one) => [one.alias, accountAt(one.alias)]));
    return [...accounts.values()]
      .filter((at) => this.#configs.has(at.server))
      .filter((at) => at.server === (server ?? at.server) && at.alias === (alias ?? at.alias))
      .map((at) => this.session(at.server, at));
  }

  /** From one server, whose failure is the caller's; or from all, of which those that fail are left out. */
  async #gather<T>(
    which: Which,
    from: (session: Session, request: Session['request']) => Promise<T[]>,
  ): Promise<T[]> {
    const asking = this.#chosen(which).map((session) => from(session, (work) => session.request(work)));
    if (which.server !== undefined) return (await Promise.all(asking)).flat();
    const answers = await Promise.allSettled(asking);
    return answers.flatMap((answer) => (answer.status === 'fulfilled' ? answer.value : []));
  }
}

/** Whether there is anything to list: the SDK answers the others itself, and prints that to the output of whoever hosts it. */
function offers(client: SdkClient, what: 'resources' | 'prompts'): boolean {
  return client.getServerCapabilities()?.[what] !== undefined;
}
