import type { Child, ChildUser, ChildWant } from '../child/child.ts';
import type { ChildSupply } from '../child/child-supply.ts';
import { textOf, type Call, type LooseMessage } from '../child/server-link.ts';
import {
  isMessageId,
  rpcCodes,
  type ErrorMessage,
  type MessageId,
  type NotificationMessage,
  type RequestMessage,
  type ResultMessage,
} from '../../wire/message.ts';
import { namesOnce, spliced } from '../../wire/splice.ts';
import { CallAnswer, type StreamTimes } from './call-answer.ts';
import { EventStream, eventStreamHeaders, type OutgoingConnection } from './event-stream.ts';
import { errorAnswer, HttpAnswer } from './http-answer.ts';
import { callFailure } from './call-failure.ts';
import { SharedState } from './shared-state.ts';

export interface LegacySessionOptions {
  readonly id: string;
  /** Whose it is: a session's id alone admits nobody. */
  readonly user: string;
  readonly want: ChildWant;
  /** Whether the child is this session's own, so that what it asks is asked of this session's client. */
  readonly isOwnChild: boolean;
  readonly supply: ChildSupply;
  readonly times: StreamTimes;
}

interface OpenCall {
  readonly call: Call;
  readonly answer: CallAnswer;
}

/** Something that the child has asked of the client. */
interface Question {
  readonly child: Child;
  readonly id: MessageId;
}

/** What is kept for a client that has no stream open. */
const maxQueued = 100;
const maxStreams = 4;
const maxQuestions = 100;

/** A session of the revisions up to 2025-11-25. */
export class LegacySession implements ChildUser {
  readonly id: string;
  readonly user: string;
  usedAtMs: number = performance.now();
  readonly #options: LegacySessionOptions;
  readonly #calls = new Map<MessageId, OpenCall>();
  readonly #questions = new Map<number, Question>();
  readonly #streams: EventStream[] = [];
  #queue: string[] = [];
  #lastQuestion = 0;
  #dropped = 0;
  #ended = false;

  constructor(options: LegacySessionOptions) {
    this.#options = options;
    this.id = options.id;
    this.user = options.user;
  }

  /** While nobody waits for anything of it, others may have its child's place; it gets another when it is used again. */
  get keeps(): boolean {
    return this.busy;
  }

  /** Somebody waits for something of it just now. */
  get busy(): boolean {
    return this.#calls.size > 0 || this.#streams.length > 0;
  }

  get openStreams(): number {
    return this.#streams.length;
  }

  /** What came for nobody, or could not be kept. */
  get dropped(): number {
    return this.#dropped;
  }

  /** The child, started if need be. @throws {PosternError} as `ChildSupply.get`. */
  async child(): Promise<Child> {
    const { supply, want } = this.#options;
    const child = await supply.get(want);
    supply.join(child, this);
    return child;
  }

