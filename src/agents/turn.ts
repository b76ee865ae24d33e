import type { CallToolResult, Tool } from '@modelcontextprotocol/client';
import { findPosternError } from '../core/postern-error.ts';
import {
  findAuthorizationRequired,
  type AuthorizationRequiredError,
} from '../client/auth/authorization-required-error.ts';
import { defaultAlias, placeAlias } from '../client/account-alias.ts';
import type { Client } from '../client/client.ts';
import { interactionOf } from '../interaction/interaction-required-error.ts';
import type { InteractionData } from '../interaction/flow.ts';
import type { Pending, PendingStatus } from '../pending/pending.ts';
import { authToolName, authToolSchema, authToolText, reasonIn, serviceIn } from './auth-tool.ts';
import { modelNameOf, type AgentCall, type AgentTool } from './agent-tool.ts';
import { CallClaims, NotCarriedOut } from './call-claims.ts';
import { lateWords, refusalWords, told, toldFailure } from './model-words.ts';
import { needs, type Need } from './needs.ts';
import { placeOf, type PausedCall } from './run-store.ts';
import {
  promptWith,
  readServices,
  serviceName,
  type AccountsOf,
  type Service,
  type ServiceAt,
} from './services.ts';
import type { TellPerson } from './tell-person.ts';
import { Telling } from './telling.ts';

export interface TurnOptions {
  readonly client: Client;
  readonly runId: string;
  readonly metadata: unknown;
  readonly tell: TellPerson;
  readonly waitMs: number;
  readonly serviceLimitMs: number;
  readonly accountsOf?: AccountsOf | undefined;
  /** Calls that waited when the run was paused. */
  readonly paused: readonly PausedCall[];
}

/** A call, and where it goes: nowhere, when a model names a service that there is not. */
type PlacedCall = AgentCall & { readonly at: ServiceAt | undefined };

/** A call that a person was asked for in this run. */
interface Asked {
  readonly paused: PausedCall;
  /** Known in the process that asked. */
  readonly need?: Need | undefined;
  /** What the model is told instead of waiting. */
  readonly instead?: string | undefined;
}

type Refusing = Exclude<PendingStatus, 'completed'>;

/**
 * What an agent has in one go at a run: the client of its user, the tools it can call, and what its user has to do first.
 *
 * A run that is resumed gets a new one, in whichever process.
 */
export class Turn {
  readonly client: Client;
  readonly runId: string;
  /** The host's own. */
  readonly metadata: unknown;
  readonly #options: TurnOptions;
  readonly #claims: CallClaims;
  readonly #asked = new Map<string, Asked>();
  readonly #telling: Telling;
  /** Calls that have waited and were made, or refused: nothing is left to wait for. */
  readonly #settled = new Set<string>();
  /** Calls that were made to see whether their person is done: their results are kept. */
  readonly #made = new Set<string>();
  /** What servers wanted of the person only when they were called, by the name of the tool. */
  readonly #late = new Map<string, Need>();
  readonly #waitsUntil: number;
  #services: Promise<Service[]> | undefined;

  /** Use {@link AgentRuns}. */
  constructor(options: TurnOptions) {
    const { client, runId, metadata, paused, waitMs } = options;
    this.client = client;
    this.runId = runId;
    this.metadata = metadata;
    this.#options = options;
    const { clock } = client.coordinator.interactions.surroundings;
    this.#claims = new CallClaims(client.context.storage, clock);
    this.#waitsUntil = performance.now() + waitMs;
    for (const call of paused) this.#asked.set(call.callId, { paused: call });
    const before = paused.map(({ pendingId }) => pendingId);
    this.#telling = new Telling(options.tell, { contextId: this.contextId, runId, metadata }, before);
  }

  /** Whom the agent acts for. */
  get contextId(): string {
    return this.client.context.id;
  }

