import { createInterface } from 'node:readline';
import { PassThrough, type Readable } from 'node:stream';

/**
 * The input of a bridge that a person has started at a terminal: lines that are addresses are what their browser ended at,
 * and everything else is a host's.
 */
export function withoutAddresses(input: Readable, onAddress: (address: string) => void): Readable {
  const rest = new PassThrough();
  // Not a terminal's line editor: that would keep Ctrl-C for itself.
  createInterface({ input, terminal: false })
    .on('line', (line) => {
      const text = line.trim();
      if (/^https?:\/\/\S+$/iu.test(text)) onAddress(text);
      else rest.write(`${line}\n`);
    })
    .on('close', () => rest.end());
  return rest;
}
