import { closeSync, fstatSync, openSync, readFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { PosternError } from '../core/postern-error.ts';
import { codeOf } from '../core/system-code.ts';
import { createPrivateFile } from './create-private-file.ts';
import { systemKeychain, type Keychain } from './keychain.ts';
import { generateKeyText, keyringFromText, type Keyring } from './keyring.ts';

/** What such a file holds where its keys lie in the system's keychain. Never to be taken for a key: that has a colon. */
const reference = /^in the keychain of this system as (store-[\w-]{1,64})\s*$/u;

/** @param account under which name the keychain has the keys. */
export function referenceText(account: string): string {
  return `in the keychain of this system as ${account}\n`;
}

/** The name under which the keychain has the keys of a file, or `undefined` where they are in the file itself. */
export function accountIn(text: string): string | undefined {
  return reference.exec(text)?.[1];
}

/**
 * Opens a keyring that is kept in a file, newest key first, one `id:base64url` per line; or in the system's keychain, where
 * the file says so.
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
  const text = readPrivateFile(path) ?? createAndRead(path, options.create ?? true);
  return accountIn(text) === undefined ? keyringFromText(text) : keyringFromKeychain(path, systemKeychain());
}

/** The keys of a file: its own text, or what the keychain has. */
export async function readKeys(path: string, keychain: Keychain): Promise<string> {
  const text = readPrivateFile(path) ?? createAndRead(path, false);
  const account = accountIn(text);
  if (account === undefined) return text;
  const keys = await keychain.get(account);
  if (keys !== undefined) return keys;
  throw new PosternError(
    'ERR_POSTERN_STORAGE_KEYRING_INVALID',
    `the key of ${JSON.stringify(dirname(path))} is no longer in the system's keychain (service "postern", account ${JSON.stringify(account)})`,
    {
      hint: 'Restore the keychain: what was sealed opens with nothing else. Or remove that folder; everybody signs in again then.',
    },
  );
}

/** Asked once it is needed, and again after a failure, of the file first: the keys may have been moved meanwhile. */
function keyringFromKeychain(path: string, keychain: Keychain): Keyring {
  let opening: Promise<Keyring> | undefined;
  const open = (): Promise<Keyring> => {
    opening ??= readKeys(path, keychain)
      .then(keyringFromText)
      .catch((error: unknown) => {
        opening = undefined;
        throw error;
      });
    return opening;
  };
  return {
    current: async () => (await open()).current(),
    find: async (id) => (await open()).find(id),
  };
}

function createAndRead(path: string, mayCreate: boolean): string {
  const name = JSON.stringify(path);
  if (!mayCreate) {
    throw new PosternError('ERR_POSTERN_STORAGE_KEYRING_INVALID', `${name} is missing`, {
      hint: 'Restore it: what was sealed with its keys opens with nothing else.',
    });
  }
  createPrivateFile(path, `${generateKeyText()}\n`);
  // Read back even by the process that created it: if another one was first, that one's key counts.
  const text = readPrivateFile(path);
  if (text !== undefined) return text;
  throw new PosternError('ERR_POSTERN_STORAGE_UNAVAILABLE', `${name} vanished while it was being created`);
}

/**
 * The text of a file that only its owner can read, or `undefined` when there is none.
 *
 * @throws {PosternError} as {@link openKeyringFile}.
 */
export function readPrivateFile(path: string): string | undefined {
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
