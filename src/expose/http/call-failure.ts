import { findPosternError } from '../../core/postern-error.ts';
import { rpcCodes, type MessageId, type RpcError } from '../../wire/message.ts';
import { errorAnswer, type HttpAnswer } from './http-answer.ts';

/** The server's own answer to being made ready: that it does not speak the revision, for one. */
export class ChildRefusal extends Error {
  override readonly name = 'ChildRefusal';
  readonly error: RpcError;

  constructor(error: RpcError) {
    super('the server has refused to be made ready');
    this.error = error;
  }
}

/**
 * The answer to a call that reached no child.
 *
 * What a call failed with is an answer of JSON-RPC, which clients show; a limit is also one of HTTP, which whatever balances
 * load understands.
 */
export function callFailure(error: unknown, id: MessageId): HttpAnswer {
  if (error instanceof ChildRefusal) return errorAnswer(200, error.error, id);
  const known = findPosternError(error);
  if (known === undefined) {
    return errorAnswer(200, { code: rpcCodes.internalError, message: 'the server could not be reached' }, id);
  }
  const { code, hint, message } = known;
  const told = { code: rpcCodes.serverError, message, data: { code, hint } };
  if (code === 'ERR_POSTERN_EXPOSE_LIMIT') return errorAnswer(503, told, id, { 'retry-after': '5' });
  return errorAnswer(200, told, id);
}
