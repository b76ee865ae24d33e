import type { IncomingMessage } from 'node:http';
import type { Readable } from 'node:stream';
import { PosternError } from '../../core/postern-error.ts';
import type { ChunkedAnswer } from '../read-chunks.ts';

/** Where an answer came from, and what it is held to. */
export interface AnswerContext {
  readonly url: string;
  readonly redirected: boolean;
  readonly bodyBytes: number;
  /** Of whoever asked: its reason is why nothing more comes. */
  readonly signal: AbortSignal | undefined;
}

/**
 * The answer to one request: what a `Response` is, made of what Node has received without the streams and copies that a
 * `Response` of its own would put between.
 */
export class Answer implements Response, ChunkedAnswer {
  readonly status: number;
  readonly statusText: string;
  readonly url: string;
  readonly redirected: boolean;
  readonly type = 'default';
  readonly #message: IncomingMessage;
  readonly #source: Readable;
  readonly #context: AnswerContext;
  #headers: Headers | undefined;
  #isUsed = false;
  #body: ReadableStream<Uint8Array<ArrayBuffer>> | null | undefined;

  /** @param source the body, decoded. */
  constructor(message: IncomingMessage, source: Readable, context: AnswerContext) {
    this.status = message.statusCode ?? 0;
    this.statusText = message.statusMessage ?? '';
    this.url = context.url;
    this.redirected = context.redirected;
    this.#message = message;
    this.#source = source;
    this.#context = context;
  }

