import type { Client as SdkClient, RequestOptions } from '@modelcontextprotocol/client';
import { PosternError } from '../../core/postern-error.ts';
import { hashId } from '../../core/random.ts';
import {
  causeOf,
  isSameQuestion,
  type Elicitation,
  type ElicitationCause,
} from '../../interaction/elicitation/elicitation-cause.ts';
import type { InteractionData } from '../../interaction/flow.ts';
import { interactionOf } from '../../interaction/interaction-required-error.ts';
import { unlessEnded } from '../../interaction/is-ended.ts';
import { errorOfEnd, isSuperseded, type Pending } from '../../pending/pending.ts';
import { tryPauseMs } from '../../resume/tries.ts';
import { placeAlias } from '../account-alias.ts';
import { AuthorizationRequiredError } from '../auth/authorization-required-error.ts';
import { triedFor } from '../tried-call.ts';
import { AskedCall } from './asked-call.ts';
import type { ClientHandlers } from './client-handlers.ts';
import { HandlerTime } from './handler-time.ts';
import { linksIn, showLink } from './links.ts';
import { RaisedQuestions } from './raised-questions.ts';
import { asSdk, sdkCodeIn } from './sdk.ts';
import type { SessionOptions } from './session-options.ts';

/** Where a server is that has no address: it may lead to pages there. */
const thisMachine = 'http://127.0.0.1';
/** How often a handler is shown links for one call, and how often a person is begun to be asked for one that waits. */
const maxAsks = 4;

/** Of a call that failed: it is to be sent again. */
export const sendAgain: unique symbol = Symbol('send again');

interface Asked {
  readonly pending: Pending<InteractionData>;
  readonly created: boolean;
}

/** What one server asks back while it is called: of handlers, and of a person where a handler is not enough. */
export class ServerQuestions {
  /** The host's own, watched. */
  readonly handlers: ClientHandlers;
  readonly #options: SessionOptions;
  readonly #time = new HandlerTime();
  readonly #calls = new WeakMap<AbortSignal, AskedCall>();
  /** Links that a handler is not shown: their person has been asked, and is only waited for. */
  readonly #known = new Set<string>();
  readonly #raised: RaisedQuestions;
  #stop = new AbortController();

  constructor(options: SessionOptions) {
    this.#options = options;
    this.#raised = new RaisedQuestions(options.coordinator.interactions, options.logger);
    const { elicitation, sampling } = options.handlers;
    this.handlers = {
      ...options.handlers,
      elicitation: elicitation && this.#time.watching(this.#unlessKnown(elicitation)),
      sampling: sampling && this.#time.watching(sampling),
    };
  }

  /** A call that is about to be made. */
  begin(keyOf: (() => string) | undefined, signal: AbortSignal | undefined): AskedCall | Promise<AskedCall> {
    const call = new AskedCall(keyOf, signal);
    const tried = triedFor();
    return tried === undefined ? call : this.#beginFor(tried, call);
  }

  async #beginFor(tried: Pending<InteractionData>, call: AskedCall): Promise<AskedCall> {
    if (await this.#isFor(tried, call)) call.pending = tried;
    return call;
  }

  /**
   * Sends a request of which the time-out does not count what a handler, and so a person, takes meanwhile. Between the
   * requests of the revision 2026-07-28 no time-out runs.
   */
  patiently<T>(
    client: SdkClient,
    call: AskedCall,
    options: RequestOptions,
    send: (options: RequestOptions) => Promise<T>,
  ): Promise<T> {
    if (client.getProtocolEra() === 'modern') {
      this.#calls.set(call.own, call);
      return send({ ...options, signal: call.own });
    }
    const { elicitation, sampling } = this.handlers;
    const asksInCalls = (elicitation ?? sampling) !== undefined;
    return asksInCalls ? this.#time.patiently(options, send) : send(options);
  }

  /** The server asks for something before it goes on with a call. */
  asked(signal: AbortSignal | undefined, inputRequests: Record<string, unknown>): void {
    const call = signal && this.#calls.get(signal);
    const links = linksIn(inputRequests);
    // Whoever has accepted is polled for, and not asked again: the links came in an earlier round.
    if (call === undefined || links.length === 0) return;
    call.links = links;
    if (this.handlers.elicitation && isAskedFor(call, links))
      for (const { url } of links) this.#known.add(url);
  }

