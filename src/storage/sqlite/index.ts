import type { StorageBackend } from '../contract.ts';
import { SqliteBackend, type SqliteOptions } from './sqlite-backend.ts';

export { SqliteBackend, type SqliteOptions } from './sqlite-backend.ts';

/**
 * Opens a store in one SQLite file, and creates the file, for its owner only, when it is missing.
 *
 * Processes of one machine may share the file; a network file system will not do. The path `:memory:` names a store
 * of this handle alone. Values are kept as they are given: put `encrypted` around it.
 *
 * @throws {PosternError} ERR_POSTERN_STORAGE_UNAVAILABLE when the file cannot be opened, read or written.
 * @throws {PosternError} ERR_POSTERN_STORAGE_SCHEMA_UNSUPPORTED when another program or a newer version wrote it.
 */
export function openSqlite(path: string, options: SqliteOptions = {}): StorageBackend {
  return new SqliteBackend(path, options);
}
