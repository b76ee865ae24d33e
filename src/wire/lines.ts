import type { Readable, Writable } from 'node:stream';
import { readMessageText, rpcCodes, type Message, type Refusal } from './message.ts';

/** The longest line that is read where nothing else is said: 10 MiB. */
export const defaultMaxLineBytes: number = 10 * 1024 * 1024;

export interface LineReading {
  /** The longest line, without its end. What is longer is refused, and dropped up to the next line. Default {@link defaultMaxLineBytes}. */
  readonly maxBytes?: number | undefined;
  /** A promise holds the stream back until it is settled, and so whoever writes into it. */
  readonly onMessage: (message: Message) => Promise<void> | void;
  /** A line that is no message. The next line is read all the same. */
  readonly onRefused: (refusal: RefusedLine) => void;
  /** Once: nothing more comes. With the error, where the stream broke. */
  readonly onEnd: (error?: Error) => void;
}

/** A line that is no message. */
export interface RefusedLine extends Refusal {
  /** How long it was; of a line that was too long, how much of it was read when that was known. */
  readonly bytes: number;
  readonly tooLong: boolean;
}

/**
 * Reads newline-delimited JSON-RPC from a stream, in order and one at a time.
 *
 * Empty lines, `\r\n` and a last line without its end are taken. Not more than one line and what the stream has read
 * ahead is held.
 *
 * @returns what stops the reading; `onEnd` is not called then.
 */
export function readLines(stream: Readable, reading: LineReading): () => void {
  const { maxBytes = defaultMaxLineBytes, onMessage, onRefused, onEnd } = reading;
  const splitter = new LineSplitter(maxBytes);
  let over = false;
  let ended: { readonly error?: Error } | undefined;
  let working = false;

  const work = async (): Promise<void> => {
    working = true;
    for (let line = splitter.next(); line !== undefined && !over; line = splitter.next()) {
      if (line.bytes === 0) continue;
      const read = line.tooLong ? tooLong(line.bytes) : readLine(line.content);
      if (read === undefined) continue;
      try {
        if (read.kind === 'refused') {
          onRefused({ ...read, bytes: line.bytes, tooLong: line.tooLong });
          continue;
        }
        const held = onMessage(read);
        if (held === undefined) continue;
        stream.pause();
        await held;
      } catch {
        // Whoever takes messages answers for its own failures; the next message has nothing to do with them.
      }
    }
    working = false;
    if (over) return;
    if (ended === undefined) stream.resume();
    else finish(ended.error);
  };
  const onData = (chunk: Uint8Array): void => {
    splitter.add(chunk);
    if (!working) void work();
  };
  const close = (error?: Error): void => {
    if (ended !== undefined) return;
    ended = error === undefined ? {} : { error };
    splitter.end();
    if (!working) void work();
  };
  const onStreamEnd = (): void => close();
  const finish = (error?: Error): void => {
    stop();
    onEnd(error);
  };
  const stop = (): void => {
    over = true;
    stream.off('data', onData).off('end', onStreamEnd).off('close', onStreamEnd).off('error', close);
    // An error that comes later is nobody's, and would end the process.
    stream.on('error', () => undefined);
  };
  stream.on('data', onData).on('end', onStreamEnd).on('close', onStreamEnd).on('error', close);
  return stop;
}

export interface LineWriter {
  /**
   * Writes a message as one line. Lines stay in the order of the calls, whether they are awaited or not.
   *
   * Resolves to `true` when the stream takes more, and to `false` when nobody reads it any more. Never rejects.
   *
   * @param message JSON without a line break, or what becomes JSON.
   */
  send(message: string | object): Promise<boolean>;
  /** What was written and not yet taken by the system, in bytes. */
  readonly queuedBytes: number;
  /** Nobody reads any more. */
  readonly ended: boolean;
  /** Ends the stream behind what was sent. */
  end(): void;
}

/**
 * Writes newline-delimited JSON-RPC to a stream.
 *
 * A reader that has gone (EPIPE), a full disk, or any other error of the stream is an end, of which `onEnd` is told once.
 */