  async call(message: RequestMessage, connection: OutgoingConnection): Promise<HttpAnswer> {
    const { id, method } = message;
    this.usedAtMs = performance.now();
    if (this.#calls.has(id)) {
      return errorAnswer(
        400,
        { code: rpcCodes.invalidRequest, message: 'a call with this id is in flight' },
        id,
      );
    }
    if (method === 'initialize') {
      return errorAnswer(
        400,
        { code: rpcCodes.invalidRequest, message: 'the session is initialized already' },
        id,
      );
    }
    let child: Child;
    try {
      child = await this.child();
    } catch (error) {
      return callFailure(error, id);
    }
    const early = this.#options.isOwnChild ? undefined : SharedState.of(child).answerFor(this, message);
    if (early !== undefined) return early;
    const full = child.link.fullBecause;
    if (full !== undefined)
      return errorAnswer(503, { code: rpcCodes.serverError, message: full }, id, { 'retry-after': '1' });
    if (this.#calls.has(id) || this.#ended)
      return errorAnswer(404, { code: rpcCodes.serverError, message: 'the session has ended' }, id);
    const answer = new CallAnswer({
      id,
      connection,
      times: this.#options.times,
      statusOf: () => 200,
      onOver: (how) => {
        this.usedAtMs = performance.now();
        const open = this.#calls.get(id);
        this.#calls.delete(id);
        // In these revisions a connection that is gone cancels nothing.
        if (how === 'gone') open?.call.abandon();
      },
    });
    const call = child.link.call(message, answer);
    if (answer.open) this.#calls.set(id, { call, answer });
    return answer.response;
  }

  async notify(message: NotificationMessage): Promise<void> {
    this.usedAtMs = performance.now();
    const { method, params } = message;
    // Said to the child when it was made ready.
    if (method === 'notifications/initialized') return;
    if (method === 'notifications/cancelled') {
      const id = params?.['requestId'];
      const open = isMessageId(id) ? this.#calls.get(id) : undefined;
      if (open === undefined) return;
      const reason = params?.['reason'];
      open.call.cancel(typeof reason === 'string' ? reason : undefined);
      open.answer.dismiss();
      return;
    }
    // A server that does not run has nobody to be told.
    const child = this.#options.supply.find(this.#options.want.key);
    if (child === undefined || !this.#options.isOwnChild) return;
    await child.link.hand(clearText(message));
  }

  /** An answer of the client to something that the child has asked. */
  async reply(message: ResultMessage | ErrorMessage): Promise<void> {
    this.usedAtMs = performance.now();
    const question = typeof message.id === 'number' ? this.#questions.get(message.id) : undefined;
    if (question === undefined) {
      this.#dropped++;
      return;
    }
    this.#questions.delete(message.id as number);
    const text = spliced(textOf(message), ['id'], JSON.stringify(question.id));
    const outcome = message.kind === 'result' ? { result: message.result } : { error: message.error };
    await question.child.link.hand(text ?? JSON.stringify({ jsonrpc: '2.0', id: question.id, ...outcome }));
  }

  /** Opens a stream for what belongs to no call. */
  listen(connection: OutgoingConnection): HttpAnswer {
    this.usedAtMs = performance.now();
    const stream = new EventStream({
      connection,
      greets: true,
      ...this.#options.times,
      onClosed: () => {
        this.usedAtMs = performance.now();
        const at = this.#streams.indexOf(stream);
        if (at !== -1) this.#streams.splice(at, 1);
      },
    });
    if (!stream.closed) this.#streams.push(stream);
    // Of many, the oldest are most likely left over from connections that are gone.
    if (this.#streams.length > maxStreams) this.#streams[0]?.close();
    const queue = this.#queue;
    this.#queue = [];
    for (const text of queue) void stream.send(text);
    return new HttpAnswer(200, eventStreamHeaders, stream);
  }

  heard(message: LooseMessage, child: Child): Promise<void> | void {
    if (message.kind === 'request') return this.#asked(message, child);
    if (!this.#options.isOwnChild && !SharedState.of(child).concerns(this, message)) return undefined;
    if (message.method !== 'notifications/cancelled') return this.#deliver(clearText(message));
    const id = message.params?.['requestId'];
    const found = [...this.#questions].find(([, question]) => question.child === child && question.id === id);
    if (found === undefined) return undefined;
    this.#questions.delete(found[0]);
    return this.#deliver(
      JSON.stringify({
        jsonrpc: '2.0',
        method: message.method,
        params: { ...message.params, requestId: found[0] },
      }),
    );
  }

  moved(): void {
    for (const subject of ['tools', 'resources', 'prompts']) {
      void this.#deliver(JSON.stringify({ jsonrpc: '2.0', method: `notifications/${subject}/list_changed` }));
    }
  }

  /** Ends it: whoever waits is told so, and its own child ends with it. */
  end(): void {
    if (this.#ended) return;
    this.#ended = true;
    const { supply, want, isOwnChild } = this.#options;
    for (const { call, answer } of this.#calls.values()) {
      call.cancel('the session has ended');
      answer.fail({ code: rpcCodes.serverError, message: 'the session has ended' });
    }
    // Each takes itself off the list.
    for (const stream of this.#streams.splice(0)) stream.close();
    const child = supply.find(want.key);
    if (child !== undefined && !isOwnChild) SharedState.of(child).left(this, child.link);
    supply.leave(want.key, this, { stop: isOwnChild });
  }

  #asked(message: RequestMessage, child: Child): Promise<void> | void {
    if (!this.#options.isOwnChild) {
      // The client has declared nothing that it could be asked for, so there is nothing to ask it but whether it is there.
      const [first] = child.users;
      if (first === this) void child.link.hand(answerForAll(message));
      return undefined;
    }
    if (this.#questions.size >= maxQuestions) {
      const error = { code: rpcCodes.serverError, message: 'too many questions wait for the client' };
      void child.link.hand(JSON.stringify({ jsonrpc: '2.0', id: message.id, error }));
      return undefined;
    }
    const own = ++this.#lastQuestion;
    this.#questions.set(own, { child, id: message.id });
    const text = spliced(textOf(message), ['id'], String(own));
    const { method, params } = message;
    return this.#deliver(text ?? JSON.stringify({ jsonrpc: '2.0', id: own, method, params }));
  }

  /**
   * What names no call goes on the stream of the only call there is, then on a stream that was opened for it, then on that of
   * the newest call; else it is kept until a stream is opened.
   */
  #deliver(text: string): Promise<void> | void {
    const calls = [...this.#calls.values()].filter(({ answer }) => answer.open);
    const stream = this.#streams.at(-1);
    const call = calls.length === 1 || stream === undefined ? calls.at(-1) : undefined;
    if (call !== undefined) return call.answer.event(text);
    if (stream !== undefined) return stream.send(text);
    if (this.#queue.length >= maxQueued) {
      this.#queue.shift();
      this.#dropped++;
    }
    this.#queue.push(text);
    return undefined;
  }
}

/** A message's own text, unless it names a member twice: readers differ on which of the two counts. */
function clearText(message: NotificationMessage): string {
  if (message.text !== undefined && namesOnce(message.text)) return message.text;
  const { method, params } = message;
  return JSON.stringify({ jsonrpc: '2.0', method, params });
}

function answerForAll({ id, method }: RequestMessage): string {
  if (method === 'ping') return JSON.stringify({ jsonrpc: '2.0', id, result: {} });
  const error = {
    code: rpcCodes.methodNotFound,
    message: 'the client has not declared that it could be asked for this',
  };
  return JSON.stringify({ jsonrpc: '2.0', id, error });
}
