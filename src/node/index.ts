export type { FetchHandler } from './answer-node-request.ts';
export { fastifyPages, type FastifyScope } from './fastify-pages.ts';
export { honoPages } from './hono-pages.ts';
export { nodeListener, type NodeListenerOptions } from './node-listener.ts';
