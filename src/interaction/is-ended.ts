import { isPosternError } from '../core/postern-error.ts';

/** Whether something could not be done because the interaction had ended. */
export function isEnded(error: unknown): boolean {
  return (
    isPosternError(error, 'ERR_POSTERN_PENDING_ALREADY_FINISHED') ||
    isPosternError(error, 'ERR_POSTERN_PENDING_NOT_FOUND') ||
    isPosternError(error, 'ERR_POSTERN_PENDING_EXPIRED')
  );
}