  /**
   * What has become of a call that failed because its server waits for a person at a link of its own: sent again when a
   * handler, or the person who is waited for here, may be done; otherwise the same error as for a sign-in, with a link of
   * ours. Any other failure is returned as it is.
   *
   * @throws {PosternError} ERR_POSTERN_OAUTH_URL_FORBIDDEN when the server's link must not be opened in a browser.
   * @throws {PosternError} ERR_POSTERN_AUTH_DENIED when the person said no, or did a moment ago.
   * @throws {PosternError} the code of its end, when a person who was waited for here declined, or took too long.
   * @throws the signal's reason when the caller waits no longer.
   */
  async settle(error: unknown, call: AskedCall): Promise<unknown> {
    const raised = asSdk('UrlElicitationRequiredError', error);
    const isError = raised !== undefined;
    const found = raised?.elicitations ?? linksOfRounds(error, call);
    if (found.length === 0) return error;
    const links = this.#checked(found);
    if (isError && (await this.#showLinks(links, call))) return sendAgain;
    const again = await this.#askAgain(links, call);
    if (again === sendAgain) return sendAgain;
    const asked = again ?? (await this.#ask(links, call));
    if (asked === undefined) return error;
    const { pending } = asked;
    const { coordinator, context, server, alias } = this.#options;
    // Who has said yes to a handler has the link, and is not shown ours as well.
    const isTold = !isError || links.every((link) => isAccepted(call, link));
    if (!isTold) await coordinator.present(pending, asked);
    if (call.pending?.id !== pending.id) call.asks++;
    call.pending = pending;
    const ids = links.flatMap(({ elicitationId }) => elicitationId ?? []);
    this.#raised.add(pending, call.key, ids);
    if (coordinator.blocksCallers && call.asks <= maxAsks) return this.#pause(pending, call);
    const challenge = { ...interactionOf(pending), contextId: context.id, server, alias, scopes: [] };
    return new AuthorizationRequiredError(challenge, { grantStays: true });
  }

  /** A call went through: what it needed is done, wherever. */
  succeeded(call: AskedCall): void {
    if (call.pending !== undefined) void this.#raised.finish(call.pending);
    else this.#raised.succeeded(call);
  }

  /** The server says that something is done. */
  completed(elicitationId: string): void {
    this.#raised.completed(elicitationId);
  }

  /** Callers that wait for a person wait no longer. */
  stop(): void {
    this.#stop.abort(closed(this.#options.server));
    this.#stop = new AbortController();
  }

  /** A server may ask for anything: whatever leads elsewhere than to a page is shown to nobody. */
  #checked(found: readonly Elicitation[]): Elicitation[] {
    const { coordinator, config } = this.#options;
    const http = coordinator.httpFor(('url' in config ? config.url : undefined) ?? thisMachine);
    return found.map(({ url, message, elicitationId }) => ({
      url: http.checkUrl(url).href,
      message,
      elicitationId,
    }));
  }

  /** Has the host's handler show what its person has not seen. Returns whether they may be done with all of it. */
  async #showLinks(links: readonly Elicitation[], call: AskedCall): Promise<boolean> {
    const { context, handlers, server } = this.#options;
    const { elicitation, elicitationModes = ['url'] } = handlers;
    const unseen = links.filter((link) => !isAccepted(call, link));
    if (elicitation === undefined || !elicitationModes.includes('url')) return false;
    if (unseen.length === 0 || call.accepted.length >= maxAsks || isAskedFor(call, links)) return false;
    for (const link of unseen) {
      const { action } = await showLink(elicitation, link, { server, contextId: context.id }, call.own);
      if (action === 'decline') throw declined(server);
      if (action !== 'accept') return false;
      call.accepted.push(link);
    }
    return true;
  }

  async #ask(links: readonly Elicitation[], call: AskedCall): Promise<Asked | undefined> {
    const { coordinator, context, server, alias, config } = this.#options;
    const digest = call.key === undefined ? undefined : await hashId(call.key);
    const cause: ElicitationCause = { server, elicitations: links, ...(digest && { call: digest }) };
    const place = ('url' in config ? config.url : undefined) ?? server;
    return coordinator.interactions.ask(
      {
        namespace: context.namespace,
        initiator: context.initiator,
        metadata: context.metadata,
        // Whatever asks for the same shares one link, and nothing with the server's credentials.
        resource: `${place}#${await hashId(JSON.stringify(links.map(({ url }) => url)))}`,
        alias: placeAlias(server, alias),
        scopes: [],
        cause,
      },
      coordinator.elicitations,
      () => false,
    );
  }

