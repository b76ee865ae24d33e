import { PosternError } from '../core/postern-error.ts';

/** Enough for as many as can meet at one record; more is a store that answers wrongly. */
const maxTries = 50;

/**
 * Reads and writes under the version that was read, anew whenever somebody else was faster.
 *
 * @param step resolves to `undefined` when its condition did not hold.
 * @throws {PosternError} ERR_POSTERN_STORAGE_CONFLICT when it never did.
 */
export async function retryConflicts<T>(what: string, step: () => Promise<T | undefined>): Promise<T> {
  for (let tries = 0; tries < maxTries; tries++) {
    const done = await step();
    if (done !== undefined) return done;
  }
  throw new PosternError('ERR_POSTERN_STORAGE_CONFLICT', `${what} kept changing while it was being changed`);
}
