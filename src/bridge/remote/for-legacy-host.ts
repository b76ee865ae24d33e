import { sleep } from '../../core/clock.ts';
import { withSignal } from '../../sync/with-signal.ts';
import { enveloped, metaKeys, type Envelope } from '../../wire/eras/envelope.ts';
import { answered, inputRequired, type InputRequest } from '../../wire/eras/input-required.ts';
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
import {
  abilitiesIn,
  canBeAsked,
  linkIn,
  linksText,
  type AskedLink,
  type HostAbilities,
} from './asked-links.ts';
import type { Remote } from './legacy-remote.ts';
import type { ModernRemote } from './modern-remote.ts';
import type { RemoteOptions, RequestOptions } from './remote-options.ts';
import { answerOf, withAnswerId, type Answer } from './answer.ts';

/** How often one call may ask for input. */
const maxRounds = 10;
/** How long a call waits for a person that its host has shown a link; then it says so, rather than be given up by the host. */
const personMs = 50_000;
/** The pauses before a server that waits for something is asked again. */
const firstPauseMs = 1_000;
const longestPauseMs = 5_000;
const longestReopenMs = 30_000;

/**
 * A server of the modern era for a host of the one before: requests are enveloped, questions in results become questions of
 * their own, and what the host cannot subscribe to is subscribed to for it.
 */
export class ForLegacyHost implements Remote {
  readonly #remote: ModernRemote;
  readonly #options: RemoteOptions;
  readonly #capabilities: Readonly<Record<string, unknown>>;
  readonly #able: HostAbilities;
  readonly #subscribed = new Set<string>();
  readonly #waiting = new Map<MessageId, (answer: Answer) => void>();
  readonly #closed = new AbortController();
  #envelope: Envelope;
  #listening: AbortController | undefined;
  #count = 0;

  /** @param said `capabilities`: of the host. `served`: what the server says that it can do. */
  constructor(
    remote: ModernRemote,
    options: RemoteOptions,
    said: {
      readonly envelope: Envelope;
      readonly capabilities: Envelope['capabilities'];
      readonly served: unknown;
    },
  ) {
    const { envelope, capabilities, served } = said;
    this.#remote = remote;
    this.#options = options;
    this.#envelope = envelope;
    this.#able = abilitiesIn(capabilities);
    this.#capabilities = isObject(served) ? served : {};
  }

  async begin(): Promise<void> {
    this.#listen();
  }

  async request(message: RequestMessage, options: RequestOptions = {}): Promise<Answer> {
    const { id, method, params } = message;
    switch (method) {
      case 'ping':
        return answerOf(resultText(id, {}));
      case 'logging/setLevel':
        this.#envelope = { ...this.#envelope, logLevel: params?.['level'] };
        return answerOf(resultText(id, {}));
      case 'resources/subscribe':
      case 'resources/unsubscribe': {
        const uri = params?.['uri'];
        if (typeof uri === 'string' && method === 'resources/subscribe') this.#subscribed.add(uri);
        else this.#subscribed.delete(String(uri));
        this.#listen();
        return answerOf(resultText(id, {}));
      }
      default:
        return this.#inRounds(message, options.signal ?? this.#closed.signal);
    }
  }

  /** Answers of the host go to whoever asked; of what it says by itself, such a server has no use. */
  async notify(message: Message): Promise<void> {
    if (message.kind !== 'result' && message.kind !== 'error') return;
    if (message.id === undefined) return;
    this.#waiting.get(message.id)?.(message);
    this.#waiting.delete(message.id);
  }

  async close(): Promise<void> {
    this.#closed.abort(new DOMException('The bridge was closed.', 'AbortError'));
    this.#listening?.abort();
    await this.#remote.close();
  }

  /** Takes what the server says by itself. */
  static pass(onMessage: RemoteOptions['onMessage']): RemoteOptions['onMessage'] {
    return (message) => {
      if (message.method === 'notifications/subscriptions/acknowledged') return;
      return onMessage(withoutSubscription(message));
    };
  }

