import { envelopeOf, unveloped, withId } from '../../wire/eras/envelope.ts';
import { toDiscoverResult } from '../../wire/eras/greetings.ts';
import { inputRequiredResult } from '../../wire/eras/input-required.ts';
import { withMember } from '../../wire/members.ts';
import {
  errorText,
  isObject,
  resultText,
  rpcCodes,
  type Message,
  type MessageId,
  type NotificationMessage,
  type RequestMessage,
} from '../../wire/message.ts';
import { abilitiesIn, canBeAsked, linkIn, linksOfError, linksText } from './asked-links.ts';
import { HostSubscriptions } from './host-subscriptions.ts';
import type { LegacyRemote, Remote } from './legacy-remote.ts';
import type { RemoteOptions, RequestOptions } from './remote-options.ts';
import { answerOf, textOf, withAnswerId, type Answer } from './answer.ts';

/** How long a call that has asked its host something waits for it to come back. */
const parkedMs = 10 * 60_000;
const maxParked = 256;

/** The results that are kept by whoever gets them, as long as they say. */
const cacheable: ReadonlySet<string> = new Set([
  'tools/list',
  'prompts/list',
  'resources/list',
  'resources/templates/list',
  'resources/read',
]);

/** A call on its way to the server, which may outlast the request of the host that began it. */
interface Call {
  readonly message: RequestMessage;
  readonly answer: Promise<Answer>;
  readonly stop: AbortController;
  /** What the server asks, and has not been told, by the key that the host knows it by. */
  readonly questions: Map<string, RequestMessage>;
  /** Called when there is a question more. */
  wake: () => void;
  /** The server was told to ask again by the call itself: once its person is done, it is made anew. */
  again?: boolean;
}

/**
 * A server of the legacy era for a host of the modern one: the session is kept here, questions of the server become results
 * that ask for input, and the call that asks waits here until the host comes back.
 */
export class ForModernHost implements Remote {
  readonly #remote: LegacyRemote;
  readonly #options: RemoteOptions;
  readonly #greeting: unknown;
  readonly #calls = new Map<MessageId, Call>();
  readonly #parked = new Map<
    string,
    { readonly call: Call; readonly timer: ReturnType<typeof setTimeout> }
  >();
  readonly #subscriptions: HostSubscriptions;
  #level: unknown;
  #count = 0;

