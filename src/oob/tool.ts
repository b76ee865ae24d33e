import type {
  CallToolResult,
  InputRequiredResult,
  McpServer,
  ServerContext,
} from '@modelcontextprotocol/server';
import { findPosternError, type PosternError } from '../core/postern-error.ts';
import { randomId } from '../core/random.ts';
import { errorOfEnd } from '../pending/pending.ts';
import type { Principal } from './principal.ts';
import type { InteractionData } from '../interaction/flow.ts';
import { interactionOf, type Interaction } from '../interaction/interaction-required-error.ts';
import type { Interactions } from '../interaction/interactions.ts';
import type { Pending } from '../pending/pending.ts';
import type { Credentials } from './credentials.ts';
import type { Prompts } from './prompt.ts';
import { hashArguments, invalidState, type RequestState, type RequestStates } from './request-state.ts';
import { failureResult, inputRequiredResult, linkResult, urlElicitationError } from './tool-answers.ts';
import { toolClientOf } from './tool-client.ts';
import { runTool, type ToolHandler } from './tool-run.ts';

/** What tools are made with. */
export interface ToolServices {
  readonly credentials: Credentials;
  readonly interactions: Interactions;
  readonly prompts: Prompts;
  readonly requestStates: RequestStates;
  /** Whom a call is made for: never taken from its arguments. */
  readonly principalOf: (context: ServerContext) => Promise<Principal>;
}

export interface ToolOptions {
  /** The tool's name, which a request state is bound to. Default: what the HTTP request names; over stdio that is nothing. */
  readonly name?: string | undefined;
  /**
   * How long a retry waits for the person, in the revision 2026-07-28. Default 20,000 ms. A client comes again so and
   * so many times by itself (the SDK's ten times), and then asks its user.
   */
  readonly waitMs?: number | undefined;
  /** How long a call waits for the person in a session of an older revision. Below the client's time-out. Default 50,000 ms. */
  readonly sessionWaitMs?: number | undefined;
  /** The server of the session, to announce a completion to it after the call; and to tell apart connections without a session id. */
  readonly server?: McpServer | undefined;
}

export type ToolResult = CallToolResult | InputRequiredResult;

/** What `registerTool` takes, for a tool with arguments and for one without. */
export type ToolCallback<Args> = ((args: Args, context: ServerContext) => Promise<ToolResult>) &
  ((context: ServerContext) => Promise<ToolResult>);

/** How long after its pendings a request state is good: who comes a little late learns how it ended. */
const afterlifeMs = 5 * 60_000;

/** A request state that was opened, and whose it is. Only {@link verifyRequestState} makes one. */
class OpenedState {
  readonly principal: Principal;
  readonly state: RequestState;

  constructor(principal: Principal, state: RequestState) {
    this.principal = principal;
    this.state = state;
  }
}

/**
 * The callback of a tool that may need something of a person. See `Oob.tool`.
 *
 * The handler runs until it asks for a credential that is not there; the call is then answered as its client can take
 * it, and the handler is called again when the person is done, in whichever process the client comes back to.
 */
export function createTool<Args>(
  services: ToolServices,
  handler: ToolHandler<Args>,
  options: ToolOptions = {},
): ToolCallback<Args> {
  return async (...call: [args: Args, context: ServerContext] | [context: ServerContext]) => {
    const [args, mcp] = call.length === 1 ? [{} as Args, call[0]] : call;
    try {
      return await new ToolCall(services, handler, args, mcp, options).answer();
    } catch (error) {
      if (mcp.mcpReq.signal.aborted) throw error;
      const known = findPosternError(error);
      if (known === undefined) throw error;
      services.interactions.surroundings.logger.warn('a tool call was refused', { code: known.code });
      return failureResult(known);
    }
  };
}

/**
 * Opens the request state of a retry, before any tool sees it. For `requestState.verify` of an `McpServer`.
 *
 * @throws {PosternError} ERR_POSTERN_OOB_STATE_INVALID, which the server answers with the JSON-RPC error -32602.
 */
export async function verifyRequestState(
  services: ToolServices,
  text: string,
  mcp: ServerContext,
): Promise<unknown> {
  try {
    const opened = await openState(services, text, mcp);
    if (await services.requestStates.isUsed(opened.principal.namespace, opened.state)) throw invalidState();
    return opened;
  } catch (error) {
    const known = findPosternError(error);
    // What is no fault of the state is told by the tool, which opens it once more: the client may then come again.
    if (known !== undefined && known.code !== 'ERR_POSTERN_OOB_STATE_INVALID') return undefined;
    throw error;
  }
}

async function openState(services: ToolServices, text: string, mcp: ServerContext): Promise<OpenedState> {
  const principal = await services.principalOf(mcp);
  return new OpenedState(principal, await services.requestStates.open(principal.namespace, text));
}

class ToolCall<Args> {
  readonly #services: ToolServices;
  readonly #handler: ToolHandler<Args>;
  readonly #args: Args;
  readonly #mcp: ServerContext;
  readonly #options: ToolOptions;

  constructor(
    services: ToolServices,
    handler: ToolHandler<Args>,
    args: Args,
    mcp: ServerContext,
    options: ToolOptions,
  ) {
    this.#services = services;
    this.#handler = handler;
    this.#args = args;
    this.#mcp = mcp;
    this.#options = options;
  }

