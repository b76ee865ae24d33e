import { PosternError } from '../core/postern-error.ts';

/** A command that is used in a way that it cannot be. */
export function misuse(message: string, hint?: string): PosternError {
  return new PosternError('ERR_POSTERN_CONFIG_MISCONFIGURED', message, { hint });
}
