import type { Readable, Writable } from 'node:stream';
import { timeLimit } from '../core/clock.ts';
import { PosternError } from '../core/postern-error.ts';
import { readLines, writeLines, type LineWriter } from '../wire/lines.ts';
import { errorText, rpcCodes, type Message, type MessageId, type RequestMessage } from '../wire/message.ts';
import type { BridgeSettings } from './options.ts';

/** Whoever answers a host. */
export interface Answerer {
  /** The JSON of the answer. @throws the signal's reason when the host waits no longer. */
  answer(message: RequestMessage, signal: AbortSignal): Promise<string>;
  /** Takes what is not answered. */
  tell(message: Exclude<Message, RequestMessage>): Promise<void>;
}

/** More questions at once are refused: whoever asks them reads no answers. */
const maxQuestions = 4_096;
/** How long what comes behind the end of the greeting is held back. */
const initializedMs = 10_000;
/** A reader that is behind by more is waited for before more is asked in its name. */
const maxQueuedBytes = 4 * 1024 * 1024;

/** A host on a pair of streams: its messages come in, answers and questions go out. */
export class Host {
  readonly #writer: LineWriter;
  readonly #settings: BridgeSettings;
  readonly #questions = new Map<MessageId, AbortController>();
  readonly #input: Readable;
  #stop: (() => void) | undefined;
  #onAnswer: () => void = () => {};
  readonly #gone: Promise<void>;
  #leave: () => void = () => {};
  /** What notifications wait for, so that they come in their order. */
  #told: Promise<void> = Promise.resolve();

  constructor(input: Readable, output: Writable, settings: BridgeSettings) {
    this.#input = input;
    this.#settings = settings;
    this.#gone = new Promise((resolve) => (this.#leave = resolve));
    this.#writer = writeLines(output, () => this.#leave());
  }

  /** Resolves when the host has gone: its input has ended, or it reads no more. */
  get gone(): Promise<void> {
    return this.#gone;
  }

  /** Sends one message. Resolves when more can be taken. */
  send(text: string): Promise<boolean> {
    return this.#writer.send(text);
  }

  /** Hands what comes to whoever answers. */
  serve(answerer: Answerer): void {
    const { maxBytes, logger } = this.#settings;
    this.#stop = readLines(this.#input, {
      maxBytes,
      onMessage: (message) => this.#take(message, answerer),
      onRefused: ({ code, reason, id }) => {
        logger.warn('a line of the host is no message', { reason });
        void this.send(errorText(id ?? null, { code, message: `not a message: ${reason}` }));
      },
      onEnd: () => this.#leave(),
    });
  }

  /** Resolves when everything that was asked is answered, or its time is over. At once where nobody reads any more. */
  async answered(timeoutMs: number): Promise<void> {
    const limit = timeLimit(timeoutMs);
    const settled = (): boolean => this.#questions.size === 0 || this.#writer.ended;
    const answered = new Promise<void>((resolve) => {
      this.#onAnswer = () => settled() && resolve();
      this.#onAnswer();
    });
    await Promise.race([answered, limit.passed]);
    limit.cancel();
  }

  close(): void {
    this.#stop?.();
    for (const question of this.#questions.values()) question.abort(closed());
    this.#questions.clear();
  }

  #take(message: Message, answerer: Answerer): Promise<void> | void {
    if (message.kind !== 'request') {
      const telling = this.#told.then(() => answerer.tell(message));
      const method = message.kind === 'notification' ? message.method : undefined;
      if (method === 'notifications/cancelled') void this.#told.then(() => this.#cancel(message));
      if (method !== 'notifications/initialized') return;
      // What comes behind the word that the greeting is over must not overtake it; nor wait for a server that says nothing.
      const limit = timeLimit(initializedMs);
      this.#told = Promise.race([telling, limit.passed]).finally(limit.cancel);
      return this.#told;
    }
    void this.#answer(message, answerer);
    // Whoever does not read answers is not asked for more.
    return this.#writer.queuedBytes > maxQueuedBytes ? this.#drained() : undefined;
  }

  async #answer(message: RequestMessage, answerer: Answerer): Promise<void> {
    const { id } = message;
    if (this.#questions.has(id) || this.#questions.size >= maxQuestions) {
      const why = this.#questions.has(id)
        ? 'this id is in use'
        : `more than ${maxQuestions} requests at once`;
      await this.send(errorText(id, { code: rpcCodes.invalidRequest, message: why }));
      return;
    }
    const question = new AbortController();
    this.#questions.set(id, question);
    try {
      const text = await answerer.answer(message, question.signal);
      if (!question.signal.aborted) await this.send(text);
    } catch (error) {
      if (question.signal.aborted) return;
      this.#settings.logger.error('a request was not answered', {
        error: error instanceof Error ? error.name : typeof error,
      });
      await this.send(errorText(id, { code: rpcCodes.internalError, message: 'the bridge failed' }));
    } finally {
      this.#questions.delete(id);
      this.#onAnswer();
    }
  }

  #cancel(message: Message): void {
    const id = 'params' in message ? message.params?.['requestId'] : undefined;
    const question = this.#questions.get(id as MessageId);
    question?.abort(new DOMException('The host waits no longer.', 'AbortError'));
    this.#questions.delete(id as MessageId);
  }

  async #drained(): Promise<void> {
    // An empty line is nothing to whoever reads lines; a message would be one more.
    while (this.#writer.queuedBytes > maxQueuedBytes && !this.#writer.ended)
      await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

function closed(): PosternError {
  return new PosternError('ERR_POSTERN_CLIENT_CLOSED', 'the bridge was closed');
}
