import type {
  ReadResourceCallback,
  ReadResourceTemplateCallback,
  ServerContext,
} from '@modelcontextprotocol/server';
import type { Clock } from '../core/clock.ts';
import type { Logger } from '../core/logger.ts';
import { PosternError } from '../core/postern-error.ts';
import type { RandomBytes } from '../core/random.ts';
import type { Flow, InteractionData, NamedFlow } from '../interaction/flow.ts';
import { assertStorage } from '../interaction/assert-storage.ts';
import type { NetworkOptions } from '../http/network-options.ts';
import { guarded } from '../http/network.ts';
import { deployment, type DeploymentOptions } from '../interaction/gates/deployment.ts';
import type { Gate } from '../interaction/gates/gate.ts';
import { inboxUrlOf } from '../interaction/inbox/inbox-url.ts';
import { Interactions } from '../interaction/interactions.ts';
import type { Caller, NamespaceProvider } from '../namespace/namespace-provider.ts';
import { assertUsableId, type Namespace } from '../namespace/namespace.ts';
import type { Pending } from '../pending/pending.ts';
import type { ResumePolicy } from '../resume/continuations.ts';
import type { StorageBackend } from '../storage/contract.ts';
import { createSurroundings, type Surroundings } from '../sync/surroundings.ts';
import { Credentials } from './credentials.ts';
import { ParkedRequests, type RequestParking, type ResumedRequest } from './parked-requests.ts';
import { PendingManager } from './pending-manager.ts';
import type { Principal } from './principal.ts';
import { Prompts } from './prompt.ts';
import { RequestStates } from './request-state.ts';
import { verifyRequestState, type CallServices, type ToolOptions } from './call.ts';
import {
  createPrompt,
  createResource,
  createTool,
  type PromptCallback,
  type PromptHandler,
  type ResourceHandler,
  type ResourceTemplateHandler,
  type ToolCallback,
  type ToolHandler,
} from './tool.ts';
import { wakeParked } from './wake-parked.ts';

/** What the calls of its tools are answered with: for tools of our own. */
export let callServicesOf: (oob: Oob) => CallServices;

export interface OobOptions extends Partial<DeploymentOptions> {
  /** Sealed: `encrypted(…)`, or memory. */
  readonly storage: StorageBackend;
  readonly namespaces: NamespaceProvider;
  /** Where links live, in place of a deployment's `publicUrl` and `verifyUser`: `thisMachine()` for a server on stdio. */
  readonly gate?: ((surroundings: Surroundings) => Gate) | undefined;
  /** What `verifyUser` must answer for a namespace. Default: its id. */
  readonly initiatorOf?: ((namespace: Namespace, caller: Caller) => string) | undefined;
  /** Who makes a tool call. Default: the token that the MCP server has verified, and as claims what its verifier put into `extra`. */
  readonly callerOf?: ((context: ServerContext) => Caller) | undefined;
  /** The link to a page of your own, for `pendings`. Default: `<publicUrl>/pending/<id>`, which `fetch` does not answer. */
  readonly linkFor?: ((id: string) => string) | undefined;
  /** As of every face. Requests to third parties leave by the `http` of their flows: `createOAuthHttp({ network })`. */
  readonly network?: NetworkOptions | undefined;
  readonly clock?: Clock | undefined;
  readonly random?: RandomBytes | undefined;
  readonly logger?: Logger | undefined;
  /** How long a person who declined is not asked again by itself. Default 60,000 ms. */
  readonly declineCooldownMs?: number | undefined;
  /** How many interactions may wait for one namespace at once. Default 20. */
  readonly maxPendings?: number | undefined;
  /** How long a process has for one renewal or exchange; more than twice what a flow's request may take. Default 30,000 ms. */
  readonly leaseMs?: number | undefined;
  /** How often, and how patiently, requests that were parked by {@link Oob.continuation} are tried. */
  readonly resume?: ResumePolicy | undefined;
  /** After this long without a sign of life, the work of a flow's background process is taken over. Default 15,000 ms. */
  readonly watchLeaseMs?: number | undefined;
}

