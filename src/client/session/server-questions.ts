import {
  SdkError,
  SdkErrorCode,
  UrlElicitationRequiredError,
  type Client as SdkClient,
  type ClientContext,
  type RequestOptions,
} from '@modelcontextprotocol/client';
import { findPosternError } from '../../core/postern-error.ts';
import { hashId } from '../../core/random.ts';
import type { Elicitation, ElicitationCause } from '../../interaction/elicitation/elicitation.ts';
import type { InteractionData } from '../../interaction/flow.ts';
import { interactionOf } from '../../interaction/interaction-required-error.ts';
import { isEnded } from '../../interaction/is-ended.ts';
import type { Pending } from '../../pending/pending.ts';
import { AuthorizationRequiredError } from '../auth/authorization-required-error.ts';
import type { ClientHandlers } from './client-handlers.ts';
import { HandlerTime } from './handler-time.ts';
import type { SessionOptions } from './session-options.ts';

/** How many of the links that a server has asked to be shown are remembered. */
const maxAsked = 50;

/** Where a server is that has no address: it may lead to pages there. */
const thisMachine = 'http://127.0.0.1';

/** One call, as far as its server may ask something about it. */
export interface AskedCall {
  /** When it was sent, by a clock that nobody sets. */
  readonly sentAt: number;
  /** The same for a call that is sent again. */
  readonly key: string | undefined;
}

/** What one server asks back while it is called: of handlers, and of a person where a handler is not enough. */
export class ServerQuestions {
  /** The host's own, watched. */
  readonly handlers: ClientHandlers;
  readonly #options: SessionOptions;
  readonly #time = new HandlerTime();
  #asked: { readonly at: number; readonly elicitation: Elicitation }[] = [];
  /** What persons are being asked for here, by the call that needs it. */
  readonly #raised = new Map<string, { pending: Pending<InteractionData>; ids: Set<string> }>();

  constructor(options: SessionOptions) {
    this.#options = options;
    const { elicitation, sampling } = options.handlers;
    this.handlers = {
      ...options.handlers,
      elicitation: elicitation && this.#time.watching(this.#remembering(elicitation)),
      sampling: sampling && this.#time.watching(sampling),
    };
  }

  /**
   * Sends a request of which the time-out does not count what a handler, and so a person, takes meanwhile. Between the
   * requests of the revision 2026-07-28 no time-out runs.
   */
  patiently<T>(
    client: SdkClient,
    options: RequestOptions,
    send: (options: RequestOptions) => Promise<T>,
  ): Promise<T> {
    const { elicitation, sampling } = this.handlers;
    const asksInCalls = client.getProtocolEra() !== 'modern' && (elicitation ?? sampling) !== undefined;
    return asksInCalls ? this.#time.patiently(options, send) : send(options);
  }

  /**
   * What has become of a call that failed: where its server waits for a person at a link of its own, the same error as for a
   * sign-in, with a link of ours. Any other failure is returned as it is.
   *
   * @throws {PosternError} ERR_POSTERN_OAUTH_URL_FORBIDDEN when the server's link must not be opened in a browser.
   * @throws {PosternError} ERR_POSTERN_AUTH_DENIED when the person said no a moment ago.
   */
  async explain(error: unknown, call: AskedCall): Promise<unknown> {
    const { coordinator, context, server, config } = this.#options;
    const found = this.#elicitationsOf(error, call);
    if (found.length === 0) return error;
    const serverUrl = 'url' in config ? config.url : undefined;
    const http = coordinator.httpFor(serverUrl ?? thisMachine);
    const elicitations = found.map(({ url, message, elicitationId }) => ({
      url: http.checkUrl(url).href,
      message,
      elicitationId,
    }));
    const cause: ElicitationCause = { server, elicitations };
    const asked = await coordinator.interactions.ask(
      {
        namespace: context.namespace,
        initiator: context.principal,
        metadata: context.metadata,
        // Whatever asks for the same shares one link, and nothing with the server's credentials.
        resource: `${serverUrl ?? server}#${await hashId(JSON.stringify(elicitations.map(({ url }) => url)))}`,
        alias: server,
        scopes: [],
        cause,
      },
      coordinator.elicitations,
      () => false,
    );
    if (asked === undefined) return error;
    const { pending } = asked;
    await coordinator.present(pending, asked);
    const ids = elicitations.flatMap(({ elicitationId }) => elicitationId ?? []);
    this.#raised.set(call.key ?? pending.id, { pending, ids: new Set(ids) });
    const challenge = { ...interactionOf(pending), contextId: context.id, server, scopes: [] };
    return new AuthorizationRequiredError(challenge, { grantStays: true });
  }

  /** A call went through: what it needed is done, wherever. */
  succeeded(key: string): void {
    const raised = this.#raised.get(key);
    if (raised !== undefined) void this.#finish(key, raised.pending);
  }

  /** The server says that something is done. */
  completed(elicitationId: string): void {
    for (const [key, { pending, ids }] of this.#raised) {
      if (ids.delete(elicitationId) && ids.size === 0) void this.#finish(key, pending);
    }
  }

  async #finish(key: string, pending: Pending<InteractionData>): Promise<void> {
    this.#raised.delete(key);
    const { coordinator, logger } = this.#options;
    try {
      await coordinator.interactions.finish(pending, undefined);
    } catch (error) {
      if (isEnded(error)) return;
      logger.warn('what a server asked for is done, and could not be ended here', {
        code: findPosternError(error)?.code,
      });
    }
  }

  #remembering(
    elicitation: NonNullable<ClientHandlers['elicitation']>,
  ): NonNullable<ClientHandlers['elicitation']> {
    return (request, from, context: ClientContext) => {
      if (request.mode === 'url') {
        const { url, message, elicitationId } = request;
        this.#asked = [
          ...this.#asked,
          { at: performance.now(), elicitation: { url, message, elicitationId } },
        ];
        this.#asked = this.#asked.slice(-maxAsked);
      }
      return elicitation(request, from, context);
    };
  }

  #elicitationsOf(error: unknown, { sentAt }: AskedCall): readonly Elicitation[] {
    if (UrlElicitationRequiredError.isInstance(error)) return error.elicitations;
    if (!SdkError.isInstance(error) || error.code !== SdkErrorCode.InputRequiredRoundsExceeded) return [];
    // Whoever has accepted is polled for, and not asked again: the link came in an earlier round.
    const latest = this.#asked.findLast(({ at }) => at >= sentAt);
    return latest === undefined ? [] : [latest.elicitation];
  }
}