  async answer(): Promise<ToolResult> {
    const opened = await this.#openedState();
    if (opened === undefined) return this.#run(await this.#services.principalOf(this.#mcp));
    const { principal, state } = opened;
    const early = await this.#waitForAsked(principal, state);
    if (early !== undefined) return early;
    // From here the handler runs, so from here the state and all its like are spent.
    if (!(await this.#services.requestStates.use(principal.namespace, state))) throw invalidState();
    return this.#run(principal);
  }

  async #openedState(): Promise<OpenedState | undefined> {
    const given = this.#mcp.mcpReq.requestState();
    if (given === undefined) return undefined;
    if (typeof given !== 'string' && !(given instanceof OpenedState)) throw invalidState();
    const opened = given instanceof OpenedState ? given : await openState(this.#services, given, this.#mcp);
    const { tool, arguments: hash } = opened.state;
    if (tool !== this.#toolName() || hash !== (await hashArguments(this.#args))) throw invalidState();
    return opened;
  }

  /** The name in the header, which the HTTP entry has compared with the body. */
  #toolName(): string {
    return this.#options.name ?? this.#mcp.http?.req?.headers.get('mcp-name') ?? '';
  }

  async #run(principal: Principal): Promise<ToolResult> {
    const deadline = performance.now() + (this.#options.sessionWaitMs ?? 50_000);
    for (;;) {
      const { credentials } = this.#services;
      const run = await runTool(this.#handler, this.#args, { credentials, principal, mcp: this.#mcp });
      if ('result' in run) return run.result;
      const interactions = run.needed.map(({ interaction }) => interaction);
      switch (toolClientOf(this.#mcp)) {
        case 'input-required':
          return this.#requireInput(principal, interactions);
        case 'error':
          throw await urlElicitationError(interactions);
        case 'none':
          return linkResult(interactions);
        case 'session': {
          const early = await this.#askSession(interactions, deadline);
          if (early !== undefined) return early;
        }
      }
    }
  }

  /** Asks in the session, and waits. `undefined` when all is there. */
  async #askSession(interactions: readonly Interaction[], deadline: number): Promise<ToolResult | undefined> {
    const timeoutMs = deadline - performance.now();
    if (timeoutMs <= 0) return linkResult(interactions);
    const asked = interactions.map(async (interaction) => {
      const pending = await this.#findPending(interaction.pendingId);
      if (pending === undefined) return errorOfEnd({ status: 'expired' });
      const call = { mcp: this.#mcp, server: this.#options.server, timeoutMs };
      const ended = await this.#services.prompts.ask(pending, call);
      return ended === undefined ? interaction : errorOfEnd(ended);
    });
    const unfinished: Interaction[] = [];
    for (const outcome of await Promise.all(asked)) {
      if (outcome instanceof Error) return failureResult(outcome);
      if (outcome !== undefined) unfinished.push(outcome);
    }
    return unfinished.length > 0 ? linkResult(unfinished) : undefined;
  }

  async #requireInput(principal: Principal, interactions: readonly Interaction[]): Promise<ToolResult> {
    const state = {
      tool: this.#toolName(),
      arguments: await hashArguments(this.#args),
      asked: interactions.map(({ pendingId }) => ({ id: pendingId, accepted: false })),
      nonce: randomId(),
      expiresAtMs: Math.max(...interactions.map(({ expiresAtMs }) => expiresAtMs)) + afterlifeMs,
    };
    const asking = interactions.map((interaction, index) => ({
      ...interaction,
      key: keyOf(index),
      accepted: false,
    }));
    return inputRequiredResult(asking, await this.#services.requestStates.seal(principal.namespace, state));
  }

  /** Waits for what an earlier round has asked. `undefined` when all of it is there. */
  async #waitForAsked({ namespace }: Principal, state: RequestState): Promise<ToolResult | undefined> {
    const { interactions, requestStates } = this.#services;
    const deadline = performance.now() + (this.#options.waitMs ?? 20_000);
    const answers = state.asked.map(({ id, accepted }, index) => {
      const action = this.#actionOf(keyOf(index));
      return {
        id,
        key: keyOf(index),
        declined: action === 'decline' || action === 'cancel',
        accepted: accepted || action === 'accept',
      };
    });
    // What was declined ends first: there is no point in waiting for the rest then.
    const unfinished: (Interaction & { key: string; accepted: boolean })[] = [];
    for (const { id, key, declined, accepted } of answers.toSorted(
      (a, b) => Number(b.declined) - Number(a.declined),
    )) {
      const pending = await this.#findOwn(namespace.partition, id);
      if (pending === undefined) return failureResult(errorOfEnd({ status: 'expired' }) as PosternError);
      if (declined && pending.status === 'pending') await interactions.decline(pending);
      const timeoutMs = Math.max(0, deadline - performance.now());
      const ended = await interactions.wait(pending, { timeoutMs, signal: this.#mcp.mcpReq.signal });
      const error = ended && errorOfEnd(ended);
      if (error !== undefined) return failureResult(error);
      if (ended === undefined) unfinished.push({ ...interactionOf(pending), key, accepted });
    }
    if (unfinished.length === 0) return undefined;
    const asked = answers.map(({ id, accepted }) => ({ id, accepted }));
    return inputRequiredResult(unfinished, await requestStates.seal(namespace, { ...state, asked }));
  }

  async #findPending(id: string): Promise<Pending<InteractionData> | undefined> {
    return (await this.#services.interactions.pendings.locate(id))?.get(id);
  }

  async #findOwn(partition: string, id: string): Promise<Pending<InteractionData> | undefined> {
    const pending = await this.#findPending(id);
    return pending?.namespace.partition === partition ? pending : undefined;
  }

  /** What the client says the person has said. It is believed as far as it can do no harm. */
  #actionOf(key: string): unknown {
    const { inputResponses } = this.#mcp.mcpReq;
    if (inputResponses === undefined || !Object.hasOwn(inputResponses, key)) return undefined;
    const response = inputResponses[key];
    return typeof response === 'object' && response !== null
      ? (response as { action?: unknown }).action
      : undefined;
  }
}

function keyOf(index: number): string {
  return `credential-${index + 1}`;
}
