import { closeSync, fstatSync, openSync, readFileSync } from 'node:fs';
import { PosternError } from '../core/postern-error.ts';
import { codeOf, createPrivateFile } from './create-private-file.ts';
import { generateKeyText, keyringFromText, type Keyring } from './keyring.ts';

/**
 * Opens a keyring that is kept in a file, newest key first, one `id:base64url` per line.
 *
 * A missing file is created, for its owner only, with one fresh key, unless `create` is false. Processes that race to
 * create it all get the same key. Whoever has the file can open the store, so keep it out of the backups of the store;
 * whoever loses it has lost what was sealed.
 *
 * @throws {PosternError} ERR_POSTERN_STORAGE_KEYRING_INVALID when the file is missing and not to be created, others
 * can read it, or its text is malformed.
 * @throws {PosternError} ERR_POSTERN_STORAGE_UNAVAILABLE when it cannot be read or created.
 */
export function openKeyringFile(path: string, options: { create?: boolean | undefined } = {}): Keyring {
  return keyringFromText(readPrivateFile(path) ?? createAndRead(path, options.create ?? true));
}

function createAndRead(path: string, mayCreate: boolean): string {
  const name = JSON.stringify(path);
  if (!mayCreate) {
    throw new PosternError('ERR_POSTERN_STORAGE_KEYRING_INVALID', `${name} is missing`, {
      hint: 'Restore it: what was sealed with its keys opens with nothing else.',
    });
  }
  try {
    createPrivateFile(path, `${generateKeyText()}\n`);
  } catch (cause) {
    throw new PosternError('ERR_POSTERN_STORAGE_UNAVAILABLE', `${name} could not be created`, {
      cause,
      hint: 'Does the directory exist, and may the user this program runs as write to it?',
    });
  }
  // Read back even by the process that created it: if another one was first, that one's key counts.
  const text = readPrivateFile(path);
  if (text !== undefined) return text;
  throw new PosternError('ERR_POSTERN_STORAGE_UNAVAILABLE', `${name} vanished while it was being created`);
}

/** The text of a file that only its owner can read, or `undefined` when there is none. */
function readPrivateFile(path: string): string | undefined {
  let file: number;
  try {
    file = openSync(path, 'r');
  } catch (cause) {
    if (codeOf(cause) === 'ENOENT') return undefined;
    throw unreadable(path, cause);
  }
  try {
    const { mode } = fstatSync(file);
    if (process.platform !== 'win32' && (mode & 0o077) !== 0) {
      throw new PosternError(
        'ERR_POSTERN_STORAGE_KEYRING_INVALID',
        `${JSON.stringify(path)} can be used by others than its owner (mode ${(mode & 0o777).toString(8)})`,
        { hint: 'Run `chmod 600` on it, and replace its keys if others may have read them.' },
      );
    }
    return readFileSync(file, 'utf8');
  } catch (cause) {
    if (cause instanceof PosternError) throw cause;
    throw unreadable(path, cause);
  } finally {
    closeSync(file);
  }
}

function unreadable(path: string, cause: unknown): PosternError {
  return new PosternError('ERR_POSTERN_STORAGE_UNAVAILABLE', `${JSON.stringify(path)} could not be read`, {
    cause,
    hint: 'Is it a file, and may the user this program runs as read it?',
  });
}
