/** What a body may be. */
export interface BodyLimits {
  /** Of the whole; of a stream of events, of each. */
  readonly bodyBytes: number;
  /** Of JSON, or of each event. */
  readonly values: number;
}

/** Why a body is not taken. */
export type BodyProblem = 'bytes' | 'values' | 'pieces';

/** So many pieces are read, however small: a server that sends letter by letter has as many as its client has patience for. */
const freePieces = 2_000;
/** And then only as many as this is their size, in bytes, on average. */
const pieceBytes = 64;

const [lf, cr, quote, backslash] = [10, 13, 34, 92];
/** What a byte may be for, of those that are for anything: of all others only the number counts. */
const [valueByte, lineEnd, otherByte] = [1, 2, 3];
const meanings = new Uint8Array(256);
for (const character of ',[{') meanings[character.charCodeAt(0)] = valueByte;
for (const byte of [lf, cr]) meanings[byte] = lineEnd;
for (const byte of [quote, backslash]) meanings[byte] = otherByte;
const meaningful = [...meanings.keys()].filter((byte) => meanings[byte] !== 0);

/** Where the first byte is that is for anything. A piece of an image, or of a long text, has none. */
function firstMeaning(piece: Uint8Array): number {
  const found = meaningful.map((byte) => piece.indexOf(byte)).filter((at) => at !== -1);
  return Math.min(piece.length, ...found);
}

/**
 * Measures a body as it comes, so that one that would stall the process is not read to its end, let alone parsed: a megabyte
 * of `{},` takes a second of parsing that nobody else gets.
 *
 * What stands in strings of JSON is counted as bytes alone.
 *
 * @param type of the content.
 * @returns what is asked of each piece, in order.
 */
export function measureBody(
  type: string | null,
  limits: BodyLimits,
): (piece: Uint8Array) => BodyProblem | undefined {
  const isEvents = type?.startsWith('text/event-stream') === true;
  const isParsed = isEvents || type?.includes('json') === true;
  let bytes = 0;
  let values = 0;
  let pieces = 0;
  let isInString = false;
  let isEscaped = false;
  let isLineEmpty = true;
  /** The last byte, if it was one that is for anything. */
  let last: number | undefined;
  let problem: BodyProblem | undefined;

  const judge = (): void => {
    if (bytes > limits.bodyBytes) problem ??= 'bytes';
    if (values > limits.values) problem ??= 'values';
  };
  /** No string of JSON goes over the end of a line, and what comes after an empty line is another event. */
  const endLine = (byte: number): void => {
    isInString = false;
    // The two of them are one end.
    if (byte === lf && last === cr) return;
    if (isLineEmpty) {
      judge();
      bytes = values = 0;
    }
    isLineEmpty = true;
  };
  const count = (piece: Uint8Array): void => {
    const { length } = piece;
    let counted = 0;
    for (let at = firstMeaning(piece); ; at++) {
      // Most bytes are for nothing, and there may be millions.
      while (at < length && meanings[piece[at]!] === 0) at++;
      if (at >= length) break;
      const byte = piece[at]!;
      const meaning = meanings[byte];
      if (at > counted) {
        isEscaped = isLineEmpty = false;
        last = undefined;
      }
      bytes += at + 1 - counted;
      counted = at + 1;
      const wasEscaped = isEscaped;
      isEscaped = false;
      if (meaning === lineEnd && isEvents) endLine(byte);
      else {
        isLineEmpty = false;
        if (byte === quote) isInString = isInString ? wasEscaped : true;
        else if (byte === backslash) isEscaped = isInString && !wasEscaped;
        else if (meaning === valueByte && !isInString) values++;
      }
      last = byte;
    }
    if (counted === piece.length) return;
    bytes += piece.length - counted;
    isEscaped = isLineEmpty = false;
    last = undefined;
  };
  return (piece) => {
    pieces++;
    if (isParsed) count(piece);
    else bytes += piece.length;
    judge();
    // A stream may be kept open for hours by a few bytes now and then: it is read at a pace instead.
    if (!isEvents && pieces > freePieces && bytes < pieces * pieceBytes) problem ??= 'pieces';
    return problem;
  };
}
