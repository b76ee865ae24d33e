import { isPosternError } from '../core/postern-error.ts';

/** Whether something could not be done because the interaction had ended. */
export function isEnded(error: unknown): boolean {
  return (
    isPosternError(error, 'ERR_POSTERN_PENDING_ALREADY_FINISHED') ||
    isPosternError(error, 'ERR_POSTERN_PENDING_NOT_FOUND') ||
    isPosternError(error, 'ERR_POSTERN_PENDING_EXPIRED')
  );
}

/** Does what is about a live interaction; one that has ended already stays as it is. */
export async function unlessEnded(work: Promise<unknown>): Promise<void> {
  try {
    await work;
  } catch (error) {
    if (!isEnded(error)) throw error;
  }
}
