import type { ServerContext } from '@modelcontextprotocol/server';
import { systemClock, type Clock } from '../core/clock.ts';
import { silentLogger, type Logger } from '../core/logger.ts';
import { PosternError } from '../core/postern-error.ts';
import { systemRandom, type RandomBytes } from '../core/random.ts';
import type { Caller, NamespaceProvider } from '../namespace/namespace-provider.ts';
import type { Namespace } from '../namespace/namespace.ts';
import type { Pending } from '../pending/pending.ts';
import { Pendings } from '../pending/pendings.ts';
import type { StorageBackend } from '../storage/contract.ts';
import { checkPublicUrl } from '../web/public-url.ts';
import type { VerifyUser } from '../web/verify-user.ts';
import type { Principal } from './caller.ts';
import { Credentials } from './credentials.ts';
import type { Flow, FlowPendingData, NamedFlow } from './flow.ts';
import { InteractionPages } from './interaction-pages.ts';
import { PendingManager } from './pending-manager.ts';
import { Prompts } from './prompt.ts';
import { RequestStates } from './request-state.ts';
import { createTool, verifyRequestState, type ToolCallback, type ToolOptions } from './tool.ts';
import type { ToolHandler } from './tool-run.ts';

/** As an option: let whoever holds a link finish it. Anybody can then put their account into somebody else's namespace. */
export const skipUserVerification: unique symbol = Symbol('skipUserVerification');

export interface OobOptions {
  /** Sealed: `encrypted(…)`, or memory. */
  readonly storage: StorageBackend;
  readonly namespaces: NamespaceProvider;
  /** Where `fetch` is reachable for browsers, path included. */
  readonly publicUrl: string;
  /** Who is at the browser. Required, unless {@link skipUserVerification} says otherwise. */
  readonly verifyUser?: VerifyUser | undefined;
  /** What `verifyUser` must answer for a namespace. Default: its id. */
  readonly initiatorOf?: ((namespace: Namespace, caller: Caller) => string) | undefined;
  /** Who makes a tool call. Default: the token that the MCP server has verified, and as claims what its verifier put into `extra`. */
  readonly callerOf?: ((context: ServerContext) => Caller) | undefined;
  /** The link to a page of your own, for `pendings`. Default: `<publicUrl>/pending/<id>`, which `fetch` does not answer. */
  readonly pendingUrl?: ((id: string) => string) | undefined;
  readonly clock?: Clock | undefined;
  readonly random?: RandomBytes | undefined;
  readonly logger?: Logger | undefined;
  /** How long a person who declined is not asked again by itself. Default 60,000 ms. */
  readonly declineCooldownMs?: number | undefined;
  /** How many interactions may wait for one namespace at once. Default 20. */
  readonly maxPendings?: number | undefined;
  /** After this long without a sign of life, the work of a flow's background process is taken over. Default 15,000 ms. */
  readonly watchLeaseMs?: number | undefined;
  /** Dangerous. See {@link skipUserVerification}. */
  readonly [skipUserVerification]?: boolean | undefined;
}

/**
 * Out-of-band interactions of an MCP server: what must come from a person and never pass the model.
 *
 * Mount `fetch` at `publicUrl`. Any process of the server can answer any page.
 */
export class Oob implements AsyncDisposable {
  readonly credentials: Credentials;
  /** Pendings for pages of one's own, in the same store. */
  readonly pendings: PendingManager;
  readonly storage: StorageBackend;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly publicUrl: string;
  /** Whom a tool call is made for: never taken from its arguments. */
  readonly callerOf: (context: ServerContext) => Caller;
  readonly requestStates: RequestStates;
  readonly prompts: Prompts;
  /**
   * For the option `requestState` of an `McpServer`: a request state that was altered, has expired, was used, or is
   * somebody else's is then refused with the JSON-RPC error -32602. Without it, the tool refuses it with an `isError` result.
   */
  readonly requestState: { readonly verify: (state: string, context: ServerContext) => Promise<unknown> };
  readonly #pendings: Pendings<FlowPendingData>;
  readonly #flows = new Map<string, Flow>();
  readonly #namespaces: NamespaceProvider;
  readonly #initiatorOf: (namespace: Namespace, caller: Caller) => string;
  readonly #pages: InteractionPages;