  async #inRounds(message: RequestMessage, signal: AbortSignal): Promise<Answer> {
    const { id, method } = message;
    const accepted = new Map<string, AskedLink>();
    let next = enveloped(message, this.#envelope);
    let waitedMs = 0;
    let pauseMs = firstPauseMs;
    for (let rounds = 0; ;) {
      const answer = await this.#remote.request(next, { signal });
      const asked = answer.kind === 'result' ? inputRequired(answer.result) : undefined;
      if (asked === undefined) return withAnswerId(answer, id);
      if (asked === 'invalid')
        return failure(id, 'the server asks for input in a way that is not understood');
      const unseen = asked.requests.filter((request) => !accepted.has(keyOf(request)));
      if (unseen.length > 0 && ++rounds > maxRounds)
        return failure(id, `the server has asked for input ${maxRounds} times`);
      const links = unseen.flatMap(({ params }) => linkIn(params) ?? []);
      if (!this.#able.url && links.length > 0)
        return answerOf(linksText(id, this.#options.server, links, method));
      if (unseen.length === 0) {
        // Nothing new to ask: whoever was shown a link is not done yet.
        if (waitedMs >= personMs && accepted.size > 0)
          return answerOf(linksText(id, this.#options.server, [...accepted.values()], method));
        await sleep(pauseMs, { signal });
        signal.throwIfAborted();
        waitedMs += pauseMs;
        pauseMs = Math.min(pauseMs * 2, longestPauseMs);
      }
      const responses: Record<string, unknown> = {};
      for (const request of asked.requests) {
        if (accepted.has(keyOf(request))) {
          responses[request.key] = { action: 'accept' };
          continue;
        }
        if (!canBeAsked(this.#able, request))
          return failure(
            id,
            `the server asks for ${JSON.stringify(request.method)}, which this host cannot answer`,
          );
        const response = await this.#askHost(request, signal);
        if (response === undefined) return failure(id, 'the host could not answer what the server asks for');
        const link = linkIn(request.params);
        if (link !== undefined && isAccepted(response)) accepted.set(keyOf(request), link);
        responses[request.key] = response;
      }
      const again = enveloped(message, this.#envelope);
      next = answered(again, `postern:${++this.#count}`, { responses, requestState: asked.requestState });
    }
  }

  /** What the host answers to one question; `undefined` when it fails in a way that is no answer. */
  async #askHost({ method, params }: InputRequest, signal: AbortSignal): Promise<unknown> {
    const id = `postern:ask:${++this.#count}`;
    const isLink = linkIn(params) !== undefined;
    const asked = { ...params, ...(isLink && { elicitationId: `${id}:${crypto.randomUUID()}` }) };
    const answer = new Promise<Answer>((resolve) => this.#waiting.set(id, resolve));
    try {
      await this.#options.onMessage({ kind: 'request', id, method, params: asked });
      const found = await withSignal(answer, signal);
      if (found.kind === 'result') return found.result;
      return method === 'elicitation/create' ? { action: 'cancel' } : undefined;
    } finally {
      this.#waiting.delete(id);
    }
  }

  /** Opens what notifications come by, anew where that has changed. */
  #listen(): void {
    this.#listening?.abort();
    this.#listening = new AbortController();
    void this.#keepListening(AbortSignal.any([this.#listening.signal, this.#closed.signal]));
  }

  async #keepListening(signal: AbortSignal): Promise<void> {
    const notifications = this.#wanted();
    if (Object.keys(notifications).length === 0) return;
    for (let pauseMs = firstPauseMs; !signal.aborted; pauseMs = Math.min(pauseMs * 2, longestReopenMs)) {
      const listen: RequestMessage = {
        kind: 'request',
        id: `postern:listen:${++this.#count}`,
        method: 'subscriptions/listen',
        params: { notifications },
      };
      const answer = await this.#remote
        .request(enveloped(listen, this.#envelope), { signal })
        .catch(() => undefined);
      // Whoever has no such stream says so, and is not asked again.
      if (answer?.kind === 'error') return;
      await sleep(pauseMs, { signal, keepAlive: false });
    }
  }

  #wanted(): Record<string, unknown> {
    const changes = (of: string): boolean => {
      const capability = this.#capabilities[of];
      return isObject(capability) && capability['listChanged'] === true;
    };
    return {
      ...(changes('tools') && { toolsListChanged: true }),
      ...(changes('prompts') && { promptsListChanged: true }),
      ...(changes('resources') && { resourcesListChanged: true }),
      ...(this.#subscribed.size > 0 && { resourceSubscriptions: [...this.#subscribed] }),
    };
  }
}

function withoutSubscription<M extends RequestMessage | NotificationMessage>(message: M): M {
  const meta = message.params?.['_meta'];
  if (!isObject(meta) || meta[metaKeys.subscriptionId] === undefined) return message;
  const { [metaKeys.subscriptionId]: _id, ...rest } = meta;
  const { _meta, ...params } = message.params ?? {};
  const { text: _text, ...bare } = message;
  return { ...bare, params: { ...params, ...(Object.keys(rest).length > 0 && { _meta: rest }) } } as M;
}

/** A question that comes again is the same, whatever it is called this time. */
function keyOf({ method, params }: InputRequest): string {
  return JSON.stringify([method, params?.['url'], params?.['message']]);
}

function isAccepted(response: unknown): boolean {
  return isObject(response) && response['action'] === 'accept';
}

function failure(id: MessageId, message: string): Answer {
  return answerOf(errorText(id, { code: rpcCodes.serverError, message }));
}
