import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { createNamespace } from '../namespace/namespace.ts';
import { PosternError } from '../core/postern-error.ts';
import { countByKey, notSealed } from '../storage/count-by-key.ts';
import { createPrivateFile } from '../storage/create-private-file.ts';
import { keysName } from '../storage/local-folder.ts';
import { moveKey, type KeyPlace } from '../storage/key-place.ts';
import { openKeyringFile } from '../storage/keyring-file.ts';
import { generateKeyText, keyringFromEnv, type Keyring } from '../storage/keyring.ts';
import { reseal } from '../storage/reseal.ts';
import { exitCodes } from './exit-codes.ts';
import { openNamedStore, type OpenedStore } from './named-store.ts';
import { hasOwnStore, ownFolder } from './own-store.ts';
import type { CommandContext } from './run-command.ts';

/** Which store, and what of it. */
export interface StoreOptions {
  readonly store?: string | undefined;
  readonly storeEnv?: string | undefined;
  readonly context?: readonly string[] | undefined;
  readonly partition?: readonly string[] | undefined;
  readonly keysEnv?: string | undefined;
  readonly keysFile?: string | undefined;
}

/** Makes a key. It is the answer, or goes to a file that did not exist. */
export async function generateKey(
  { out }: { readonly out?: string | undefined },
  { output }: CommandContext,
): Promise<void> {
  const key = generateKeyText();
  const id = key.slice(0, key.indexOf(':'));
  if (out === undefined) return output.answer({ id, key }, () => key);
  if (!createPrivateFile(out, `${key}\n`)) {
    throw new PosternError(
      'ERR_POSTERN_CONFIG_MISCONFIGURED',
      `there is a file ${JSON.stringify(out)} already`,
      {
        hint: 'A key that is overwritten opens nothing any more. Give another name.',
      },
    );
  }
  output.answer({ id, file: out }, () => `The key ${id} is in ${out}, for you alone to read.`);
}

/** Tells how many records each key has sealed. */
export async function countKeys(options: StoreOptions, { output }: CommandContext): Promise<void> {
  await using store = await openChosen(options);
  const { records, partitions, empty } = await countByKey(store.driver, partitionsOf(options));
  const newest = store.keyring === undefined ? undefined : (await store.keyring.current()).id;
  const keys = [...records]
    .filter(([id]) => id !== notSealed)
    .map(([id, count]) => ({ id, records: count, ...(newest !== undefined && { seals: id === newest }) }));
  const unsealed = records.get(notSealed) ?? 0;
  output.answer({ keys, unsealed, partitions, empty }, () =>
    [
      ...keys.map(({ id, records: count }) => `${id}: ${count} records${id === newest ? ' (it seals)' : ''}`),
      ...(unsealed === 0 ? [] : [output.styled('bad', `not sealed: ${unsealed} records`)]),
      ...(records.size === 0 ? ['No records.'] : []),
      ...emptyWords(empty),
    ].join('\n'),
  );
}

/** Seals anew what older keys have sealed. @returns the exit code: a failure when there is something that no key opens. */
export async function resealStore(options: StoreOptions, { output }: CommandContext): Promise<number> {
  await using store = await openChosen(options);
  const counts = await reseal(store.driver, keysOf(options, store), partitionsOf(options));
  const { resealed, ending, changed, unreadable, empty } = counts;
  output.answer(counts, () =>
    [
      `Sealed anew: ${resealed}, changed meanwhile: ${changed}, left to end by themselves: ${ending}.`,
      ...(unreadable === 0
        ? []
        : [
            output.styled(
              'bad',
              `Unreadable: ${unreadable}. No key at hand opens them; they were left as they are.`,
            ),
          ]),
      ...emptyWords(empty),
    ].join('\n'),
  );
  return unreadable === 0 ? exitCodes.ok : exitCodes.failure;
}

/** A name that is misspelt must not pass for one that has nothing stored. */
function emptyWords(empty: number): string[] {
  return empty === 0 ? [] : [`Of those that were named, ${empty} hold nothing: are they spelt right?`];
}

/** Moves the key of a local store. */
export async function moveKeys(
  { to, store = ownFolder() }: { readonly to: KeyPlace; readonly store?: string | undefined },
  { output }: CommandContext,
): Promise<void> {
  if (!existsSync(join(store, keysName))) throw noStore(store);
  const moved = await moveKey(store, to);
  const place = to === 'keychain' ? "in the system's keychain" : 'in a file beside the store';
  output.answer(
    { store, place: to, moved },
    () => `The key of ${store} is ${moved ? 'now' : 'already'} ${place}.`,
  );
}

function openChosen({ store, storeEnv }: StoreOptions): Promise<OpenedStore> {
  if (storeEnv !== undefined) {
    const address = process.env[storeEnv];
    if (address !== undefined && address !== '') return openNamedStore(address);
    throw new PosternError('ERR_POSTERN_CONFIG_MISCONFIGURED', `the environment has no ${storeEnv}`);
  }
  if (store !== undefined) return openNamedStore(store);
  if (hasOwnStore()) return openNamedStore(ownFolder());
  throw noStore(ownFolder());
}

function noStore(folder: string): PosternError {
  return new PosternError(
    'ERR_POSTERN_CONFIG_MISCONFIGURED',
    `there is no store in ${JSON.stringify(folder)}`,
    { hint: 'Your own is made when you first sign in. Name another one by --store.' },
  );
}

/** `undefined`: the whole store. */
function partitionsOf({ context = [], partition = [] }: StoreOptions): string[] | undefined {
  if (context.length === 0 && partition.length === 0) return undefined;
  return [...new Set([...context.map((id) => createNamespace('client', id).partition), ...partition])];
}

function keysOf({ keysEnv, keysFile }: StoreOptions, { keyring }: OpenedStore): Keyring {
  if (keysFile !== undefined) return openKeyringFile(keysFile, { create: false });
  if (keysEnv !== undefined) return keyringFromEnv(process.env, keysEnv);
  return keyring ?? keyringFromEnv(process.env);
}