  get headers(): Headers {
    if (this.#headers !== undefined) return this.#headers;
    const headers = (this.#headers = headersOf(this.#message));
    // The encoded form is no longer there to be described.
    if (this.#source !== this.#message) {
      headers.delete('content-encoding');
      headers.delete('content-length');
    }
    return headers;
  }

  /** Whether it is a stream of events, without making headers of it. */
  get isEvents(): boolean {
    return this.#message.headers['content-type']?.startsWith('text/event-stream') === true;
  }

  /** Whether there can be a body, without making one of it. */
  get hasBody(): boolean {
    return !bodyless.has(this.status);
  }

  get ok(): boolean {
    return this.status >= 200 && this.status < 300;
  }

  get bodyUsed(): boolean {
    return this.#isUsed;
  }

  get body(): ReadableStream<Uint8Array<ArrayBuffer>> | null {
    if (this.#body === undefined) this.#body = this.hasBody ? this.#stream() : null;
    return this.#body;
  }

  async text(): Promise<string> {
    const { buffer, byteOffset, byteLength } = await this.#bytes();
    const text = Buffer.from(buffer, byteOffset, byteLength).toString('utf8');
    // As `fetch` decodes: a mark at the beginning is none of the text.
    return text.startsWith('\uFEFF') ? text.slice(1) : text;
  }

  // oxlint-disable-next-line typescript/no-explicit-any -- As a Response declares it.
  async json(): Promise<any> {
    return JSON.parse(await this.text());
  }

  bytes(): Promise<Uint8Array<ArrayBuffer>> {
    return this.#bytes();
  }

  async arrayBuffer(): Promise<ArrayBuffer> {
    const { buffer, byteOffset, byteLength } = await this.#bytes();
    return buffer.slice(byteOffset, byteOffset + byteLength);
  }

  async blob(): Promise<Blob> {
    return new Blob([await this.#bytes()], { type: this.headers.get('content-type') ?? '' });
  }

  formData(): Promise<FormData> {
    return this.#asResponse().formData();
  }

  clone(): Response {
    if (this.#isUsed) throw new TypeError('Response.clone: Body has already been consumed.');
    const [one, other] = this.body?.tee() ?? [null, null];
    this.#body = one;
    const { status, statusText, headers } = this;
    return new Response(other, { status, statusText, headers });
  }

  #asResponse(): Response {
    const { status, statusText, headers } = this;
    return new Response(this.body, { status, statusText, headers });
  }

  async eachChunk(take: (chunk: Uint8Array) => void): Promise<void> {
    if (this.#isUsed || this.#body !== undefined)
      throw new TypeError('Body is unusable: Body has already been read');
    const count = this.#counter();
    await this.#read((chunk) => {
      const tooLarge = count(chunk);
      if (tooLarge !== undefined) throw tooLarge;
      take(chunk);
    });
  }

  async #bytes(): Promise<Uint8Array<ArrayBuffer>> {
    if (this.#body !== undefined) {
      if (this.#body === null) return new Uint8Array();
      return new Uint8Array(await new Response(this.#body).arrayBuffer());
    }
    if (this.#isUsed) throw new TypeError('Body is unusable: Body has already been read');
    const chunks: Buffer[] = [];
    let size = 0;
    await this.#read((chunk) => {
      size += chunk.byteLength;
      if (size > this.#context.bodyBytes) throw this.#tooLarge();
      chunks.push(chunk);
    });
    const [only] = chunks;
    const whole = chunks.length === 1 && only !== undefined ? only : Buffer.concat(chunks);
    return new Uint8Array(whole.buffer as ArrayBuffer, whole.byteOffset, whole.byteLength);
  }

  /** All of the body, until its connection is free again. Where `take` throws, nothing more is taken. */
  #read(take: (chunk: Buffer) => void): Promise<void> {
    this.#isUsed = true;
    const source = this.#source;
    if (source.errored !== null) throw this.#brokenOff(source.errored);
    return new Promise((done, fail) => {
      const takeOne = (chunk: Buffer): void => {
        try {
          take(chunk);
        } catch (error) {
          fail(error);
          this.#drop();
        }
      };
      source.once('end', done);
      source.once('error', (error) => fail(this.#brokenOff(error)));
      // Most answers are short, and there as a whole by now: then it takes no flow of chunks to have it.
      const whole =
        source === this.#message && this.#message.complete ? (source.read() as Buffer | null) : null;
      if (whole === null) source.on('data', takeOne);
      else takeOne(whole);
    });
  }

  #stream(): ReadableStream<Uint8Array<ArrayBuffer>> {
    const source = this.#source;
    const message = this.#message;
    const drop = (): void => this.#drop();
    const brokenOff = (error: unknown): unknown => this.#brokenOff(error);
    const count = this.#counter();
    const use = (): void => void (this.#isUsed = true);
    let isOver = false;
    return new ReadableStream<Uint8Array<ArrayBuffer>>(
      {
        start(controller) {
          const over = (then: () => void): void => {
            if (!isOver) then();
            isOver = true;
          };
          source.on('data', (chunk: Buffer<ArrayBuffer>) => {
            if (isOver) return;
            const error = count(chunk);
            if (error !== undefined) {
              over(() => controller.error(error));
              return drop();
            }
            controller.enqueue(chunk);
            if ((controller.desiredSize ?? 0) <= 0) source.pause();
          });
          source.once('end', () => over(() => controller.close()));
          source.once('error', (error) => over(() => controller.error(brokenOff(error))));
          if (source.errored !== null) over(() => controller.error(brokenOff(source.errored)));
          source.pause();
        },
        pull() {
          use();
          source.resume();
        },
        cancel() {
          use();
          isOver = true;
          discard(message, source);
        },
      },
      // Nothing is pulled, and nothing is taken for used, before somebody reads.
      { highWaterMark: 0 },
    );
  }

  /** As `fetch` says it, and what it was. */
  #brokenOff(error: unknown): unknown {
    const { signal } = this.#context;
    return signal?.aborted === true ? signal.reason : new TypeError('terminated', { cause: error });
  }

  /** Takes nothing more of it. */
  #drop(): void {
    this.#source.destroy();
    this.#message.destroy();
  }

  /** Counts a body; of a stream of events, each event. */
  #counter(): (chunk: Buffer) => PosternError | undefined {
    const { isEvents } = this;
    let size = 0;
    return (chunk) => {
      size += chunk.byteLength;
      if (isEvents && (chunk.includes('\n\n') || chunk.includes('\r\n\r\n'))) size = 0;
      return size > this.#context.bodyBytes ? this.#tooLarge() : undefined;
    };
  }

  #tooLarge(): PosternError {
    return new PosternError(
      'ERR_POSTERN_NETWORK_LIMIT',
      `${JSON.stringify(new URL(this.url).host)} answered with more than ${this.#context.bodyBytes} bytes`,
      { hint: 'Ask it for less at once, or raise "network.limits.bodyBytes".' },
    );
  }
}

/** Statuses that have no body. @see RFC 9110 §15 */
const bodyless: ReadonlySet<number> = new Set([204, 205, 304]);
/** What of an unwanted body is rather read than paid for with a new connection. */
const maxDiscarded = 64 * 1024;

/** Lets go of a body that nobody wants. */
export function discard(message: IncomingMessage, source: Readable = message): void {
  const length = Number(message.headers['content-length'] ?? Number.NaN);
  if (message.complete || length <= maxDiscarded) source.resume();
  else message.destroy();
}

function headersOf({ rawHeaders }: IncomingMessage): Headers {
  const headers = new Headers();
  for (let at = 0; at < rawHeaders.length; at += 2) headers.append(rawHeaders[at]!, rawHeaders[at + 1]!);
  return headers;
}
