import { findPosternError } from '../../core/postern-error.ts';
import { ChildRefusal } from '../child/initialize-child.ts';
import { rpcCodes, type MessageId } from '../../wire/message.ts';
import { errorAnswer, type HttpAnswer } from './http-answer.ts';

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
