import type { StorageBackend } from '../storage/contract.ts';
import { deferred } from '../storage/deferred.ts';
import { checkProgramName } from '../storage/program-name.ts';

/**
 * The store of a program in its user's own folder; loaded when it is first needed, since it takes Node.
 *
 * @throws {PosternError} ERR_POSTERN_CONFIG_MISCONFIGURED when the program can have no folder.
 */
export function persistedStorage(program: string): StorageBackend {
  checkProgramName(program);
  const capabilities = { durable: true, shared: true, atRest: 'sealed', maxValueBytes: 1_048_000 } as const;
  return deferred(capabilities, async () => (await import('../storage/local.ts')).openUserStorage(program));
}
