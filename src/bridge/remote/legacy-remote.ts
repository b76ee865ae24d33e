import { isPosternError, PosternError } from '../../core/postern-error.ts';
import type { Message, RequestMessage } from '../../wire/message.ts';
import type { RequestOptions } from './remote-options.ts';
import { versionIn, type Answer } from './answer.ts';

/** How messages reach a server of the revisions that have sessions. */
export interface LegacyTransport {
  sessionId: string | undefined;
  protocolVersion: string | undefined;
  request(message: RequestMessage, options?: RequestOptions): Promise<Answer>;
  notify(message: Message, options?: RequestOptions): Promise<void>;
  /** Takes what the server sends by itself. Never rejects. */
  listen(signal: AbortSignal): Promise<void>;
  endSession(timeoutMs: number): Promise<void>;
}

/** Where requests go once the greeting is over. */
export interface Remote {
  request(message: RequestMessage, options?: RequestOptions): Promise<Answer>;
  notify(message: Message): Promise<void>;
  close(): Promise<void>;
}

/** How long the server has to hear that a session is over. */
const endMs = 1_000;
/** What a session is told to remember, at most. */
const maxRemembered = 1_000;

/**
 * A session with a server of 2025-11-25 and before. One that the server has forgotten is begun again, as its host had begun
 * it, and what the server had not taken is sent once more.
 */
export class LegacyRemote implements Remote {
  readonly #transport: LegacyTransport;
  readonly #initialize: RequestMessage;
  #initialized: Message | undefined;
  #renewing: Promise<void> | undefined;
  readonly #closed = new AbortController();
  /** What the session was told and a new one has to be told, too: subscriptions, and the level of the log. */
  readonly #told = new Map<string, RequestMessage>();

  constructor(transport: LegacyTransport, initialize: RequestMessage) {
    this.#transport = transport;
    this.#initialize = initialize;
  }

  /** Begins a session. @returns what the server answers to `initialize`, which may be an error. */
  async open(signal?: AbortSignal): Promise<Answer> {
    const transport = this.#transport;
    transport.sessionId = undefined;
    transport.protocolVersion = undefined;
    const answer = await transport.request(this.#initialize, { signal });
    transport.protocolVersion = versionIn(answer);
    return answer;
  }

  /** Tells the server that the greeting is over, and takes what it sends by itself from now on. */
  async begin(initialized: Message): Promise<void> {
    if (this.#initialized !== undefined) return;
    this.#initialized = initialized;
    await this.#transport.notify(initialized);
    void this.#transport.listen(this.#closed.signal);
  }

  async request(message: RequestMessage, options: RequestOptions = {}): Promise<Answer> {
    const answer = await this.#inSession(() => this.#transport.request(message, options));
    this.#remember(message, answer);
    return answer;
  }

  async notify(message: Message): Promise<void> {
    await this.#inSession(() => this.#transport.notify(message));
  }

  async close(): Promise<void> {
    this.#closed.abort();
    await this.#transport.endSession(endMs);
  }

  async #inSession<T>(send: () => Promise<T>): Promise<T> {
    await this.#renewing;
    const { sessionId } = this.#transport;
    try {
      return await send();
    } catch (error) {
      if (!isPosternError(error, 'ERR_POSTERN_CLIENT_SESSION_LOST') || this.#closed.signal.aborted)
        throw error;
    }
    if (this.#transport.sessionId === sessionId) {
      this.#renewing ??= this.#renew().finally(() => (this.#renewing = undefined));
    }
    await this.#renewing;
    return send();
  }

  async #renew(): Promise<void> {
    const { signal } = this.#closed;
    const answer = await this.open(signal);
    if (answer.kind === 'error') throw refusedAnew(answer.error.code);
    if (this.#initialized === undefined) return;
    await this.#transport.notify(this.#initialized, { signal });
    void this.#transport.listen(signal);
    let count = 0;
    for (const { method, params } of this.#told.values()) {
      const again: RequestMessage = {
        kind: 'request',
        id: `postern:again:${++count}`,
        method,
        ...(params && { params }),
      };
      await this.#transport.request(again, { signal });
    }
  }

  #remember(message: RequestMessage, answer: Answer): void {
    if (answer.kind !== 'result') return;
    const key = JSON.stringify([message.params?.['uri']]);
    switch (message.method) {
      case 'logging/setLevel':
        this.#told.set('level', message);
        return;
      case 'resources/subscribe':
        if (this.#told.size < maxRemembered) this.#told.set(key, message);
        return;
      case 'resources/unsubscribe':
        this.#told.delete(key);
    }
  }
}

function refusedAnew(code: number): PosternError {
  return new PosternError(
    'ERR_POSTERN_CLIENT_SESSION_LOST',
    `the server has forgotten the session, and refuses to begin another (${code})`,
    { evidence: { mayHaveRun: false } },
  );
}
