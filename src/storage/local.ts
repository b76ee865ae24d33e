import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { StorageBackend } from './contract.ts';
import { encrypted } from './encrypted.ts';
import { openKeyringFile } from './keyring-file.ts';
import { createFolder, databaseName, keysName } from './local-folder.ts';
import { openSqlite, type SqliteOptions } from './sqlite/index.ts';
import { userFolder } from './user-folder.ts';

export { openKeyringFile } from './keyring-file.ts';
export { openSqlite, SqliteBackend, type SqliteOptions } from './sqlite/index.ts';

/**
 * Opens the store of one machine: a SQLite file, sealed with a key that lies beside it.
 *
 * The directory is created, for its owner only, when it is missing. The key keeps the store from whoever gets hold of
 * the database alone; it does not keep it from whoever can read the whole directory.
 *
 * @throws {PosternError} ERR_POSTERN_STORAGE_KEYRING_INVALID when there is a database and no keyring to open it,
 * or others can read the keyring.
 * @throws {PosternError} what {@link openSqlite} throws.
 */
export function openLocalStorage(directory: string, options: SqliteOptions = {}): StorageBackend {
  const database = join(directory, databaseName);
  createFolder(directory);
  // Keyring before database: where there is a database, a fresh key would open nothing that is in it.
  const keyring = openKeyringFile(join(directory, keysName), { create: !existsSync(database) });
  return encrypted(openSqlite(database, options), keyring);
}

/**
 * Opens the store of one program for the user who runs it: {@link openLocalStorage} in their own data folder
 * (`$XDG_DATA_HOME` or `~/.local/share`, `~/Library/Application Support`, `%LOCALAPPDATA%`).
 *
 * @param program its name: a folder of its own.
 * @throws {PosternError} ERR_POSTERN_CONFIG_MISCONFIGURED when it can be no folder's name.
 * @throws {PosternError} what {@link openLocalStorage} throws.
 */
export function openUserStorage(program: string, options: SqliteOptions = {}): StorageBackend {
  return openLocalStorage(userFolder(program), options);
}
