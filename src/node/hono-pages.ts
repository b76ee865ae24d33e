import { stderrLogger } from '../core/logger.ts';
import { checkPublicUrl } from '../web/public-url.ts';
import type { FetchHandler } from './answer-node-request.ts';
import { alreadyRead } from './already-read.ts';
import type { NodeListenerOptions } from './node-listener.ts';

/**
 * A fetch handler for a route of Hono, and of whatever else hands on `context.req.raw`.
 *
 * Requests get the origin of `publicUrl`, whatever a proxy in front has made of it. A form that some middleware has read is
 * answered 500, and said in the log.
 *
 * @throws {PosternError} ERR_POSTERN_CONFIG_MISCONFIGURED when people must not be sent to `publicUrl`.
 * @example
 * app.all('/oob/*', honoPages(oob.fetch, { publicUrl: 'https://server.example/oob' }));
 */
export function honoPages(
  handler: FetchHandler,
  { publicUrl, logger = stderrLogger }: Pick<NodeListenerOptions, 'publicUrl' | 'logger'>,
): (context: { readonly req: { readonly raw: Request } }) => Promise<Response> {
  const { origin } = new URL(checkPublicUrl(publicUrl, 'publicUrl', 'honoPages'));
  return async ({ req: { raw } }) => {
    if (raw.bodyUsed) {
      const { message, code, hint } = alreadyRead();
      logger.error(message, { code, hint });
      return new Response(null, { status: 500 });
    }
    const { pathname, search } = new URL(raw.url);
    const url = `${origin}${pathname}${search}`;
    return handler(url === raw.url ? raw : new Request(url, raw));
  };
}