export function writeLines(stream: Writable, onEnd?: (error?: Error) => void): LineWriter {
  let ended = false;
  const waiting = new Set<(open: boolean) => void>();
  const settle = (open: boolean): void => {
    for (const resolve of waiting) resolve(open);
    waiting.clear();
  };
  const finish = (error?: Error): void => {
    if (ended) return;
    ended = true;
    settle(false);
    onEnd?.(error);
  };
  // Stays for good: an error that nobody listens to would end the process.
  stream
    .on('error', finish)
    .on('close', () => finish())
    .on('drain', () => settle(true));
  return {
    send(message) {
      if (ended || stream.writableEnded || stream.destroyed) return Promise.resolve(false);
      const line = typeof message === 'string' ? message : JSON.stringify(message);
      if (stream.write(`${line}\n`)) return Promise.resolve(true);
      return new Promise((resolve) => waiting.add(resolve));
    },
    get queuedBytes() {
      return stream.writableLength;
    },
    get ended() {
      return ended;
    },
    end() {
      if (!stream.writableEnded && !stream.destroyed) stream.end();
    },
  };
}

interface Line {
  readonly content: Uint8Array;
  readonly bytes: number;
  readonly tooLong: boolean;
}

const nothing = new Uint8Array();
const newline = 0x0a;

/** Cuts chunks into lines, and copies only a line that is spread over several. */
class LineSplitter {
  readonly #maxBytes: number;
  #chunks: Uint8Array[] = [];
  /** Read, and not yet cut, of {@link #chunks} but the last, `#rest`. */
  #begun = 0;
  #rest: Uint8Array = nothing;
  readonly #later: Uint8Array[] = [];
  #dropping = false;
  #ended = false;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  add(chunk: Uint8Array): void {
    this.#later.push(chunk);
  }

  end(): void {
    this.#ended = true;
  }

  next(): Line | undefined {
    for (;;) {
      if (this.#rest.byteLength === 0) {
        const following = this.#later.shift();
        if (following === undefined) return this.#ended ? this.#last() : undefined;
        this.#rest = following;
      }
      const end = this.#rest.indexOf(newline);
      const piece = end === -1 ? this.#rest : this.#rest.subarray(0, end);
      this.#rest = end === -1 ? nothing : this.#rest.subarray(end + 1);
      const cut = this.#take(piece, end !== -1);
      if (cut !== undefined) return cut;
    }
  }

  /** What came behind the last newline. */
  #last(): Line | undefined {
    if (this.#begun === 0) return undefined;
    return this.#take(nothing, true);
  }

  #take(piece: Uint8Array, whole: boolean): Line | undefined {
    if (this.#dropping) {
      this.#dropping = !whole;
      return undefined;
    }
    const bytes = this.#begun + piece.byteLength;
    if (bytes > this.#maxBytes) {
      this.#reset();
      this.#dropping = !whole;
      return { content: nothing, bytes, tooLong: true };
    }
    if (!whole) {
      this.#chunks.push(piece);
      this.#begun = bytes;
      return undefined;
    }
    const content = this.#chunks.length === 0 ? piece : joined([...this.#chunks, piece], bytes);
    this.#reset();
    return { content, bytes, tooLong: false };
  }

  #reset(): void {
    this.#chunks = [];
    this.#begun = 0;
  }
}

function joined(chunks: readonly Uint8Array[], bytes: number): Uint8Array {
  const whole = new Uint8Array(bytes);
  let at = 0;
  for (const chunk of chunks) {
    whole.set(chunk, at);
    at += chunk.byteLength;
  }
  return whole;
}

const utf8 = new TextDecoder('utf-8', { fatal: true });

/** A line's message; `undefined` for an empty line. */
function readLine(content: Uint8Array): Message | Refusal | undefined {
  let text: string;
  try {
    text = utf8.decode(content);
  } catch {
    return { kind: 'refused', code: rpcCodes.parseError, reason: 'not UTF-8' };
  }
  return /^[ \t\r]*$/u.test(text)
    ? undefined
    : readMessageText(text.endsWith('\r') ? text.slice(0, -1) : text);
}

function tooLong(bytes: number): Refusal {
  return {
    kind: 'refused',
    code: rpcCodes.invalidRequest,
    reason: `longer than a line may be (${bytes} bytes so far)`,
  };
}
