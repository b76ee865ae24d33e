export type { FetchHandler } from './answer-node-request.ts';
export { nodeListener, type NodeListenerOptions } from './node-listener.ts';
