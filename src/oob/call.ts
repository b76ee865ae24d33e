import {
  MissingRequiredClientCapabilityError,
  UrlElicitationRequiredError,
  type InputRequiredResult,
  type McpServer,
  type ServerContext,
} from '@modelcontextprotocol/server';
import { failureFields } from '../core/failure-fields.ts';
import { levelOfEnd } from '../core/level-of-end.ts';
import { findPosternError, type PosternError } from '../core/postern-error.ts';
import { randomId } from '../core/random.ts';
import { errorOfEnd, isSuperseded } from '../pending/pending.ts';
import { unreadableFields } from '../storage/unreadable.ts';
import type { Principal } from './principal.ts';
import type { InteractionData } from '../interaction/flow.ts';
import { interactionOf, type Interaction } from '../interaction/interaction-required-error.ts';
import type { Interactions } from '../interaction/interactions.ts';
import type { Pending } from '../pending/pending.ts';
import type { Credentials } from './credentials.ts';
import type { Prompts } from './prompt.ts';
import { hashArguments, invalidState, type RequestState, type RequestStates } from './request-state.ts';
import { inputRequiredResult, urlElicitationError, type CallAnswers } from './call-answers.ts';
import { callClientOf, sendableContext } from './call-client.ts';
import { answerLimits } from './client-answer.ts';
import { runHandler, type AskedPlace, type CallContext } from './handler-run.ts';

/** What calls are answered with. */
export interface CallServices {
  readonly credentials: Credentials;
  readonly interactions: Interactions;
  readonly prompts: Prompts;
  readonly requestStates: RequestStates;
  /** Whom a call is made for: never taken from its arguments. */
  readonly principalOf: (context: ServerContext) => Promise<Principal>;
}

export interface ToolOptions {
  /** The name a request state is bound to: a tool's, a prompt's, or a resource's address. Default: what the HTTP request names; over stdio that is nothing. */
  readonly name?: string | undefined;
  /**
   * How long a retry waits for the person, in the revision 2026-07-28. Default 20,000 ms. A client comes again so and
   * so many times by itself (the SDK's ten times), and then asks its user.
   */
  readonly waitMs?: number | undefined;
  /**
   * How long a call waits for the person in a session of an older revision, and a handler for what it asks of the client
   * (sampling, a form, roots) without a time-out of its own. Below the client's time-out. Default 50,000 ms. A client that
   * does not answer a ping meanwhile is waited for no longer: ten seconds, or half of this.
   */
  readonly sessionWaitMs?: number | undefined;
  /** The server of the session: to announce a completion to it after the call, to tell apart connections without a session id, and to know before it is sent anything whether its client can do it. */
  readonly server?: McpServer | undefined;
}

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

/** One call of a tool, a resource or a prompt, as its sort has it. */
export interface CallRequest<R> {
  readonly mcp: ServerContext;
  /** What of it must be the same when it comes again. */
  readonly args: unknown;
  /** Tells its sort from the others, where a request state is bound to the name. */
  readonly method: string;
  readonly handler: (context: CallContext) => Promise<R> | R;
  readonly answers: CallAnswers<R>;
}

/**
 * Answers a call that may need something of a person.
 *
 * The handler runs until it asks for a credential that is not there; the call is then answered as its client can take
 * it, and the handler is called again when the person is done, in whichever process the client comes back to.
 */
export async function answerCall<R>(
  services: CallServices,
  request: CallRequest<R>,
  options: ToolOptions = {},
): Promise<R | InputRequiredResult> {
  try {
    return await new Call(services, request, options).answer();
  } catch (error) {
    if (request.mcp.mcpReq.signal.aborted) throw error;
    const known = findPosternError(error);
    const { logger } = services.interactions.surroundings;
    if (known === undefined) {
      // That a person is needed, said as an error: no failure.
      const isAnswer =
        UrlElicitationRequiredError.isInstance(error) ||
        MissingRequiredClientCapabilityError.isInstance(error);
      if (!isAnswer) logger.warn('the handler of a call failed', failureFields(error));
      throw error;
    }
    const fields = { ...unreadableFields(known), hint: known.hint };
    logger[levelOfEnd(known.code, 'warn')]('a call was refused', fields);
    return request.answers.failure(known);
  }
}

/**
 * Opens the request state of a retry before any handler sees it. For `requestState.verify` of an `McpServer`.
 *
 * @throws {PosternError} ERR_POSTERN_OOB_STATE_INVALID, which the server answers with the JSON-RPC error -32602.
 */
export async function verifyRequestState(
  services: CallServices,
  text: string,
  mcp: ServerContext,
): Promise<unknown> {
  try {
    const opened = await openState(services, text, mcp);
    if (await services.requestStates.isUsed(opened.principal.namespace, opened.state)) throw invalidState();
    return opened;
  } catch (error) {
    const known = findPosternError(error);
    // What is no fault of the state is told by the call, which opens it once more: the client may then come again.
    if (known !== undefined && known.code !== 'ERR_POSTERN_OOB_STATE_INVALID') return undefined;
    throw error;
  }
}

async function openState(services: CallServices, text: string, mcp: ServerContext): Promise<OpenedState> {
  const principal = await services.principalOf(mcp);
  return new OpenedState(principal, await services.requestStates.open(principal.namespace, text));
}

class Call<R> {
  readonly #services: CallServices;
  readonly #request: CallRequest<R>;
  readonly #options: ToolOptions;
  /** What its person has been asked for within this call, and has finished. */
  readonly #finished: AskedPlace[] = [];

