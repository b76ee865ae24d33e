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
  const output = { lastLine: '', droppedBytes: 0 };
  let budget = burstBytes;
  let refilledAt = performance.now();
  let begun = '';
  const line = (text: string): void => {
    const clean = redacted(text.slice(0, maxLineLength), secrets).trimEnd();
    if (clean === '') return;
    output.lastLine = clean;
    if (budget < clean.length) {
      output.droppedBytes += clean.length;
      return;
    }
    budget -= clean.length;
    onLine(clean);
  };
  stream.setEncoding('utf8');
  stream.on('data', (chunk: string) => {
    const now = performance.now();
    budget = Math.min(burstBytes, budget + ((now - refilledAt) / 1000) * bytesPerSecond);
    refilledAt = now;
    if (budget < maxLineLength && chunk.length > 4 * maxLineLength) {
      // A flood: its end alone may be of use, when the child then stops.
      output.droppedBytes += chunk.length - maxLineLength;
      begun = chunk.slice(-maxLineLength);
      return;
    }
    const lines = `${begun}${chunk}`.split('\n');
    begun = (lines.pop() ?? '').slice(-maxLineLength);
    for (const text of lines) line(text);
  });
  stream.on('end', () => line(begun)).on('error', () => undefined);
  return output;
}

function redacted(text: string, secrets: readonly string[]): string {
  return secrets.reduce((clean, secret) => (secret === '' ? clean : clean.replaceAll(secret, '***')), text);
}
