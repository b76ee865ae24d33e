import { metaKeys } from '../../wire/eras/envelope.ts';
import {
  errorText,
  isObject,
  rpcCodes,
  type ErrorMessage,
  type Message,
  type MessageId,
  type NotificationMessage,
  type RequestMessage,
  type ResultMessage,
} from '../../wire/message.ts';
import { spliced } from '../../wire/splice.ts';

/** Where a link's messages go. */
export interface LinkWire {
  readonly queuedBytes: number;
  send(text: string): Promise<boolean>;
}

/** Where what belongs to one call goes. Texts are JSON in the caller's own words: its id, its progress token. */
export interface CallSink {
  answer(message: ResultMessage | ErrorMessage, text: string): Promise<void> | void;
  event(text: string): Promise<void> | void;
}

/** A call that has been sent. */
export interface Call {
  /** Tells the server that nobody waits for it any more. Nothing comes of it from then on. */
  cancel(reason?: string): void;
  /** Lets it go on, and drops what comes of it. */
  abandon(): void;
}

/** What the server says or asks outside of any call that it names. */
export type LooseMessage = NotificationMessage | RequestMessage;

export interface ServerLinkOptions {
  readonly maxCalls: number;
  readonly maxQueuedBytes: number;
  readonly onLoose: (message: LooseMessage) => Promise<void> | void;
  /** Counts what came for nobody. */
  readonly onDropped: () => void;
}

interface OpenCall {
  readonly id: MessageId;
  readonly progressToken: MessageId | undefined;
  readonly sink: CallSink;
  /** Whether an answer comes of it before its client has enough of it. */
  readonly isStream: boolean;
}

/** Answers that are not counted as nobody's. */
const maxForgotten = 10_000;
const subscriptionKey = metaKeys.subscriptionId;

/**
 * One connection to a stdio server, which the calls of several callers can share: each call has an id of the link's own on
 * the way, and so has its progress token. All else of a message is handed on as it is written.
 */
export class ServerLink {
  readonly #wire: LinkWire;
  readonly #options: ServerLinkOptions;
  readonly #calls = new Map<number, OpenCall>();
  /** Abandoned or cancelled: the server may still answer them. */
  readonly #forgotten = new Set<number>();
  #lastId = 0;
  #ended: string | undefined;

  constructor(wire: LinkWire, options: ServerLinkOptions) {
    this.#wire = wire;
    this.#options = options;
  }

  get callsInFlight(): number {
    return this.#calls.size;
  }