  constructor(services: CallServices, request: CallRequest<R>, options: ToolOptions) {
    this.#services = services;
    this.#request = request;
    this.#options = options;
  }

  get #mcp(): ServerContext {
    return this.#request.mcp;
  }

  async answer(): Promise<R | InputRequiredResult> {
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
    if (tool !== this.#name() || hash !== (await hashArguments(this.#request.args))) throw invalidState();
    return opened;
  }

  /** The name in the header, which the HTTP entry has compared with the body. */
  #name(): string {
    const name = this.#options.name ?? this.#mcp.http?.req?.headers.get('mcp-name') ?? '';
    const { method } = this.#request;
    return method === 'tools/call' ? name : `${method} ${name}`;
  }

  async #run(principal: Principal): Promise<R | InputRequiredResult> {
    const { sessionWaitMs = 50_000, server } = this.#options;
    const deadline = performance.now() + sessionWaitMs;
    const { handler, answers } = this.#request;
    const mcp = sendableContext(this.#mcp, server, answerLimits(sessionWaitMs));
    for (;;) {
      const { credentials } = this.#services;
      const run = await runHandler(handler, { credentials, principal, mcp, finished: this.#finished });
      if ('result' in run) return run.result;
      const interactions = run.needed.map(({ interaction }) => interaction);
      const client = callClientOf(this.#mcp);
      switch (client) {
        case 'input-required':
          return this.#requireInput(principal, interactions);
        case 'error':
          if (answers.linkToAny === true) return answers.link(interactions, client);
          throw await urlElicitationError(interactions);
        case 'none':
          return answers.link(interactions, client);
        case 'session': {
          const early = await this.#askSession(interactions, deadline);
          if (early !== undefined) return early;
        }
      }
    }
  }

  /** Asks in the session, and waits. `undefined` when all is there. */
  async #askSession(
    interactions: readonly Interaction[],
    deadline: number,
  ): Promise<R | InputRequiredResult | undefined> {
    const timeoutMs = deadline - performance.now();
    const { answers } = this.#request;
    if (timeoutMs <= 0) return answers.link(interactions, 'session');
    const asked = interactions.map(async (interaction) => {
      const pending = await this.#findPending(interaction.pendingId);
      if (pending === undefined) return errorOfEnd({ status: 'expired' });
      const call = { mcp: this.#mcp, server: this.#options.server, timeoutMs };
      const ended = await this.#services.prompts.ask(pending, call);
      if (ended === undefined) return interaction;
      if (isSuperseded(ended)) return undefined;
      const error = errorOfEnd(ended);
      if (error === undefined) this.#finished.push(interaction);
      return error;
    });
    const unfinished: Interaction[] = [];
    for (const outcome of await Promise.all(asked)) {
      if (outcome instanceof Error) return answers.failure(outcome);
      if (outcome !== undefined) unfinished.push(outcome);
    }
    return unfinished.length > 0 ? answers.link(unfinished, 'session') : undefined;
  }

  async #requireInput(
    principal: Principal,
    interactions: readonly Interaction[],
  ): Promise<R | InputRequiredResult> {
    const state = {
      tool: this.#name(),
      arguments: await hashArguments(this.#request.args),
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
  async #waitForAsked(
    { namespace }: Principal,
    state: RequestState,
  ): Promise<R | InputRequiredResult | undefined> {
    const { interactions, requestStates } = this.#services;
    const { answers } = this.#request;
    const deadline = performance.now() + (this.#options.waitMs ?? 20_000);
    const actions = state.asked.map(({ id, accepted }, index) => {
      const action = this.#actionOf(keyOf(index));
      return { id, key: keyOf(index), action, accepted: accepted || action === 'accept' };
    });
    const isDismissed = actions.some(({ action }) => action === 'cancel');
    // What was declined ends first: there is no point in waiting for the rest then.
    const unfinished: (Interaction & { key: string; accepted: boolean })[] = [];
    for (const { id, key, action, accepted } of actions.toSorted(
      (a, b) => Number(b.action === 'decline') - Number(a.action === 'decline'),
    )) {
      const pending = await this.#findOwn(namespace.partition, id);
      if (pending === undefined) return answers.failure(errorOfEnd({ status: 'expired' }) as PosternError);
      if (action === 'decline' && pending.status === 'pending') await interactions.decline(pending);
      const timeoutMs = isDismissed ? 0 : Math.max(0, deadline - performance.now());
      const ended = await interactions.waitHere(pending, { timeoutMs, signal: this.#mcp.mcpReq.signal });
      // The handler asks for it anew.
      if (ended !== undefined && isSuperseded(ended)) continue;
      const error = ended && errorOfEnd(ended);
      if (error !== undefined) return answers.failure(error);
      if (ended === undefined) unfinished.push({ ...interactionOf(pending), key, accepted });
      else this.#finished.push(pending);
    }
    if (unfinished.length === 0) return undefined;
    // Who closed the question has answered nothing: the link stays good for whoever else waits, and for later.
    if (isDismissed) return answers.link(unfinished, 'input-required');
    const asked = actions.map(({ id, accepted }) => ({ id, accepted }));
    return inputRequiredResult(unfinished, await requestStates.seal(namespace, { ...state, asked }));
  }

  async #findPending(id: string): Promise<Pending<InteractionData> | undefined> {
    const { pendings } = this.#services.interactions;
    // One that cannot be read is, to whoever waits for it, as good as expired: they ask again.
    return pendings.orUnknown(async () => (await pendings.locate(id))?.get(id));
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
