import type { ElicitResult, McpServer, RequestOptions, ServerContext } from '@modelcontextprotocol/server';
import * as z from 'zod';
import { isPosternError } from '../core/postern-error.ts';
import { hashId, randomId } from '../core/random.ts';
import { storageOf } from '../namespace/namespace.ts';
import type { Pending } from '../pending/pending.ts';
import { Collection } from '../storage/collection.ts';
import { SingleFlight } from '../sync/single-flight.ts';
import { withSignal } from '../sync/with-signal.ts';
import type { InteractionData } from '../interaction/flow.ts';
import { interactionOf } from '../interaction/interaction-required-error.ts';
import type { Interactions } from '../interaction/interactions.ts';
import { elicitationId } from './call-answers.ts';
import { answerLimits, answerOf } from './client-answer.ts';

/** The call in whose session a person is asked. */
export interface PromptCall {
  readonly mcp: ServerContext;
  readonly timeoutMs: number;
  /** What reaches the session when the call has ended. */
  readonly server: McpServer | undefined;
}

/**
 * What became of an `elicitation/create`. `dismissed`: its person closed it, and answered nothing. `over`: there was nothing to ask any more. `aborted`: its call ended before the
 * client had answered.
 */
type Sent = 'accepted' | 'declined' | 'dismissed' | 'undeliverable' | 'over' | 'aborted';

/** Why a prompt is taken back. */
const unanswered: unique symbol = Symbol('unanswered');
const over: unique symbol = Symbol('over');

interface Place {
  readonly key: string;
  readonly path: readonly string[];
  readonly elicitationId: string;
}

const markRecord = z.looseObject({ acceptedAtMs: z.number() });
/** A completion in the last moment is announced, too. */
const graceMs = 60_000;

/**
 * Asks people through sessions of the revision 2025-11-25: `elicitation/create` in URL mode, and the notification of
 * its completion.
 *
 * A session is asked once for each pending, however many calls wait for it. That it has been asked is written down
 * when its client has answered, not before: a prompt that was lost is sent again by the next call.
 */
export class Prompts {
  readonly #interactions: Interactions;
  readonly #sending = new SingleFlight<Sent>();
  readonly #connections = new WeakMap<McpServer, string>();
  readonly #ownConnection = randomId();
  readonly #followed = new Map<string, Promise<void>>();
  readonly #closing = new AbortController();

  constructor(interactions: Interactions) {
    this.#interactions = interactions;
  }

