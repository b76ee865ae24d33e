import type { IncomingMessage, ServerResponse } from 'node:http';
import { failureFields } from '../core/failure-fields.ts';
import { stderrLogger, type Logger } from '../core/logger.ts';
import { isPosternError } from '../core/postern-error.ts';
import { checkPublicUrl } from '../web/public-url.ts';
import { answerNodeRequest, type FetchHandler } from './answer-node-request.ts';

export interface NodeListenerOptions {
  /** Where people reach the server, such as the `publicUrl` of its pages. Its origin is the origin of every request. */
  readonly publicUrl: string;
  /** How much of a body is read. What is longer is answered 413. Default 131,072: more than any form of ours may have. */
  readonly maxBodyBytes?: number | undefined;
  /** Is told what a handler throws, and of a body that a parser in front has read. Default: a line on standard error. */
  readonly logger?: Logger | undefined;
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
  { publicUrl, maxBodyBytes = 128 * 1024, logger = stderrLogger }: NodeListenerOptions,
): (message: IncomingMessage, reply: ServerResponse) => void {
  const { origin } = new URL(checkPublicUrl(publicUrl, 'publicUrl', 'nodeListener'));
  const onFailure = (error: unknown): void => {
    if (isPosternError(error)) logger.error(error.message, { code: error.code, hint: error.hint });
    else logger.error('a request was not answered', failureFields(error));
  };
  const options = { origin, maxBodyBytes, onFailure };
  return (message, reply) => void answerNodeRequest(message, reply, handler, options);
}
