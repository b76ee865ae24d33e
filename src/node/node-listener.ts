import type { IncomingMessage, ServerResponse } from 'node:http';
import { checkPublicUrl } from '../web/public-url.ts';
import { answerNodeRequest, type FetchHandler } from './answer-node-request.ts';

export interface NodeListenerOptions {
  /** Where people reach the server, such as the `publicUrl` of its pages. Its origin is the origin of every request. */
  readonly publicUrl: string;
  /** How much of a body is read. What is longer is answered 413. Default 131,072: more than any form of ours may have. */
  readonly maxBodyBytes?: number | undefined;
}

/**
 * A fetch handler as a listener of `node:http`, and so of Express and of Fastify’s raw requests.
 *
 * Origin and host of a request are those of `publicUrl`: a target such as `//evil.example/x` or `http://evil.example/x` is
 * a path on it, and `Host` is not believed. Two `Host` headers are answered 400.
 *
 * @throws {PosternError} ERR_POSTERN_CONFIG_MISCONFIGURED when people must not be sent to `publicUrl`.
 */
export function nodeListener(
  handler: FetchHandler,
  { publicUrl, maxBodyBytes = 128 * 1024 }: NodeListenerOptions,
): (message: IncomingMessage, reply: ServerResponse) => void {
  const { origin } = new URL(checkPublicUrl(publicUrl));
  return (message, reply) => void answerNodeRequest(message, reply, handler, { origin, maxBodyBytes });
}
