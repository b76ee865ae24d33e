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
const freePieces = 10_000;
/** And then only as many as this is their size, in bytes, on average. */
const pieceBytes = 64;

const longRun = 64;

const [lf, cr, quote, comma, openList, backslash, openObject] = [10, 13, 34, 44, 91, 92, 123] as const;

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
  /** Bytes since the last quote. */
  let run = 0;
  let isEscaped = false;
  let isLineEmpty = true;
  let last: number | undefined;
  let problem: BodyProblem | undefined;

  const judge = (): void => {
    if (bytes > limits.bodyBytes) problem ??= 'bytes';
    if (values > limits.values) problem ??= 'values';
  };

  const count = (piece: Uint8Array): void => {
    const find = finder(piece);
    for (let at = 0; at < piece.length; at++) {
      run++;
      // Long texts are passed over at once. Short ones are not worth the search.
      if (isInString && !isEscaped && run > longRun) {
        // No string of JSON goes over the end of a line.
        const end = isEvents
          ? Math.min(find(quote, at), find(lf, at), find(cr, at))
          : Math.min(find(quote, at), piece.length);
        if (end > at) {
          isEscaped = slashesBefore(piece, at, end) % 2 === 1;
          bytes += end - at;
          last = piece[end - 1];
          at = end - 1;
          continue;
        }
      }
      const byte = piece[at];
      bytes++;
      const wasEscaped = isEscaped;
      isEscaped = false;
      const before = last;
      last = byte;
      if (isEvents && (byte === lf || byte === cr)) {
        isInString = false;
        // The two of them are one end.
        if (byte === lf && before === cr) continue;
        // What comes after an empty line is another event.
        if (isLineEmpty) {
          judge();
          bytes = values = 0;
        }
        isLineEmpty = true;
        continue;
      }
      isLineEmpty = false;
      if (byte === quote) {
        run = 0;
        if (!isInString || !wasEscaped) isInString = !isInString;
      } else if (byte === backslash) isEscaped = isInString && !wasEscaped;
      else if (!isInString && (byte === comma || byte === openList || byte === openObject)) values++;
    }
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

/** Where a byte is next, or how long the piece is; looked for once for each place that it is at. */
function finder(piece: Uint8Array): (byte: number, from: number) => number {
  const known = new Map<number, number>();
  return (byte, from) => {
    let at = known.get(byte) ?? -1;
    if (at >= from) return at;
    at = piece.indexOf(byte, from);
    if (at === -1) at = piece.length;
    known.set(byte, at);
    return at;
  };
}

function slashesBefore(piece: Uint8Array, from: number, end: number): number {
  let at = end;
  while (at > from && piece[at - 1] === backslash) at--;
  return end - at;
}