  /** @throws {PosternError} ERR_POSTERN_CONFIG_MISCONFIGURED */
  constructor(options: OobOptions) {
    this.publicUrl = checkPublicUrl(options.publicUrl);
    if (options.verifyUser === undefined && options[skipUserVerification] !== true) {
      throw new PosternError('ERR_POSTERN_CONFIG_MISCONFIGURED', 'out-of-band pages need "verifyUser"', {
        hint: 'Pass a function that tells from a request who is signed in to your application.',
      });
    }
    if (options.storage?.capabilities?.atRest === 'plain') {
      throw new PosternError(
        'ERR_POSTERN_CONFIG_MISCONFIGURED',
        'the storage keeps secrets readable at rest',
        {
          hint: 'Wrap it: encrypted(storage, keyring).',
        },
      );
    }
    const { storage, clock = systemClock, logger = silentLogger, random } = options;
    this.storage = storage;
    this.clock = clock;
    this.logger = logger;
    this.#namespaces = options.namespaces;
    this.#initiatorOf = options.initiatorOf ?? ((namespace) => namespace.id);
    const flowNamed = (name: string): Flow | undefined => this.#flows.get(name);
    const linkFor = (id: string): string => `${this.publicUrl}/connect/${id}`;
    const { namespaces, pendingUrl = (id: string): string => `${this.publicUrl}/pending/${id}` } = options;
    this.pendings = new PendingManager({ storage, namespaces, callbackUrl: pendingUrl, clock, random });
    this.#pendings = new Pendings<FlowPendingData>({ storage, linkFor, clock, random });
    this.credentials = new Credentials({
      storage,
      pendings: this.#pendings,
      flowNamed,
      callbackUrl: `${this.publicUrl}/callback`,
      clock,
      logger,
      declineCooldownMs: options.declineCooldownMs ?? 60_000,
      maxPendings: options.maxPendings ?? 20,
      watchLeaseMs: options.watchLeaseMs ?? 15_000,
    });
    this.#pages = new InteractionPages({
      pendings: this.#pendings,
      credentials: this.credentials,
      flowNamed,
      verifyUser: options.verifyUser,
      publicUrl: this.publicUrl,
      clock,
      random: random ?? systemRandom,
      logger,
    });
    this.callerOf = options.callerOf ?? callerOfToken;
    this.requestStates = new RequestStates(storage, clock);
    this.prompts = new Prompts({ storage, credentials: this.credentials, clock, logger });
    this.requestState = { verify: (state, context) => verifyRequestState(this, state, context) };
  }

  /** Names a flow. Every process of the server registers the same, before it serves pages. */
  flow<C>(name: string, flow: Flow<C>): NamedFlow<C> {
    if (this.#flows.has(name)) {
      throw new PosternError(
        'ERR_POSTERN_CONFIG_MISCONFIGURED',
        `there is a flow ${JSON.stringify(name)} already`,
      );
    }
    this.#flows.set(name, flow);
    return { name, flow };
  }

  /**
   * The callback of a tool that may need something of a person, for `McpServer.registerTool`.
   *
   * When the handler asks for a credential that is not there, the person is asked the way their client can take it,
   * and the handler is called again, from its start, when they are done. A client of the revision 2026-07-28 is told
   * that input is required, with a link; its retry waits for a bounded time. Within a session of an older one, the link
   * is sent to it, and the call waits for a bounded time. An older one without a session gets the error -32042. One
   * that cannot show links gets an `isError` result at once, with the link in it and as `structuredContent.pending`.
   *
   * A retry runs the handler at most once, however often it is sent. Arguments count as the tool's schema has parsed
   * them: a default that changes from call to call makes another call of each retry.
   */
  tool<Args>(handler: ToolHandler<Args>, options?: ToolOptions): ToolCallback<Args> {
    return createTool(this, handler, options);
  }

  /** Whom a caller is, and who may finish what is asked for them. @throws {PosternError} ERR_POSTERN_NAMESPACE_UNVERIFIED */
  async principal(caller: Caller): Promise<Principal> {
    const namespace = await this.#namespaces.resolve(caller);
    return { namespace, initiator: this.#initiatorOf(namespace, caller) };
  }

  /** The pending of an id, for those who wait for it. */
  async findPending(id: string): Promise<Pending<FlowPendingData> | undefined> {
    return (await this.#pendings.locate(id))?.get(id);
  }

  /** Answers `/connect/<id>` and `/callback`. A property, so that it can be handed to a framework as it is. */
  readonly fetch = (request: Request): Promise<Response> => this.#pages.fetch(request);

  /** Stops background work here; what is pending goes on in other processes. */
  async close(): Promise<void> {
    await this.prompts.close();
    await this.credentials.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}

function callerOfToken({ http }: ServerContext): Caller {
  return { token: http?.authInfo?.token, claims: http?.authInfo?.extra };
}

/** The server's side of out-of-band interactions. @throws {PosternError} ERR_POSTERN_CONFIG_MISCONFIGURED */
export function createOob(options: OobOptions): Oob {
  return new Oob(options);
}