  /** The tools of the servers that are connected, and those that a paused run was calling. */
  async getTools(): Promise<AgentTool[]> {
    const services = await this.#readServices();
    const live = services.flatMap((service) => {
      const { server, alias } = service;
      return service.state === 'connected' ? service.tools.map((tool) => ({ server, alias, tool })) : [];
    });
    const tools = await Promise.all(
      live.map(async (of) =>
        this.#toolOf(await modelNameOf(placeAlias(of.server, of.alias), of.tool.name), of),
      ),
    );
    const names = new Set(tools.map(({ name }) => name));
    // A person who declined has no such server, and the framework still has to find the tool.
    for (const { paused } of this.#asked.values()) {
      const { name, tool } = paused;
      if (tool === undefined || names.has(name)) continue;
      names.add(name);
      tools.push(this.#toolOf(name, { ...placeOf(paused), tool }));
    }
    return tools;
  }

  /** The tool that has the user asked to sign in: none while nothing awaits them. */
  async getAuthTools(): Promise<AgentTool[]> {
    const waiting = (await this.#readServices()).filter(({ state }) => state === 'signed-out');
    const asked = [...this.#asked.values()].filter(({ paused }) => paused.tool === undefined);
    const all: readonly ServiceAt[] = [...waiting, ...asked.map(({ paused }) => placeOf(paused))];
    const places = new Map(all.map((at) => [serviceName(at), at]));
    if (places.size === 0) return [];
    const names = [...places.keys()];
    const placed = (call: AgentCall): PlacedCall => ({
      ...call,
      at: places.get(serviceIn(call.args, names) ?? ''),
    });
    const tool: AgentTool = {
      name: authToolName,
      description: authToolText,
      inputSchema: authToolSchema(names),
      needs: (call) => this.#needs(tool, placed(call)),
      call: (call) => this.#call(tool, placed(call)),
    };
    return [tool];
  }

  /** A system prompt with what is connected, and what awaits the user. */
  async getSystemPrompt(base: string): Promise<string> {
    return promptWith(base, await this.#readServices(), authToolName);
  }

  /** Whether a call of this run has to be made yet that a person was asked for. A host's own approvals are none of these. */
  isWaiting(callId: string): boolean {
    const asked = this.#asked.get(callId);
    return asked !== undefined && asked.instead === undefined && !this.#settled.has(callId);
  }

  /**
   * Ends a turn whose framework tells its model of what a tool throws, and goes on.
   *
   * @throws why a person could not be told.
   */
  throwIfUntold(): void {
    this.#telling.throwIfUntold();
  }

  /** The calls that have waited, to be kept. */
  get paused(): readonly PausedCall[] {
    return [...this.#asked.values()]
      .filter(({ paused: { callId } }) => this.isWaiting(callId))
      .map(({ paused }) => paused);
  }

  /** What is still waited for, in whichever process it was asked. */
  async readNeeds(): Promise<Need[]> {
    const asked = [...this.#asked.values()].filter(({ paused }) => this.isWaiting(paused.callId));
    const needed = await Promise.all(asked.map((one) => this.#stillNeeded(one)));
    const byPending = new Map(needed.flatMap((need) => (need ? [[need.challenge.pendingId, need]] : [])));
    return [...byPending.values()];
  }

  /**
   * Makes the calls that wait for one pending, where only that shows that their person is done.
   *
   * @throws {AuthorizationRequiredError} when they are not.
   */
  async tryCalls(pendingId: string): Promise<void> {
    for (const paused of this.paused) {
      const { callId, pendingId: waitsFor, name, args, tool } = paused;
      if (waitsFor !== pendingId || tool === undefined) continue;
      await this.#once(name, { id: callId, args }, async () => {
        try {
          return await this.client.callTool(tool.name, { ...args }, placeOf(paused));
        } catch (error) {
          if (findAuthorizationRequired(error) !== undefined) throw new NotCarriedOut(error);
          return toldFailure(error);
        }
      });
      this.#made.add(callId);
    }
  }

  #toolOf(name: string, of: ServiceAt & { tool: Tool }): AgentTool {
    const about = of.tool.description ?? of.tool.title ?? of.tool.name;
    const account =
      of.alias === defaultAlias ? '' : `\n\nWith the user's account ${JSON.stringify(of.alias)}.`;
    const tool: AgentTool = {
      name,
      description: `${about}${account}`,
      inputSchema: of.tool.inputSchema,
      of,
      needs: (call) => this.#needs(tool, { ...call, at: of }),
      call: (call) => this.#call(tool, { ...call, at: of }),
    };
    return tool;
  }

  async #needs(tool: AgentTool, call: PlacedCall): Promise<Need | undefined> {
    const { id, args, at } = call;
    if (at === undefined) return undefined;
    const known = this.#askedFor(tool, call);
    if (known !== undefined) return this.#stillNeeded(known);
    const need = await this.#findNeed(tool, at, args);
    if (need === undefined) return undefined;
    const { challenge } = need;
    const of = tool.of && { tool: tool.of.tool };
    const { server, alias } = at;
    const account = alias !== defaultAlias && { alias };
    const waits = { callId: id, name: tool.name, args, pendingId: challenge.pendingId };
    const paused: PausedCall = { ...waits, service: server, ...account, ...of };
    const reason = tool.of === undefined ? reasonIn(args) : undefined;
    const instead = await this.#telling.tell({ service: serviceName(at), challenge, reason });
    this.#asked.set(id, { paused, need, instead });
    if (instead !== undefined) return undefined;
    const status = await this.#waitFor(challenge.pendingId);
    // The tools of a server that was signed in to just now are not in this turn yet, so it pauses all the same.
    return status === 'pending' || tool.of === undefined ? need : undefined;
  }

  async #findNeed(tool: AgentTool, at: ServiceAt, args: AgentCall['args']): Promise<Need | undefined> {
    const late = this.#late.get(tool.name);
    if (late !== undefined && (await this.#find(late.challenge.pendingId))?.status === 'pending') return late;
    this.#late.delete(tool.name);
    const { server, alias } = at;
    return needs(this.client, { server, alias, name: tool.of?.tool.name ?? tool.name }, args);
  }

  async #stillNeeded({ paused, need, instead }: Asked): Promise<Need | undefined> {
    if (instead !== undefined || this.#made.has(paused.callId)) return undefined;
    const pending = await this.#find(paused.pendingId);
    if (pending?.status !== 'pending') return undefined;
    if (need !== undefined) return need;
    const { contextId } = this;
    const scopes = pending.data?.request.scopes ?? [];
    const at = { contextId, ...placeOf(paused), scopes };
    return { reason: 'sign-in', challenge: { ...interactionOf(pending), ...at } };
  }

  async #call(tool: AgentTool, call: PlacedCall): Promise<CallToolResult> {
    const { at } = call;
    if (at === undefined) return told('There is no such service.', { isError: true });
    const asked = this.#askedFor(tool, call);
    if (asked?.instead !== undefined) return told(asked.instead);
    if (asked !== undefined) {
      const refusal = await this.#refusalOf(asked.paused);
      // What lives is decided later, whatever somebody has told the framework.
      if (refusal !== 'pending') this.#settled.add(call.id);
      if (refusal !== undefined) return told(refusalWords(serviceName(at), refusal), { isError: true });
    }
    return tool.of === undefined
      ? this.#signedIn(at)
      : this.#make(tool, tool.of.tool, asked, { ...call, at });
  }

  async #make(
    tool: AgentTool,
    { name }: Tool,
    asked: Asked | undefined,
    call: AgentCall & { at: ServiceAt },
  ): Promise<CallToolResult> {
    const { args, signal } = call;
    const { server, alias } = call.at;
    const service = serviceName(call.at);
    const send = (): Promise<CallToolResult> =>
      this.client.callTool(name, { ...args }, { server, alias, ...(signal && { signal }) });
    try {
      if (asked === undefined) return await this.#sendPatiently(tool, service, send);
      return await this.#once(tool.name, call, async () => {
        try {
          return await this.#sendPatiently(tool, service, send, true);
        } catch (error) {
          if (error instanceof NotCarriedOut || signal?.aborted === true) throw error;
          // Whoever comes second is told the same.
          return toldFailure(error);
        }
      });
    } catch (error) {
      signal?.throwIfAborted();
      return error instanceof NotCarriedOut ? (error.cause as CallToolResult) : toldFailure(error);
    }
  }

  /** How a call ended its wait that is not made. Only the store says that it may be. */
  async #refusalOf(paused: PausedCall): Promise<Refusing | undefined> {
    const { callId, pendingId } = paused;
    if (this.#made.has(callId)) return undefined;
    const status: PendingStatus = (await this.#find(pendingId))?.status ?? 'expired';
    if (status === 'completed') return undefined;
    if (status === 'pending' || status === 'cancelled') return status;
    const at = placeOf(paused);
    const kept = await this.client.session(at.server, at).findKept();
    // Somebody asked again elsewhere, and the person has signed in there.
    return kept !== undefined && kept.condition !== 'over' ? undefined : status;
  }

  /** A server may want its person although nothing said so before: they are told, and waited for a while. */
  async #sendPatiently(
    tool: AgentTool,
    service: string,
    send: () => Promise<CallToolResult>,
    isClaimed = false,
  ): Promise<CallToolResult> {
    for (let sent = 1; ; sent++) {
      let required: AuthorizationRequiredError | undefined;
      try {
        return await send();
      } catch (error) {
        required = findAuthorizationRequired(error);
        if (required === undefined) throw error;
      }
      const { challenge } = required;
      const need: Need = { reason: 'sign-in', challenge };
      const instead = await this.#telling.tell({ service, challenge });
      if (instead === undefined && sent === 1 && (await this.#waitFor(challenge.pendingId)) === 'completed')
        continue;
      if (instead === undefined) this.#late.set(tool.name, need);
      const result = told(instead ?? lateWords(service, tool.name), { isError: instead === undefined });
      if (!isClaimed) return result;
      throw new NotCarriedOut(result);
    }
  }

  #once(
    name: string,
    { id, args, signal }: AgentCall,
    work: () => Promise<CallToolResult>,
  ): Promise<CallToolResult> {
    return this.#claims.once(JSON.stringify([this.runId, id, name, args]), work, signal);
  }

  async #signedIn(at: ServiceAt): Promise<CallToolResult> {
    this.#services = undefined;
    const { server, alias } = at;
    const found = (await this.#readServices()).find((one) => one.server === server && one.alias === alias);
    if (found?.state !== 'connected') {
      const { error } = this.client.session(server, { alias });
      return toldFailure(error ?? new Error('the service cannot be reached'));
    }
    const place = placeAlias(server, alias);
    const names = await Promise.all(found.tools.map(({ name }) => modelNameOf(place, name)));
    const service = JSON.stringify(serviceName(at));
    return told(`The user has signed in to ${service}. Its tools: ${names.join(', ')}.`);
  }

  /** What was asked for this very call: a model that uses an id for another one has not asked for that. */
  #askedFor(tool: AgentTool, { id, args }: AgentCall): Asked | undefined {
    const asked = this.#asked.get(id);
    const isSame = asked?.paused.name === tool.name && sameJson(asked.paused.args, args);
    return isSame ? asked : undefined;
  }

  /** Waits for as much of this turn's time for waiting as is left. */
  async #waitFor(pendingId: string): Promise<PendingStatus> {
    const pending = await this.#find(pendingId);
    if (pending?.status !== 'pending') return pending?.status ?? 'expired';
    const timeoutMs = this.#waitsUntil - performance.now();
    if (timeoutMs <= 0) return 'pending';
    try {
      const ended = await this.client.coordinator.interactions.wait(pending, { timeoutMs });
      return ended?.status ?? 'pending';
    } catch (error) {
      // A store that is away for a moment ends no wait that a pause can take over.
      if (findPosternError(error) === undefined) throw error;
      return 'pending';
    }
  }

  async #find(pendingId: string): Promise<Pending<InteractionData> | undefined> {
    const { coordinator, context } = this.client;
    return coordinator.pendings.in(context.namespace).get(pendingId);
  }

  #readServices(): Promise<Service[]> {
    const { accountsOf, metadata, serviceLimitMs: limitMs } = this.#options;
    this.#services ??= readServices(this.client, { accountsOf, metadata, limitMs });
    return this.#services;
  }
}

function sameJson(one: unknown, other: unknown): boolean {
  return JSON.stringify(one) === JSON.stringify(other);
}
