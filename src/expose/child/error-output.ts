import { blottedOut, spellingsOf } from '../../core/blot-out.ts';
import { escapeText } from '../../core/escape-text.ts';
import type { Readable } from 'node:stream';

const maxLineLength = 2_000;
/** What a child may say at once, and for each second after. */
const burstBytes = 64 * 1024;
const bytesPerSecond = 8 * 1024;

export interface ErrorOutput {
  /** The last line that was not empty. */
  readonly lastLine: string;
  /** What was read and not handed on. */
  readonly droppedBytes: number;
}

/**
 * Reads what a child writes on its standard error, so that it is never held up by it, and hands on no more than a person
 * could read.
 *
 * @param secrets Values that must not be repeated.
 */
export function drainErrorOutput(
  stream: Readable,
  secrets: readonly string[],
  onLine: (line: string) => void,
): ErrorOutput {
  const spellings = secrets.flatMap(spellingsOf);
  const clean = (text: string): string => escapeText(blottedOut(text, spellings), maxLineLength);
  let lastLine = '';
  let droppedBytes = 0;
  let budget = burstBytes;
  let refilledAt = performance.now();
  let begun = '';
  const line = (given: string): void => {
    const text = given.slice(0, maxLineLength).trimEnd();
    if (text === '') return;
    lastLine = text;
    if (budget < text.length) {
      droppedBytes += text.length;
      return;
    }
    budget -= text.length;
    onLine(clean(text));
  };
  stream.setEncoding('utf8');
  stream.on('data', (chunk: string) => {
    const now = performance.now();
    budget = Math.min(burstBytes, budget + ((now - refilledAt) / 1000) * bytesPerSecond);
    refilledAt = now;
    if (budget < maxLineLength && chunk.length > 4 * maxLineLength) {
      // A flood: its end alone may be of use, when the child then stops.
      droppedBytes += chunk.length - maxLineLength;
      begun = chunk.slice(-maxLineLength);
      return;
    }
    const lines = `${begun}${chunk}`.split('\n');
    begun = (lines.pop() ?? '').slice(-maxLineLength);
    for (const text of lines) line(text);
  });
  stream.on('end', () => line(begun)).on('error', () => undefined);
  return {
    get lastLine() {
      return clean(lastLine);
    },
    get droppedBytes() {
      return droppedBytes;
    },
  };
}
