import { mkdirSync } from 'node:fs';
import { sqliteError } from './sqlite/sqlite-error.ts';

/** The files of a local store, in its folder. */
export const databaseName = 'postern.db';
export const keysName = 'postern.keys';

/**
 * Creates the folder of a local store, for its owner only, when it is missing.
 *
 * @throws {PosternError} ERR_POSTERN_STORAGE_UNAVAILABLE
 */
export function createFolder(folder: string): void {
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
  } catch (cause) {
    throw sqliteError(`${JSON.stringify(folder)} could not be created`, cause);
  }
}
