import { PosternError } from '../core/postern-error.ts';

/** @throws {PosternError} ERR_POSTERN_CONFIG_MISCONFIGURED when a program of this name can have no folder of its own. */
export function checkProgramName(program: string): void {
  if (typeof program === 'string' && /^[a-z0-9][\w.-]{0,63}$/iu.test(program)) return;
  throw new PosternError(
    'ERR_POSTERN_CONFIG_MISCONFIGURED',
    `${JSON.stringify(program)} can be no folder's name`,
    { hint: 'Use letters, digits, "-", "_" and ".", 64 at most.' },
  );
}