/**
 * Out-of-band interactions of an MCP server: what must come from a person and never pass the model.
 *
 * Mount `fetch` at `publicUrl`. Any process of the server can answer any page. `D` is what `pendings` carry.
 */
export class Oob<D = unknown> implements AsyncDisposable {
  readonly credentials: Credentials;
  readonly interactions: Interactions;
  /** Pendings for pages of one's own, in the same store. */
  readonly pendings: PendingManager<D>;
  readonly storage: StorageBackend;
  /**
   * For the option `requestState` of an `McpServer`: a request state that was altered, has expired, was used, or is
   * somebody else's is then refused with the JSON-RPC error -32602. Without it, the tool refuses it with an `isError` result.
   */
  readonly requestState: { readonly verify: (state: string, context: ServerContext) => Promise<unknown> };
  readonly #calls: CallServices;
  readonly #prompts: Prompts;
  readonly #namespaces: NamespaceProvider;
  readonly #parked: ParkedRequests;
  readonly #initiatorOf: (namespace: Namespace, caller: Caller) => string;

  static {
    callServicesOf = (oob) => oob.#calls;
  }

  /** @throws {PosternError} ERR_POSTERN_CONFIG_MISCONFIGURED */
  constructor(options: OobOptions) {
    assertStorage(options?.storage);
    if (typeof options.namespaces?.resolve !== 'function') throw withoutNamespaces();
    const { network } = options;
    const isDeployed = options.gate === undefined;
    const surroundings = createSurroundings({ ...options, network: isDeployed ? guarded(network) : network });
    const { storage, logger } = surroundings;
    const gate =
      options.gate?.(surroundings) ??
      deployment({ ...options, publicUrl: options.publicUrl ?? '', clientName: undefined }, logger);
    const { namespaces, linkFor = (id: string): string => `${gate.baseUrl}/pending/${id}` } = options;
    this.storage = storage;
    this.#namespaces = namespaces;
    this.#initiatorOf = options.initiatorOf ?? ((namespace) => namespace.id);
    this.interactions = new Interactions({
      surroundings,
      gate,
      declineCooldownMs: options.declineCooldownMs,
      maxPendings: options.maxPendings ?? 20,
      leaseMs: options.leaseMs,
      watchLeaseMs: options.watchLeaseMs,
    });
    this.interactions.onEnd(wakeParked(surroundings));
    this.#parked = new ParkedRequests(surroundings, this.interactions.pendings, options.resume);
    this.credentials = new Credentials(this.interactions);
    this.pendings = new PendingManager<D>({ ...surroundings, namespaces, linkFor });
    this.#prompts = new Prompts(this.interactions);
    const callerOf = options.callerOf ?? callerOfToken;
    const calls: CallServices = {
      credentials: this.credentials,
      interactions: this.interactions,
      prompts: this.#prompts,
      requestStates: new RequestStates(surroundings),
      principalOf: (context) => this.principal(callerOf(context)),
    };
    this.#calls = calls;
    this.requestState = { verify: (state, context) => verifyRequestState(calls, state, context) };
  }