  /**
   * The person still has the link that they have been given; where the server has made a new one, that is behind it now.
   * Whoever said that they are done just now is believed, and the server asked again. `undefined` for another question.
   */
  async #askAgain(
    links: readonly Elicitation[],
    call: AskedCall,
  ): Promise<Asked | typeof sendAgain | undefined> {
    if (call.pending === undefined || !isAskedFor(call, links)) return undefined;
    const { interactions } = this.#options.coordinator;
    const { id, namespace } = call.pending;
    const find = (): Promise<Pending<InteractionData> | undefined> =>
      interactions.pendings.in(namespace).get(id);
    const live = await find();
    if (live?.status !== 'pending') return this.#ended(live, call);
    if (JSON.stringify(causeOf(live)?.elicitations) !== JSON.stringify(links)) {
      await unlessEnded(interactions.update(live, (data) => ({ ...(data as object), elicitations: links })));
    }
    const now = await find();
    return now?.status === 'pending' ? { pending: now, created: false } : this.#ended(now, call);
  }

  #ended(pending: Pending<InteractionData> | undefined, call: AskedCall): typeof sendAgain {
    call.pending = undefined;
    if (pending !== undefined && isSuperseded(pending)) return sendAgain;
    const error = errorOfEnd(pending ?? { status: 'expired' });
    if (error !== undefined) throw error;
    return sendAgain;
  }

  /** Waits until the person is done, or for as long as the server is not asked again by itself. */
  async #pause(pending: Pending<InteractionData>, call: AskedCall): Promise<typeof sendAgain> {
    const { interactions, tries } = this.#options.coordinator;
    const ageMs = (await interactions.surroundings.now()) - pending.createdAtMs;
    const signal = AbortSignal.any([this.#stop.signal, ...(call.signal ? [call.signal] : [])]);
    const ended = await interactions.wait(pending, { timeoutMs: tryPauseMs(ageMs, tries), signal });
    return ended === undefined ? sendAgain : this.#ended(ended, call);
  }

  /** Whether a call is what a person has been asked for: its own parked request is tried. */
  async #isFor(tried: Pending<InteractionData>, { key }: AskedCall): Promise<boolean> {
    const { context, server } = this.#options;
    if (tried.status !== 'pending' || tried.namespace.partition !== context.namespace.partition) return false;
    const isOurs = tried.data?.flow === this.#options.coordinator.elicitations.name;
    const cause = isOurs ? causeOf(tried) : undefined;
    return cause?.server === server && key !== undefined && cause.call === (await hashId(key));
  }

  #unlessKnown(
    elicitation: NonNullable<ClientHandlers['elicitation']>,
  ): NonNullable<ClientHandlers['elicitation']> {
    return (request, from, context) =>
      request.mode === 'url' && this.#known.delete(request.url)
        ? { action: 'accept' }
        : elicitation(request, from, context);
  }
}

/** Whether a person is being asked for a call's links already. */
function isAskedFor({ pending }: AskedCall, links: readonly Elicitation[]): boolean {
  const cause = pending && causeOf(pending);
  return cause !== undefined && isSameQuestion(cause.elicitations, links);
}

/** Whether a handler's person has said yes to it, or to the link that was made before it. */
function isAccepted({ accepted }: AskedCall, link: Elicitation): boolean {
  return accepted.some((before) => isSameQuestion([before], [link]));
}

function linksOfRounds(error: unknown, { links }: AskedCall): readonly Elicitation[] {
  return sdkCodeIn(error) === 'InputRequiredRoundsExceeded' ? links : [];
}

function declined(server: string): PosternError {
  return new PosternError(
    'ERR_POSTERN_AUTH_DENIED',
    `the person declined what ${JSON.stringify(server)} asks for`,
    { hint: 'Make the call again to be asked again.' },
  );
}

function closed(server: string): PosternError {
  return new PosternError(
    'ERR_POSTERN_CLIENT_CLOSED',
    `the session with ${JSON.stringify(server)} was closed while a person was waited for`,
  );
}
