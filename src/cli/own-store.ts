import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { StorageBackend } from '../storage/contract.ts';
import { settleKey } from '../storage/key-place.ts';
import { databaseName } from '../storage/local-folder.ts';
import { openLocalStorage } from '../storage/local.ts';
import { userFolder } from '../storage/user-folder.ts';
import type { Output } from './output.ts';

/** As which program the command line keeps its things: `new Client(servers, { persist: 'postern' })` has the same sign-ins. */
export const programName = 'postern';

/** The folder of the store of the command line, of whoever runs it. */
export function ownFolder(): string {
  return userFolder(programName);
}

/** Whether there is a store yet. */
export function hasOwnStore(): boolean {
  return existsSync(join(ownFolder(), databaseName));
}

/**
 * Opens the store of the command line. Where there is none yet, its key goes to the system's keychain, if there is one, and
 * else into a file; whoever runs the command is told which.
 *
 * @throws {PosternError} what {@link settleKey} and `openLocalStorage` throw.
 */
export async function openOwnStore(output: Output): Promise<StorageBackend> {
  const folder = ownFolder();
  const { place, isNew, why } = await settleKey(folder);
  if (isNew) {
    const where =
      place === 'keychain'
        ? "with a key in the system's keychain"
        : `with a key in a file beside them, for you alone to read (${why?.message ?? 'as it was asked for'}); "postern keys move --to keychain" moves it`;
    output.say(output.styledTalk('quiet', `Sign-ins are kept in ${folder}, sealed ${where}.`));
  }
  return openLocalStorage(folder);
}
