import {
  closeSync,
  constants,
  copyFileSync,
  fsyncSync,
  linkSync,
  openSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { dirname } from 'node:path';
import { codeOf } from '../core/system-code.ts';
import { sqliteError } from './sqlite/sqlite-error.ts';

/**
 * Creates a file that only its owner can read. Returns `false`, and changes nothing, when there is one already.
 *
 * It appears with its contents or not at all. Of several processes that race, one creates it.
 *
 * @throws {PosternError} ERR_POSTERN_STORAGE_UNAVAILABLE when the directory is missing or cannot be written.
 */
export function createPrivateFile(path: string, contents: string): boolean {
  try {
    return createFile(path, contents);
  } catch (cause) {
    throw sqliteError(`${JSON.stringify(path)} could not be created`, cause);
  }
}

function createFile(path: string, contents: string): boolean {
  const temporary = `${path}.${crypto.randomUUID()}.tmp`;
  const file = openSync(temporary, 'wx', 0o600);
  try {
    try {
      writeFileSync(file, contents);
      fsyncSync(file);
    } finally {
      closeSync(file);
    }
    // A link fails when its name is taken, which a rename would not. It also means that the file is never opened under
    // its final name here: closing a database file would drop the locks this process holds on it.
    linkOrCopy(temporary, path);
    syncDirectory(dirname(path));
    return true;
  } catch (error) {
    if (codeOf(error) === 'EEXIST') return false;
    throw error;
  } finally {
    unlinkSync(temporary);
  }
}

function linkOrCopy(from: string, to: string): void {
  try {
    linkSync(from, to);
  } catch (error) {
    // Some file systems have no links.
    if (!['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS'].includes(codeOf(error) ?? '')) throw error;
    copyFileSync(from, to, constants.COPYFILE_EXCL);
  }
}

function syncDirectory(path: string): void {
  if (process.platform === 'win32') return;
  const directory = openSync(path, 'r');
  try {
    fsyncSync(directory);
  } finally {
    closeSync(directory);
  }
}