  /**
   * Asks, waits until the pending has ended, and returns it; `undefined` when it has not in time, when the client
   * cannot be asked, or when its person closed the question: nobody has answered it then, and it may be asked again.
   *
   * @throws the signal's reason when the call is cancelled; the pending goes on for the others.
   */
  async ask(
    pending: Pending<InteractionData>,
    call: PromptCall,
  ): Promise<Pending<InteractionData> | undefined> {
    if (pending.status !== 'pending') return pending;
    const place = await this.#place(pending, call);
    const stop = new AbortController();
    const { signal: leaving } = this.#interactions.leaving;
    const signal = AbortSignal.any([call.mcp.mcpReq.signal, stop.signal]);
    // Another process goes on: the link is the answer, as when the time is over.
    const onLeaving = (): void => stop.abort(unanswered);
    leaving.addEventListener('abort', onLeaving, { once: true });
    if (leaving.aborted) onLeaving();
    let accepted = false;
    this.#send(pending, place, call, signal).then(
      (sent) => {
        accepted = sent === 'accepted';
        if (sent === 'undeliverable' || sent === 'dismissed') stop.abort(unanswered);
      },
      (error: unknown) => stop.abort(error),
    );
    let ended: Pending<InteractionData> | undefined;
    try {
      ended = await this.#interactions.wait(pending, { timeoutMs: call.timeoutMs, signal });
    } catch (error) {
      if (error !== unanswered) throw error;
    } finally {
      leaving.removeEventListener('abort', onLeaving);
      stop.abort(ended === undefined ? undefined : over);
    }
    if (ended !== undefined) await this.#announce(pending, ended, place, () => notifyInCall(call, place));
    else if (accepted) this.#follow(pending, place, call);
    return ended;
  }

  /** Stops announcing completions after their calls. */
  async close(): Promise<void> {
    this.#closing.abort();
    await Promise.allSettled(this.#followed.values());
  }

  async #send(
    pending: Pending<InteractionData>,
    place: Place,
    call: PromptCall,
    signal: AbortSignal,
  ): Promise<Sent> {
    for (;;) {
      if ((await this.#marks(pending).findReadable(...place.path)) !== undefined) return 'accepted';
      signal.throwIfAborted();
      let leading = false;
      const elicited = this.#sending.run(place.key, () => {
        leading = true;
        return this.#elicit(pending, place, call, signal);
      });
      const sent = await withSignal(elicited, signal);
      if (sent !== 'aborted' || leading) return sent;
    }
  }

  async #elicit(
    pending: Pending<InteractionData>,
    place: Place,
    { mcp, timeoutMs }: PromptCall,
    signal: AbortSignal,
  ): Promise<Sent> {
    const { message, url } = interactionOf(pending);
    let action: string;
    try {
      // On the stream of the call: the client may have no other open, and what is sent to none is lost in silence.
      const options = { relatedRequestId: mcp.mcpReq.id, timeout: timeoutMs + 1_000, signal };
      const params = { mode: 'url' as const, message, url, elicitationId: place.elicitationId };
      const elicit = (own: RequestOptions): Promise<ElicitResult> => mcp.mcpReq.elicitInput(params, own);
      const limits = answerLimits(timeoutMs);
      ({ action } = await answerOf(mcp, limits, 'elicitation/create', options, elicit));
    } catch {
      if (!signal.aborted) return 'undeliverable';
      return signal.reason === over ? 'over' : 'aborted';
    }
    if (action === 'cancel') return 'dismissed';
    if (action !== 'accept') {
      await this.#interactions.decline(pending);
      return 'declined';
    }
    const { surroundings } = this.#interactions;
    await this.#marks(pending).put(
      place.path,
      { acceptedAtMs: await surroundings.now() },
      { expiresAtMs: pending.expiresAtMs + graceMs },
    );
    return 'accepted';
  }

  /** Announces a completion although the call that asked has ended; once for each session and pending. */
  #follow(pending: Pending<InteractionData>, place: Place, call: PromptCall): void {
    const notify = notifierAfterCall(call, place);
    if (notify === undefined || this.#followed.has(place.key) || this.#closing.signal.aborted) return;
    const { logger } = this.#interactions.surroundings;
    const following = this.#interactions
      .untilEnd(pending, { signal: this.#closing.signal, keepAlive: false })
      .then((ended) => this.#announce(pending, ended, place, notify))
      .catch((error: unknown) => {
        if (this.#closing.signal.aborted) return;
        const code = isPosternError(error) ? error.code : undefined;
        logger.warn('the completion of an interaction was not announced', { kind: pending.kind, code });
      })
      .finally(() => this.#followed.delete(place.key));
    this.#followed.set(place.key, following);
  }

  async #announce(
    pending: Pending<InteractionData>,
    ended: Pending<InteractionData> | undefined,
    place: Place,
    notify: () => Promise<void>,
  ): Promise<void> {
    if (ended?.status !== 'completed') return;
    // Of several calls of the session, one takes the mark and says it. Nothing depends on the client's hearing it.
    if ((await this.#marks(pending).take(...place.path)) !== undefined) await notify().catch(() => {});
  }

  #marks(pending: Pending): Collection<z.infer<typeof markRecord>> {
    return new Collection(
      storageOf(this.#interactions.surroundings.storage, pending.namespace).namespace('prompted'),
      markRecord,
      this.#interactions.surroundings.onUnreadable,
    );
  }

  async #place(pending: Pending, { mcp, server }: PromptCall): Promise<Place> {
    const session = mcp.sessionId ?? this.#connection(server);
    const path = [await hashId(pending.id), await hashId(session)];
    return { key: path.join(' '), path, elicitationId: await elicitationId(pending.id, session) };
  }

  /** A name for a connection that has no session id: it ends with its process. */
  #connection(server: McpServer | undefined): string {
    if (server === undefined) return this.#ownConnection;
    const name = this.#connections.get(server) ?? randomId();
    this.#connections.set(server, name);
    return name;
  }
}

async function notifyInCall({ mcp }: PromptCall, place: Place): Promise<void> {
  const params = { elicitationId: place.elicitationId };
  await mcp.mcpReq.notify({ method: 'notifications/elicitation/complete', params });
}

/** `undefined` when nothing leads to the client any more: over HTTP a call's own stream ends with it. */
function notifierAfterCall(call: PromptCall, place: Place): (() => Promise<void>) | undefined {
  const { server, mcp } = call;
  if (server !== undefined)
    return async () => server.server.createElicitationCompletionNotifier(place.elicitationId)();
  return mcp.http?.req === undefined ? () => notifyInCall(call, place) : undefined;
}
