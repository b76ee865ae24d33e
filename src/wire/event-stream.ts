/** One event of a server's event stream. */
export interface StreamEvent {
  /** Its type; `message` where the server names none. */
  readonly event: string;
  readonly data: string;
  /** Where a broken stream can be gone on from. */
  readonly id?: string | undefined;
}

/** How many events of a stream may be no messages, one after the other: to judge one takes far longer than to send it. */
export const maxStrayEvents = 100;

export interface EventReading {
  /** The longest event, in UTF-16 code units. A stream that has a longer one is given up. */
  readonly maxLength: number;
  readonly onEvent: (event: StreamEvent) => void;
  /** How long the server wants to be left alone before the next try, in milliseconds. */
  readonly onRetry?: ((delayMs: number) => void) | undefined;
}

/**
 * Reads server-sent events from text that comes in pieces, cut anywhere.
 *
 * @see https://html.spec.whatwg.org/multipage/server-sent-events.html#event-stream-interpretation
 */
export class EventStreamParser {
  readonly #options: EventReading;
  /** A line that is begun. */
  #line = '';
  #data: string[] = [];
  #length = 0;
  #event = '';
  #id: string | undefined;
  #afterReturn = false;
  #begun = false;

  constructor(options: EventReading) {
    this.#options = options;
  }

  /** Takes more of the stream. @throws {RangeError} when an event is longer than allowed. */
  push(text: string): void {
    let from = 0;
    if (!this.#begun && text !== '') {
      this.#begun = true;
      if (text.startsWith('\uFEFF')) from = 1;
    }
    if (this.#afterReturn && text.startsWith('\n', from)) from++;
    if (text !== '') this.#afterReturn = false;
    for (;;) {
      const end = lineEnd(text, from);
      if (end === -1) break;
      this.#take(this.#line + text.slice(from, end));
      this.#line = '';
      from = end + 1;
      if (text.charCodeAt(end) !== carriageReturn) continue;
      if (from === text.length) this.#afterReturn = true;
      else if (text.charCodeAt(from) === lineFeed) from++;
    }
    this.#line += text.slice(from);
    this.#assertShort(this.#line.length);
  }

  #take(line: string): void {
    if (line === '') return this.#dispatch();
    const colon = line.indexOf(':');
    if (colon === 0) return;
    const field = colon === -1 ? line : line.slice(0, colon);
    const value =
      colon === -1 ? '' : line.slice(line.charCodeAt(colon + 1) === space ? colon + 2 : colon + 1);
    switch (field) {
      case 'data':
        this.#data.push(value);
        this.#length += value.length + 1;
        return this.#assertShort(this.#length);
      case 'event':
        this.#event = value;
        return;
      case 'id':
        if (!value.includes('\0')) this.#id = value;
        return;
      case 'retry':
        if (/^\d{1,9}$/u.test(value)) this.#options.onRetry?.(Number(value));
    }
  }

  #dispatch(): void {
    const { onEvent } = this.#options;
    // An event without data still says where the stream is.
    if (this.#data.length > 0 || this.#id !== undefined) {
      onEvent({ event: this.#event || 'message', data: this.#data.join('\n'), id: this.#id });
    }
    this.#data = [];
    this.#length = 0;
    this.#event = '';
    this.#id = undefined;
  }

  #assertShort(length: number): void {
    if (length > this.#options.maxLength) throw new RangeError('an event is longer than allowed');
  }
}

const lineFeed = 0x0a;
const carriageReturn = 0x0d;
const space = 0x20;

function lineEnd(text: string, from: number): number {
  const feed = text.indexOf('\n', from);
  const carriage = text.indexOf('\r', from);
  if (feed === -1 || carriage === -1) return Math.max(feed, carriage);
  return Math.min(feed, carriage);
}