  /** Names a flow. Every process of the server registers the same, before it serves pages. */
  flow<C, S>(name: string, flow: Flow<C, S>): NamedFlow<C, S> {
    return this.interactions.flow(name, flow);
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
    return createTool(this.#calls, handler, options);
  }

  /** The callback of a prompt, for `McpServer.registerPrompt`. Its handler gets what one of {@link tool} gets; what a tool answers in a result is an error here. */
  prompt<Args>(handler: PromptHandler<Args>, options?: ToolOptions): PromptCallback<Args> {
    return createPrompt(this.#calls, handler, options);
  }

  /** The callback of a resource or a template of resources, for `McpServer.registerResource`. As {@link prompt}. */
  resource(handler: ResourceHandler, options?: ToolOptions): ReadResourceCallback;
  resource(handler: ResourceTemplateHandler, options?: ToolOptions): ReadResourceTemplateCallback;
  resource(
    handler: ResourceHandler | ResourceTemplateHandler,
    options?: ToolOptions,
  ): ReadResourceCallback & ReadResourceTemplateCallback {
    return createResource(this.#calls, handler, options);
  }

  /**
   * Whom a caller is, and who may finish what is asked for them.
   *
   * @throws {PosternError} ERR_POSTERN_NAMESPACE_UNVERIFIED; ERR_POSTERN_NAMESPACE_INVALID when `initiatorOf` names nobody.
   */
  async principal(caller: Caller): Promise<Principal> {
    const namespace = await this.#namespaces.resolve(caller);
    const initiator: unknown = this.#initiatorOf(namespace, caller);
    assertUsableId('initiator', initiator);
    return { namespace, initiator };
  }

  /** The pending of an id, for those who wait for it. */
  async findPending(id: string): Promise<Pending<InteractionData> | undefined> {
    return (await this.interactions.pendings.locate(id))?.get(id);
  }

  /**
   * The page where each of its people sees all that waits for them, and what is connected as whom. `undefined` where nothing
   * tells people apart.
   */
  get inboxUrl(): string | undefined {
    return inboxUrlOf(this.interactions.gate);
  }

  /**
   * Names a kind of request that can be parked until a person is done, and what is done with it then: a job that outlives
   * its call, an answer that goes out by another way. What is parked outlives its process.
   *
   * `resume` runs once their person has done what it waits for, in whichever process has been {@link start}ed; what it
   * throws because it needs them once more parks it again. `abandon` is told that it will not go on: they declined, took too
   * long, or `resume` failed as often as the policy allows. Register the same names in every process.
   *
   * @example
   * const report = oob.continuation<{ to: string }>('report', async ({ principal, payload }) => {
   *   const { password } = await oob.credentials.acquire(principal, { resource: 'db.example', flow: login });
   *   await send(payload.to, await query(password));
   * });
   * await report.park(error, { to: 'al@example.com' });
   */
  continuation<P>(
    name: string,
    resume: (request: ResumedRequest<P>) => Promise<void>,
    options: { abandon?: (request: ResumedRequest<P>, code: string) => Promise<void> } = {},
  ): RequestParking<P> {
    return this.#parked.register(name, resume, options.abandon);
  }

  /** Starts resuming parked requests in this process. `close()` ends it. */
  start(): Promise<void> {
    return this.#parked.start();
  }

  /** Resumes what is due and returns how much that was: for serverless, from a timer. */
  runDue(): Promise<number> {
    return this.#parked.runDue();
  }

  /** Answers `/connect/<id>`, `/callback` and `/inbox`. A property, so that it can be handed to a framework as it is. */
  readonly fetch = (request: Request): Promise<Response> => this.interactions.fetch(request);

  /**
   * Stops background work here; what is pending goes on in other processes.
   *
   * Calls that wait for a person are answered at once, with what their client comes back with: the same request state, or the
   * link. So close it as soon as the server takes no new connections, and before its requests are waited for.
   */
  async close(): Promise<void> {
    this.interactions.leaving.abort();
    await this.#parked.stop();
    await this.#prompts.close();
    await this.interactions.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}

function callerOfToken({ http }: ServerContext): Caller {
  return { token: http?.authInfo?.token, claims: http?.authInfo?.extra };
}

function withoutNamespaces(): PosternError {
  return new PosternError(
    'ERR_POSTERN_CONFIG_MISCONFIGURED',
    'the server needs "namespaces": whose data a call touches',
    {
      hint: 'verifiedClaims({ issuer, audience }) reads it from the caller’s token; fixedNamespace(name) is for a server that has one user.',
    },
  );
}
