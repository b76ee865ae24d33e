import type { LogFields } from './logger.ts';
import { findPosternError } from './postern-error.ts';

/**
 * What a log says of a failure in code that a host brought: its code where it is one of ours, else the whole of it, since
 * nobody but its author can know what it means.
 */
export function failureFields(error: unknown): LogFields {
  const known = findPosternError(error);
  if (known !== undefined) return { code: known.code };
  if (!(error instanceof Error)) return { error: typeof error };
  return { error: error.name, message: error.message, stack: error.stack };
}
