import { existsSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { findPosternError, PosternError } from '../core/postern-error.ts';
import { createPrivateFile } from './create-private-file.ts';
import { systemKeychain, type Keychain } from './keychain.ts';
import { accountIn, openKeyringFile, readKeys, readPrivateFile, referenceText } from './keyring-file.ts';
import { generateKeyText } from './keyring.ts';
import { createFolder, databaseName, keysName } from './local-folder.ts';

/** Where the key of a local store lies: in the keychain of the system, or in a file beside the store. */
export type KeyPlace = 'keychain' | 'file';

/** Where the key of a store lies, and how that came about. */
export interface SettledKey {
  readonly place: KeyPlace;
  /** Decided by this call, and not earlier. */
  readonly isNew: boolean;
  /** Why a new key is not in the keychain. */
  readonly why?: PosternError | undefined;
}

/**
 * Decides where the key of a local store is to lie, unless that has been decided: in the system's keychain where there is
 * one, else in a file. Of processes that race, all get the same key.
 *
 * @param directory of the store, see `openLocalStorage`. Created, for its owner only, when it is missing.
 * @throws {PosternError} ERR_POSTERN_STORAGE_KEYRING_INVALID when there is a store and nothing that says where its key is:
 * a fresh one would open nothing.
 */
export async function settleKey(
  directory: string,
  keychain: Keychain = systemKeychain(),
): Promise<SettledKey> {
  createFolder(directory);
  const path = join(directory, keysName);
  const settled = readPrivateFile(path);
  if (settled !== undefined) return { place: placeOf(settled), isNew: false };
  if (existsSync(join(directory, databaseName))) openKeyringFile(path, { create: false });
  const key = generateKeyText();
  let why: PosternError | undefined;
  try {
    const account = await store(keychain, key);
    if (createPrivateFile(path, referenceText(account))) return { place: 'keychain', isNew: true };
    await keychain.delete(account).catch(() => false);
  } catch (error) {
    why = findPosternError(error);
    if (why === undefined) throw error;
    if (createPrivateFile(path, `${key}\n`)) return { place: 'file', isNew: true, why };
  }
  // Somebody else was first: what they have decided counts.
  return { place: placeOf(readPrivateFile(path) ?? ''), isNew: false };
}

/**
 * Moves the keys of a local store. Nothing is sealed anew, and processes that use the store go on.
 *
 * @returns whether there was anything to move.
 * @throws {PosternError} ERR_POSTERN_STORAGE_KEYCHAIN_UNAVAILABLE, ERR_POSTERN_STORAGE_KEYRING_INVALID; nothing is moved then.
 */
export async function moveKey(
  directory: string,
  to: KeyPlace,
  keychain: Keychain = systemKeychain(),
): Promise<boolean> {
  const path = join(directory, keysName);
  const keys = (await readKeys(path, keychain)).trim();
  const from = accountIn(readPrivateFile(path) ?? '');
  if (to === (from === undefined ? 'file' : 'keychain')) return false;
  // What is moved is there before the file says so, and goes from where it was afterwards.
  replacePrivateFile(path, to === 'keychain' ? referenceText(await store(keychain, keys)) : `${keys}\n`);
  if (from !== undefined) await keychain.delete(from);
  return true;
}

/** Puts keys into the keychain under a fresh name, and looks whether they are there. */
async function store(keychain: Keychain, keys: string): Promise<string> {
  const account = `store-${crypto.randomUUID()}`;
  await keychain.set(account, keys);
  if ((await keychain.get(account)) === keys) return account;
  throw new PosternError(
    'ERR_POSTERN_STORAGE_KEYCHAIN_UNAVAILABLE',
    "the system's keychain does not give back what was put into it",
  );
}

function placeOf(text: string): KeyPlace {
  return accountIn(text) === undefined ? 'file' : 'keychain';
}

/** The file is there with its old text or its new one, whenever the machine stops. */
function replacePrivateFile(path: string, text: string): void {
  const next = `${path}.${crypto.randomUUID()}.next`;
  createPrivateFile(next, text);
  renameSync(next, path);
}
