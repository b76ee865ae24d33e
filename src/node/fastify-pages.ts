import type { IncomingMessage, ServerResponse } from 'node:http';
import { checkPublicUrl } from '../web/public-url.ts';
import type { FetchHandler } from './answer-node-request.ts';
import { nodeListener, type NodeListenerOptions } from './node-listener.ts';

/** What is used of a Fastify instance, so that none of its types is needed here. */
export interface FastifyScope {
  removeAllContentTypeParsers(): unknown;
  addContentTypeParser(
    type: string,
    options: { bodyLimit?: number },
    parser: (request: unknown, payload: unknown) => Promise<unknown>,
  ): unknown;
  route(options: {
    method: ['GET', 'POST'];
    url: string;
    handler: (
      request: { readonly raw: IncomingMessage },
      reply: { readonly raw: ServerResponse; hijack(): unknown },
    ) => void;
  }): unknown;
}

/**
 * A fetch handler as a plugin of Fastify, at the path of `publicUrl` and everything below it.
 *
 * Within it no body is parsed: forms are left to the handler, to the byte. What else the application parses stays as it is.
 *
 * @throws {PosternError} ERR_POSTERN_CONFIG_MISCONFIGURED when people must not be sent to `publicUrl`.
 * @example
 * await app.register(fastifyPages(oob.fetch, { publicUrl: 'https://server.example/oob' }));
 */
export function fastifyPages(
  handler: FetchHandler,
  options: NodeListenerOptions,
): (scope: FastifyScope) => Promise<void> {
  const listener = nodeListener(handler, options);
  const mount = new URL(checkPublicUrl(options.publicUrl, 'publicUrl', 'fastifyPages')).pathname.replace(
    /\/$/u,
    '',
  );
  return async (scope) => {
    scope.removeAllContentTypeParsers();
    // Read by nobody: what is asked for with a body comes as it is.
    scope.addContentTypeParser('*', {}, async () => undefined);
    scope.route({
      method: ['GET', 'POST'],
      url: `${mount}/*`,
      handler: (request, reply) => {
        reply.hijack();
        listener(request.raw, reply.raw);
      },
    });
  };
}