  /** @param greeting what the server answered to `initialize`. */
  constructor(remote: LegacyRemote, options: RemoteOptions, greeting: unknown) {
    this.#remote = remote;
    this.#options = options;
    this.#greeting = greeting;
    this.#subscriptions = new HostSubscriptions(options.onMessage, (method, uri) =>
      this.#subscribe(method, uri),
    );
  }

  /** What the server says by itself, or in the course of a call. */
  async pass(
    message: RequestMessage | NotificationMessage,
    within: RequestMessage | undefined,
  ): Promise<void> {
    if (message.kind === 'notification') {
      if (message.method === 'notifications/elicitation/complete') return;
      if (await this.#subscriptions.pass(message)) return;
      await this.#options.onMessage(message);
      return;
    }
    if (message.method === 'ping') return this.#reply(message.id, {});
    const call = within === undefined ? this.#oldestCall() : this.#calls.get(within.id);
    const able = call && abilitiesIn(envelopeOf(call.message).capabilities);
    const isLink = linkIn(message.params) !== undefined;
    if (call === undefined || able === undefined || !(isLink || canBeAsked(able, message))) {
      const error = { code: rpcCodes.methodNotFound, message: 'the host cannot be asked that' };
      await this.#remote.notify({ kind: 'error', id: message.id, error });
      return;
    }
    call.questions.set(`q${++this.#count}`, message);
    call.wake();
  }

  async request(message: RequestMessage, { signal }: RequestOptions = {}): Promise<Answer> {
    const { id, method, params } = message;
    if (method === 'server/discover') return answerOf(resultText(id, toDiscoverResult(this.#greeting)));
    if (method === 'subscriptions/listen') return this.#subscriptions.hold(message, signal);
    const state = params?.['requestState'];
    const parked = typeof state === 'string' ? this.#parked.get(state) : undefined;
    if (state !== undefined && parked === undefined) {
      return answerOf(
        errorText(id, {
          code: rpcCodes.invalidParams,
          message: 'the call that this answers is over; make it anew',
          data: { reason: 'invalid_request_state' },
        }),
      );
    }
    await this.#setLevel(message);
    const call =
      parked === undefined ? this.#begin(message) : await this.#resume(String(state), parked, message);
    return this.#settle(call, message, signal);
  }

  /** What a host of this era says by itself, no server of the other has a use for. */
  async notify(_message: Message): Promise<void> {}

  async close(): Promise<void> {
    for (const { timer } of this.#parked.values()) clearTimeout(timer);
    for (const { stop } of this.#calls.values()) stop.abort();
    await this.#remote.close();
  }

  #begin(message: RequestMessage): Call {
    const stop = new AbortController();
    const answer = this.#remote.request(unveloped(message), { signal: stop.signal });
    answer.catch(() => {});
    const call: Call = { message, answer, stop, questions: new Map(), wake: () => {} };
    this.#calls.set(message.id, call);
    const over = (): void => void this.#calls.delete(message.id);
    answer.then(over, over);
    return call;
  }

  async #resume(
    state: string,
    { call, timer }: { readonly call: Call; readonly timer: ReturnType<typeof setTimeout> },
    { id, params }: RequestMessage,
  ): Promise<Call> {
    clearTimeout(timer);
    this.#parked.delete(state);
    if (call.again === true) return this.#begin(withId(call.message, id));
    const given = params?.['inputResponses'];
    for (const [key, question] of call.questions) {
      const response = isObject(given) && Object.hasOwn(given, key) ? given[key] : undefined;
      if (response === undefined) continue;
      call.questions.delete(key);
      await this.#reply(question.id, response);
    }
    return call;
  }

  /** The answer of a call, or what the server asks before it. */
  async #settle(call: Call, message: RequestMessage, signal: AbortSignal | undefined): Promise<Answer> {
    const giveUp = (): void => this.#giveUp(call, signal?.reason);
    signal?.addEventListener('abort', giveUp, { once: true });
    try {
      const asked =
        call.questions.size > 0 ? Promise.resolve() : new Promise<void>((wake) => (call.wake = wake));
      const answer = await Promise.race([call.answer, asked]);
      return answer === undefined ? await this.#ask(call, message) : await this.#complete(answer, message);
    } catch (error) {
      // Its own end is not why the server gave no answer.
      throw signal?.aborted === true ? (signal.reason as Error) : error;
    } finally {
      signal?.removeEventListener('abort', giveUp);
    }
  }

  async #ask(call: Call, message: RequestMessage): Promise<Answer> {
    const { server } = this.#options;
    const able = abilitiesIn(envelopeOf(message).capabilities);
    const questions = [...call.questions];
    const links = questions.flatMap(([, { params }]) => linkIn(params) ?? []);
    if (links.length > 0 && !able.url) {
      for (const [, { id }] of questions) await this.#reply(id, { action: 'cancel' });
      this.#giveUp(call, new DOMException('Its person is told the link.', 'AbortError'));
      return answerOf(complete(linksText(message.id, server, links, message.method)));
    }
    const requests = questions.map(([key, { method, params }]) => ({
      key,
      method,
      ...withoutElicitationId(params),
    }));
    return answerOf(
      resultText(message.id, inputRequiredResult({ requests, requestState: this.#park(call) })),
    );
  }

  /** An answer of the legacy era as one of the modern, under the id of the request that waits for it. */
  async #complete(answer: Answer, message: RequestMessage): Promise<Answer> {
    const { id, method } = message;
    const text = textOf(withAnswerId(answer, id));
    if (answer.kind === 'result') return answerOf(complete(text, cacheable.has(method)));
    if (answer.error.code !== rpcCodes.urlElicitationRequired) return answerOf(text);
    const links = linksOfError(answer.error.data);
    const able = abilitiesIn(envelopeOf(message).capabilities);
    if (links.length === 0 || !able.url)
      return answerOf(complete(linksText(id, this.#options.server, links, method)));
    const requests = links.map((link, at) => ({
      key: `q${at}`,
      method: 'elicitation/create',
      params: { mode: 'url', ...link },
    }));
    const over: Call = {
      message,
      answer: Promise.resolve(answer),
      stop: new AbortController(),
      questions: new Map(),
      wake: () => {},
      again: true,
    };
    return answerOf(resultText(id, inputRequiredResult({ requests, requestState: this.#park(over) })));
  }

  /** Keeps a call until its host comes back with what it was given for it. */
  #park(call: Call): string {
    const state = `postern:${crypto.randomUUID()}`;
    const timer = setTimeout(() => {
      this.#parked.delete(state);
      this.#giveUp(call, new DOMException('The host has not come back.', 'TimeoutError'));
    }, parkedMs);
    timer.unref();
    this.#parked.set(state, { call, timer });
    const [oldest] = this.#parked;
    if (oldest !== undefined && this.#parked.size > maxParked) {
      this.#parked.delete(oldest[0]);
      clearTimeout(oldest[1].timer);
      this.#giveUp(oldest[1].call, new DOMException('Too many calls wait for their host.', 'AbortError'));
    }
    return state;
  }

  #giveUp(call: Call, reason: unknown): void {
    if (call.stop.signal.aborted) return;
    const { id: requestId } = call.message;
    const cancelled: NotificationMessage = {
      kind: 'notification',
      method: 'notifications/cancelled',
      params: { requestId },
    };
    void this.#remote.notify(cancelled).catch(() => {});
    call.stop.abort(reason);
  }

  async #reply(id: MessageId, result: unknown): Promise<void> {
    await this.#remote.notify({ kind: 'result', id, result });
  }

  /** Some servers ask by the stream that belongs to no call. */
  #oldestCall(): Call | undefined {
    const [first] = this.#calls.values();
    return first;
  }

  async #setLevel(message: RequestMessage): Promise<void> {
    const { logLevel: level } = envelopeOf(message);
    const capabilities = isObject(this.#greeting) ? this.#greeting['capabilities'] : undefined;
    if (
      level === undefined ||
      level === this.#level ||
      !isObject(capabilities) ||
      !('logging' in capabilities)
    )
      return;
    this.#level = level;
    await this.#own('logging/setLevel', { level });
  }

  async #subscribe(method: string, uri: string): Promise<void> {
    await this.#own(method, { uri });
  }

  async #own(method: string, params: Record<string, unknown>): Promise<void> {
    const id = `postern:own:${++this.#count}`;
    await this.#remote.request({ kind: 'request', id, method, params }).catch(() => undefined);
  }
}

/** The JSON of an answer whose result says that it is one. */
function complete(text: string, isCacheable = false): string {
  const more = isCacheable
    ? [
        ['cacheScope', '"private"'],
        ['ttlMs', '0'],
        ['resultType', '"complete"'],
      ]
    : [['resultType', '"complete"']];
  let changed = text;
  for (const [name = '', json = ''] of more) changed = withMember(changed, ['result'], name, json) ?? changed;
  return changed;
}

function withoutElicitationId(params: RequestMessage['params']): { params?: Record<string, unknown> } {
  if (params === undefined) return {};
  const { elicitationId: _elicitationId, ...rest } = params;
  return { params: rest };
}
