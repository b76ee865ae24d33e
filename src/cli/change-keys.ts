import { createNamespace } from '../namespace/namespace.ts';
import { PosternError } from '../core/postern-error.ts';
import { countByKey, notSealed } from '../storage/count-by-key.ts';
import { createPrivateFile } from '../storage/create-private-file.ts';
import { moveKey, type KeyPlace } from '../storage/key-place.ts';
import { openKeyringFile } from '../storage/keyring-file.ts';
import { generateKeyText, keyringFromEnv, type Keyring } from '../storage/keyring.ts';
import { reseal } from '../storage/reseal.ts';
import { openNamedStore, type OpenedStore } from './named-store.ts';
import { ownContext } from './own-context.ts';
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

/** What belongs to nobody: the application's own records, and what points to parked requests. */
const sharedPartitions = ['app', 'resume'];

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
  const partitions = partitionsOf(options);
  const counts = await countByKey(store.driver, partitions);
  const newest = await newestOf(store.keyring);
  const keys = [...counts]
    .filter(([id]) => id !== notSealed)
    .map(([id, records]) => ({ id, records, ...(newest !== undefined && { seals: id === newest }) }));
  const unsealed = counts.get(notSealed) ?? 0;
  output.answer({ keys, unsealed, partitions }, () => {
    const lines = keys.map(
      ({ id, records }) => `${id}: ${records} records${id === newest ? ' (it seals)' : ''}`,
    );
    if (unsealed > 0) lines.push(output.styled('bad', `not sealed: ${unsealed} records`));
    return lines.length === 0 ? `No records in ${partitions.join(', ')}.` : lines.join('\n');
  });
}

/** Seals anew what older keys have sealed. @returns the exit code. */
export async function resealStore(options: StoreOptions, { output }: CommandContext): Promise<number> {
  await using store = await openChosen(options);
  const counts = await reseal(store.driver, keysOf(options, store), partitionsOf(options));
  const { resealed, ending, changed, unreadable } = counts;
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
    ].join('\n'),
  );
  return unreadable === 0 ? 0 : 1;
}

/** Moves the key of a local store. */
export async function moveKeys(
  { to, store = ownFolder() }: { readonly to: KeyPlace; readonly store?: string | undefined },
  { output }: CommandContext,
): Promise<void> {
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
  throw new PosternError(
    'ERR_POSTERN_CONFIG_MISCONFIGURED',
    'nobody has signed in yet, so there is no store',
    {
      hint: 'Name another one by --store.',
    },
  );
}

function partitionsOf({ store, storeEnv, context = [], partition = [] }: StoreOptions): string[] {
  const isOwn = store === undefined && storeEnv === undefined;
  const contexts = isOwn ? [ownContext, ...context] : context;
  return [
    ...new Set([
      ...sharedPartitions,
      ...contexts.map((id) => createNamespace('client', id).partition),
      ...partition,
    ]),
  ];
}

function keysOf({ keysEnv, keysFile }: StoreOptions, { keyring }: OpenedStore): Keyring {
  if (keysFile !== undefined) return openKeyringFile(keysFile, { create: false });
  if (keysEnv !== undefined) return keyringFromEnv(process.env, keysEnv);
  return keyring ?? keyringFromEnv(process.env);
}

/** The id of the key that seals; `undefined` where no keys are at hand. */
async function newestOf(keyring: Keyring | undefined): Promise<string | undefined> {
  return keyring === undefined ? undefined : (await keyring.current()).id;
}
