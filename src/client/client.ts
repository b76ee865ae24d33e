import type {
  CallToolResult,
  Client as SdkClient,
  GetPromptResult,
  Implementation,
  Prompt,
  ReadResourceResult,
  RequestOptions,
  Resource,
  ResourceTemplateType,
  Tool,
} from '@modelcontextprotocol/client';
import { checkDurations } from '../core/check-durations.ts';
import { systemClock, type Clock } from '../core/clock.ts';
import { silentLogger, type Logger } from '../core/logger.ts';
import { PosternError } from '../core/postern-error.ts';
import { randomId } from '../core/random.ts';
import type { AuthCoordinator } from './coordinators/auth-coordinator.ts';
import type { LogoutResult } from './auth/auth-strategy.ts';
import type { AuthChallenge } from './auth/authorization-required-error.ts';
import type { ClientHandlers } from './session/client-handlers.ts';
import type { Context } from './context.ts';
import { LocalAuthCoordinator } from './coordinators/local-auth-coordinator.ts';
import {
  parseServerConfig,
  parseServerConfigs,
  type ServerConfig,
  type ServerConfigs,
} from './server-config.ts';
import type { SessionStatus } from './session/session-status.ts';
import { Session } from './session/session.ts';
import { ToolAmbiguousError, ToolNotFoundError } from './tool-errors.ts';

/** What all clients of one application share. */
export interface SharedClientOptions {
  readonly clientInfo?: Implementation | undefined;
  readonly handlers?: ClientHandlers | undefined;
  /** `auto` speaks 2026-07-28 where the server does, and 2025-11-25 elsewhere. Default `auto`. */
  readonly versionNegotiation?: 'auto' | 'legacy' | { readonly pin: string } | undefined;
  /** The deadline of a connect, but for a person's part. Default 30,000 ms. */
  readonly connectTimeoutMs?: number | undefined;
  /** For every request to MCP servers and authorization servers. Default: the global `fetch`. */
  readonly fetch?: typeof fetch | undefined;
  readonly clock?: Clock | undefined;
  readonly logger?: Logger | undefined;
  readonly onStatus?: ((server: string, status: SessionStatus, contextId: string) => void) | undefined;
}

export interface ClientOptions extends SharedClientOptions {
  /** Default: a {@link LocalAuthCoordinator} on memory. */
  readonly coordinator?: AuthCoordinator | undefined;
  /** Whom the client acts for. Default: a new random id. Excludes `context`. */
  readonly contextId?: string | undefined;
  readonly context?: Context | undefined;
  readonly metadata?: unknown;
}

/** Something a server offers, and which server. */
export type Of<K extends string, T> = { readonly [P in K]: T } & { readonly server: string };

const version = '0.1.0';

/**
 * One context's way to several MCP servers: one session each, made on use.
 *
 * A server that fails does not stop the others.
 */