  /** Calls that whoever waits for an answer waits for. */
  get answersDue(): number {
    return [...this.#calls.values()].filter(({ isStream }) => !isStream).length;
  }

  get ended(): boolean {
    return this.#ended !== undefined;
  }

  /** Why no further call can be sent just now, if so. */
  get fullBecause(): string | undefined {
    if (this.#calls.size >= this.#options.maxCalls) return `${this.#calls.size} calls are in flight`;
    if (this.#wire.queuedBytes > this.#options.maxQueuedBytes)
      return 'the server does not read what it is sent';
    return undefined;
  }

  /** Sends a call. Its answer comes to `sink`, and to nobody else. Once the link has ended, that is an error. */
  call(message: RequestMessage, sink: CallSink): Call {
    const linkId = ++this.#lastId;
    const meta = message.params?.['_meta'];
    const token = isObject(meta) ? meta['progressToken'] : undefined;
    const progressToken = typeof token === 'string' || typeof token === 'number' ? token : undefined;
    const call: OpenCall = {
      id: message.id,
      progressToken,
      sink,
      isStream: message.method === 'subscriptions/listen',
    };
    if (this.#ended !== undefined) {
      this.#fail(call, this.#ended);
      return { cancel: () => undefined, abandon: () => undefined };
    }
    this.#calls.set(linkId, call);
    void this.#wire.send(outgoing(message, linkId, progressToken !== undefined));
    const forget = (): boolean => {
      if (!this.#calls.delete(linkId)) return false;
      // Of many, the first have most likely been forgotten by the server, too.
      if (this.#forgotten.size >= maxForgotten) this.#forgotten.clear();
      this.#forgotten.add(linkId);
      return true;
    };
    return {
      abandon: () => void forget(),
      cancel: (reason) => {
        if (forget())
          void this.notify('notifications/cancelled', {
            requestId: linkId,
            ...(reason !== undefined && { reason }),
          });
      },
    };
  }

  /** A call of our own. @param timeoutMs after which it is cancelled, and the promise rejected. */
  ask(method: string, params: object | undefined, timeoutMs: number): Promise<ResultMessage | ErrorMessage> {
    return new Promise((resolve, reject) => {
      const text = JSON.stringify({ jsonrpc: '2.0', id: 0, method, params });
      const message = {
        kind: 'request',
        id: 0,
        method,
        text,
        ...(params && { params: params as Record<string, unknown> }),
      } as const;
      const call = this.call(message, {
        answer: (answer) => {
          clearTimeout(timer);
          resolve(answer);
        },
        event: () => undefined,
      });
      const timer = setTimeout(() => {
        call.cancel('timed out');
        reject(new Error(`${method} was not answered within ${timeoutMs} ms`));
      }, timeoutMs);
    });
  }

  notify(method: string, params: object): Promise<boolean> {
    return this.#wire.send(JSON.stringify({ jsonrpc: '2.0', method, params }));
  }

  /** Hands on what answers the server, or tells it something. */
  hand(text: string): Promise<boolean> {
    return this.#wire.send(text);
  }

  /** Takes what the server has sent. A promise holds it back. */
  take(message: Message): Promise<void> | void {
    switch (message.kind) {
      case 'result':
      case 'error':
        return this.#answered(message);
      case 'request':
        return this.#options.onLoose(message);
      case 'notification':
        return this.#told(message);
    }
  }

  /** An answer that cannot be read ends its call all the same. */
  takeUnreadable(id: MessageId, reason: string): void {
    const call = typeof id === 'number' ? this.#calls.get(id) : undefined;
    if (call === undefined) return;
    this.#calls.delete(id as number);
    this.#fail(call, `the server's answer is no message of JSON-RPC: ${reason}`);
  }

  /** Nothing comes any more: every call in flight is answered with an error that says why. */
  end(reason: string): void {
    if (this.#ended !== undefined) return;
    this.#ended = reason;
    const calls = [...this.#calls.values()];
    this.#calls.clear();
    for (const call of calls) this.#fail(call, reason);
  }

  #answered(message: ResultMessage | ErrorMessage): Promise<void> | void {
    const { id } = message;
    const call = typeof id === 'number' ? this.#calls.get(id) : undefined;
    if (call === undefined) {
      if (typeof id !== 'number' || !this.#forgotten.delete(id)) this.#options.onDropped();
      return undefined;
    }
    this.#calls.delete(id as number);
    return call.sink.answer(message, answerText(message, call.id));
  }

  #told(message: NotificationMessage): Promise<void> | void {
    const meta = message.params?.['_meta'];
    const subscription = isObject(meta) ? meta[subscriptionKey] : undefined;
    const path =
      message.method === 'notifications/progress'
        ? ['params', 'progressToken']
        : subscription !== undefined && ['params', '_meta', subscriptionKey];
    if (path === false) return this.#options.onLoose(message);
    const linkId = subscription ?? message.params?.['progressToken'];
    const call = this.#calls.get(typeof linkId === 'string' ? Number(linkId) : (linkId as number));
    const own = subscription === undefined ? call?.progressToken : call?.id;
    if (call === undefined || own === undefined) {
      this.#options.onDropped();
      return undefined;
    }
    return call.sink.event(renamed(message, path, own));
  }

  #fail({ id, sink }: OpenCall, reason: string): void {
    const error = { code: rpcCodes.serverError, message: reason };
    void sink.answer({ kind: 'error', id, error }, errorText(id, error));
  }
}

/** The text of a message: as it was read, or written anew where it was not. */
export function textOf(message: Message): string {
  if (message.text !== undefined) return message.text;
  const { kind: _kind, text: _text, ...members } = message;
  return JSON.stringify({ jsonrpc: '2.0', ...members });
}

function outgoing(message: RequestMessage, linkId: number, hasToken: boolean): string {
  const id = String(linkId);
  const text = spliced(textOf(message), ['id'], id);
  const whole =
    text !== undefined && hasToken ? spliced(text, ['params', '_meta', 'progressToken'], id) : text;
  if (whole !== undefined) return whole;
  // A member is named twice. Which of the two the server would go by is not left to it.
  const meta = message.params?.['_meta'];
  const params = hasToken
    ? { ...message.params, _meta: { ...(meta as object), progressToken: linkId } }
    : message.params;
  return JSON.stringify({ jsonrpc: '2.0', id: linkId, method: message.method, params });
}

function answerText(message: ResultMessage | ErrorMessage, id: MessageId): string {
  const text = spliced(textOf(message), ['id'], JSON.stringify(id));
  if (text !== undefined) return text;
  const outcome = message.kind === 'result' ? { result: message.result } : { error: message.error };
  return JSON.stringify({ jsonrpc: '2.0', id, ...outcome });
}

function renamed(message: NotificationMessage, path: readonly string[], own: MessageId): string {
  const text = spliced(textOf(message), path, JSON.stringify(own));
  if (text !== undefined) return text;
  const params = structuredClone(message.params ?? {}) as Record<string, unknown>;
  let at = params;
  for (const name of path.slice(1, -1)) at = at[name] as Record<string, unknown>;
  at[path.at(-1) as string] = own;
  return JSON.stringify({ jsonrpc: '2.0', method: message.method, params });
}
