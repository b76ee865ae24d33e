import type { IncomingMessage } from 'node:http';
import { pipeline, type Readable, type Transform } from 'node:stream';
import { zlib } from './built-ins.ts';

const decoders: Readonly<Record<string, () => Transform>> = {
  gzip: () => zlib().createGunzip(),
  'x-gzip': () => zlib().createGunzip(),
  deflate: () => zlib().createInflate(),
  br: () => zlib().createBrotliDecompress(),
};

/** What is asked for. */
export const acceptedEncodings = 'gzip, deflate, br';

/** The body of an answer as it was before it was encoded. What cannot be decoded ends it with an error. */
export function decode(message: IncomingMessage): Readable {
  const encoding = message.headers['content-encoding']?.toLowerCase().trim() ?? 'identity';
  if (encoding === 'identity' || encoding === '') return message;
  const decoder = decoders[encoding]?.();
  if (decoder === undefined) {
    message.destroy(new Error('the answer is encoded in a way that was not asked for'));
    return message;
  }
  // An error of either ends both.
  return pipeline(message, decoder, () => {});
}