export class Client implements AsyncDisposable {
  readonly context: Context;
  readonly coordinator: AuthCoordinator;
  #configs: ReadonlyMap<string, ServerConfig>;
  readonly #shared: SharedClientOptions;
  #sessions: Map<string, Session> | undefined;
  readonly #ownsCoordinator: boolean;
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
    if (options.context !== undefined && options.coordinator === undefined) {
      throw new PosternError(
        'ERR_POSTERN_CONFIG_MISCONFIGURED',
        '"context" needs the "coordinator" that made it',
      );
    }
    checkDurations({ connectTimeoutMs: options.connectTimeoutMs });
    this.#configs = parseServerConfigs(servers);
    this.#shared = options;
    this.#ownsCoordinator = options.coordinator === undefined;
    this.coordinator =
      options.coordinator ??
      new LocalAuthCoordinator({ fetch: options.fetch, logger: options.logger, clock: options.clock });
    this.context =
      options.context ?? this.coordinator.createContext(options.contextId ?? randomId(), options.metadata);
  }

  /** The names of the configured servers. */
  get servers(): readonly string[] {
    return [...this.#configs.keys()];
  }

  /**
   * One server's session, made if there is none yet; that does no I/O.
   *
   * @throws {PosternError} ERR_POSTERN_CLIENT_SERVER_UNKNOWN
   */
  session(server: string): Session {
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
    let session = this.#sessions.get(server);
    if (session === undefined) {
      const { onStatus } = this.#shared;
      session = new Session({
        context: this.context,
        coordinator: this.coordinator,
        server,
        config,
        clientInfo: this.#shared.clientInfo ?? { name: 'postern', version },
        handlers: this.#shared.handlers ?? {},
        versionNegotiation: this.#shared.versionNegotiation ?? 'auto',
        connectTimeoutMs: this.#shared.connectTimeoutMs ?? 30_000,
        fetch: this.#shared.fetch ?? globalThis.fetch,
        clock: this.#shared.clock ?? systemClock,
        logger: this.#shared.logger ?? silentLogger,
        ...(onStatus && { onStatus: (name, status) => onStatus(name, status, this.context.id) }),
      });
      this.#sessions.set(server, session);
    }
    return session;
  }

  /** Replaces the context's metadata, also in sign-ins that wait for their person. */
  async setMetadata(metadata: unknown): Promise<void> {
    this.context.metadata = metadata;
    await Promise.all([...(this.#sessions?.values() ?? [])].map((session) => session.renewChallenge()));
  }

  /** Whether a call or a connect is under way. */
  get isBusy(): boolean {
    return [...(this.#sessions?.values() ?? [])].some((session) => session.isBusy);
  }

  /** Every session, made if need be. */
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
    const made = this.#sessions?.get(name);
    const session = made ?? (this.#configs.has(name) && !this.#closed ? this.session(name) : undefined);
    const configs = new Map(this.#configs);
    configs.delete(name);
    this.#configs = configs;
    this.#sessions?.delete(name);
    await made?.disconnect();
    // A store that is away keeps nobody from removing a server, and what was declined ends by itself.
    await session?.askAgain().catch(() => {});
  }

  /** Connects to one server, or to all at once. Never rejects for a server's failure: see each session's status. */
  async connect(options: { server?: string | undefined; force?: boolean | undefined } = {}): Promise<void> {
    await Promise.all(this.#chosen(options.server).map((session) => session.connect(options)));
  }

  async disconnect(options: { server?: string | undefined } = {}): Promise<void> {
    const sessions = [...(this.#sessions?.values() ?? [])];
    await Promise.all(
      sessions
        .filter((session) => options.server === undefined || session.server === options.server)
        .map((session) => session.disconnect()),
    );
  }

  /** The links a person has to open, from the store: also those that another process has made. */
  async getAuthChallenges(options: { server?: string | undefined } = {}): Promise<AuthChallenge[]> {
    const challenges = await Promise.all(
      this.#chosen(options.server).map((session) => session.getAuthChallenge()),
    );
    return challenges.filter((challenge) => challenge !== undefined);
  }

  async requiresAuth(options: { server?: string | undefined } = {}): Promise<boolean> {
    return (await this.getAuthChallenges(options)).length > 0;
  }

  /** The tools of one server, or of every server that can be reached. */
  listTools(
    options: { server?: string | undefined; refresh?: boolean | undefined } = {},
  ): Promise<Of<'tool', Tool>[]> {
    const refresh = options.refresh ?? false;
    return this.#gather(options.server, async (session) =>
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
    options: RequestOptions & { server?: string | undefined } = {},
  ): Promise<CallToolResult> {
    const { server, ...rest } = options;
    const session = server === undefined ? await this.#offering(name, rest.signal) : this.session(server);
    return session.callTool(name, args, rest);
  }

  listResources(options: { server?: string | undefined } = {}): Promise<Of<'resource', Resource>[]> {
    return this.#gather(options.server, async ({ server }, request) => {
      const { resources } = await request(async (client) =>
        offers(client, 'resources') ? client.listResources() : { resources: [] },
      );
      return resources.map((resource) => ({ resource, server }));
    });
  }

  listResourceTemplates(
    options: { server?: string | undefined } = {},
  ): Promise<Of<'resourceTemplate', ResourceTemplateType>[]> {
    return this.#gather(options.server, async ({ server }, request) => {
      const { resourceTemplates } = await request(async (client) =>
        offers(client, 'resources') ? client.listResourceTemplates() : { resourceTemplates: [] },
      );
      return resourceTemplates.map((resourceTemplate) => ({ resourceTemplate, server }));
    });
  }

  /** Reads a resource. A URI belongs to the server that offers it, so the server is named. */
  readResource(uri: string, options: RequestOptions & { server: string }): Promise<ReadResourceResult> {
    const { server, ...rest } = options;
    const key = JSON.stringify({ uri });
    return this.session(server).ask((client, own) => client.readResource({ uri }, own), rest, key);
  }

  listPrompts(options: { server?: string | undefined } = {}): Promise<Of<'prompt', Prompt>[]> {
    return this.#gather(options.server, async ({ server }, request) => {
      const { prompts } = await request(async (client) =>
        offers(client, 'prompts') ? client.listPrompts() : { prompts: [] },
      );
      return prompts.map((prompt) => ({ prompt, server }));
    });
  }

  getPrompt(
    name: string,
    args: Record<string, string> | undefined,
    options: RequestOptions & { server: string },
  ): Promise<GetPromptResult> {
    const { server, ...rest } = options;
    const prompt = { name, ...(args && { arguments: args }) };
    const key = JSON.stringify({ prompt });
    return this.session(server).ask((client, own) => client.getPrompt(prompt, own), rest, key);
  }

  /** Forgets this context's credentials for a server, or for all, here and at their authorization servers. */
  async logout(options: { server?: string | undefined } = {}): Promise<Record<string, LogoutResult>> {
    const results = await Promise.all(
      this.#chosen(options.server).map(async (session) => [session.server, await session.logout()] as const),
    );
    return Object.fromEntries(results);
  }

  /** Disconnects, and ends the coordinator if the client made it. */
  async close(): Promise<void> {
    await this.disconnect();
    this.#closed = true;
    if (this.#ownsCoordinator) await this.coordinator.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #chosen(server: string | undefined): Session[] {
    return server === undefined ? this.servers.map((name) => this.session(name)) : [this.session(server)];
  }

  /** From one server, whose failure is the caller's; or from all, of which those that fail are left out. */
  async #gather<T>(
    server: string | undefined,
    from: (session: Session, request: Session['request']) => Promise<T[]>,
  ): Promise<T[]> {
    const ask = (session: Session): Promise<T[]> => from(session, (work) => session.request(work));
    if (server !== undefined) return ask(this.session(server));
    const answers = await Promise.allSettled(this.#chosen(undefined).map(ask));
    return answers.flatMap((answer) => (answer.status === 'fulfilled' ? answer.value : []));
  }

  /** The one server that offers a tool. Lists that are not fresh are read again before it is said that none does. */
  async #offering(tool: string, signal: AbortSignal | undefined): Promise<Session> {
    for (const refresh of [false, true]) {
      const searched = await Promise.all(
        this.#chosen(undefined).map((session) => search(session, { refresh, signal })),
      );
      const offering = searched.filter(({ names }) => names.includes(tool)).map(({ session }) => session);
      const [found] = offering;
      if (found !== undefined && offering.length === 1) return found;
      if (found !== undefined)
        throw new ToolAmbiguousError(
          tool,
          offering.map(({ server }) => server),
        );
      // Not on the servers that answered; it may be on one that waits for a person.
      const waiting = searched.find(({ session }) => session.requiresUserAction);
      if (waiting?.error !== undefined) throw waiting.error;
      const [only] = searched;
      if (searched.length === 1 && only?.error !== undefined) throw only.error;
      if (refresh) {
        const statuses = Object.fromEntries(searched.map(({ session }) => [session.server, session.status]));
        throw new ToolNotFoundError(
          tool,
          statuses,
          searched.flatMap(({ names }) => names),
        );
      }
    }
    throw new ToolNotFoundError(tool, {}, []);
  }
}

async function search(
  session: Session,
  options: { refresh: boolean; signal: AbortSignal | undefined },
): Promise<{ session: Session; names: readonly string[]; error?: unknown }> {
  try {
    return { session, names: (await session.listTools(options)).map(({ name }) => name) };
  } catch (error) {
    options.signal?.throwIfAborted();
    return { session, names: [], error };
  }
}

/** Whether there is anything to list: the SDK answers the others itself, and prints that to the output of whoever hosts it. */
function offers(client: SdkClient, what: 'resources' | 'prompts'): boolean {
  return client.getServerCapabilities()?.[what] !== undefined;
}
