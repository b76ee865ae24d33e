import type { PosternErrorCode } from '../core/error-codes.ts';
import type { LogFields, Logger } from '../core/logger.ts';
import { isPosternError, PosternError } from '../core/postern-error.ts';
import type { Entry, Key } from './contract.ts';
import { formatKey } from './keys.ts';

/** Is told of a record that is set aside because it cannot be read. */
export type OnUnreadable = (record: {
  readonly key: Key;
  readonly version: string;
  readonly error: PosternError;
}) => void;

/** How many are remembered as said. */
const maxSaid = 1_000;

/** Says each record that cannot be read once, as an error of the log: where it lies and why, nothing of its content. */
export function logUnreadable(logger: Logger): OnUnreadable {
  const said = new Set<string>();
  return ({ key, version, error }) => {
    const place = formatKey(key);
    const name = `${place} ${version}`;
    if (said.has(name)) return;
    if (said.size >= maxSaid) said.clear();
    said.add(name);
    logger.error('a stored record cannot be read, and is set aside', {
      key: place,
      ...unreadableFields(error),
      table: tableOf(key),
    });
  };
}

/** The table of a record: the first segment of its path. */
function tableOf(key: Key): string {
  return key[1] ?? '';
}

/** What a log says of a failure that may be a record which cannot be read: of that, its table and the key it is sealed with. */
export function unreadableFields(error: PosternError): LogFields {
  const { table, sealedWith } = error as Partial<KeyUnavailableError>;
  return { code: error.code, ...(table !== undefined && { table, sealedWith }) };
}

/** A record is sealed with a key that the keyring does not hold. */
export class KeyUnavailableError extends PosternError {
  /** The first segment of its path. */
  readonly table: string;
  /** The id of the key. */
  readonly sealedWith: string;

  constructor(place: Key, sealedWith: string) {
    super(
      'ERR_POSTERN_STORAGE_KEY_UNAVAILABLE',
      `${JSON.stringify(formatKey(place))} is sealed with the key ${JSON.stringify(sealedWith)}, which the keyring does not hold`,
      { hint: 'Put that key back into the keyring, behind the newest one.' },
    );
    this.table = tableOf(place);
    this.sealedWith = sealedWith;
  }
}

/** Why a record cannot be read, however often it is tried. A key that was missing may be given back some day. */
const lasting: ReadonlySet<PosternErrorCode> = new Set([
  'ERR_POSTERN_STORAGE_CORRUPT',
  'ERR_POSTERN_STORAGE_TAMPERED',
  'ERR_POSTERN_STORAGE_KEY_UNAVAILABLE',
]);

/** Whether an error says that a record is there and cannot be read, rather than that the store does not answer. */
export function isUnreadable(error: unknown): error is PosternError {
  return isPosternError(error) && lasting.has(error.code);
}

/** One entry of a list, or what stands for one whose bytes another program wrote. */
export function listedEntry<E extends Entry | undefined>(key: Key, read: () => E): E | Entry {
  try {
    return read();
  } catch (error) {
    if (!isPosternError(error, 'ERR_POSTERN_STORAGE_CORRUPT')) throw error;
    return { key, value: new Uint8Array(0), version: '', unreadable: error };
  }
}
