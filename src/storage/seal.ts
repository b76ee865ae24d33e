import { PosternError } from '../core/postern-error.ts';
import type { Key } from './contract.ts';
import { formatKey, pathOf } from './keys.ts';
import { isKeyId, maxKeyIdLength, type Keyring, type KeyringKey } from './keyring.ts';
import { KeyUnavailableError } from './unreadable.ts';

/*
 * A sealed value: version (1 byte), length of the key id (1), key id, check of all that (4), nonce (12),
 * ciphertext and tag (16 more bytes than the plaintext).
 */
const formatVersion = 1;
const checkLength = 4;
const nonceLength = 12;
const tagLength = 16;

/** By how much a sealed value may be longer than what it holds. */
export const maxSealOverhead: number = 2 + maxKeyIdLength + checkLength + nonceLength + tagLength;

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/**
 * Encrypts a value for one place in the store. It opens nowhere else.
 *
 * `plaintext` must not change until the promise settles.
 */
export async function seal(
  { id, key }: KeyringKey,
  place: Key,
  plaintext: Uint8Array<ArrayBuffer>,
): Promise<Uint8Array> {
  const header = headerOf(id);
  const nonce = crypto.getRandomValues(new Uint8Array(nonceLength));
  const ciphertext = await key.encrypt(nonce, plaintext, associatedData(header, place));
  const sealed = new Uint8Array(header.length + nonceLength + ciphertext.length);
  sealed.set(header);
  sealed.set(nonce, header.length);
  sealed.set(ciphertext, header.length + nonceLength);
  return sealed;
}

/**
 * The inverse of {@link seal}.
 *
 * @throws {PosternError} ERR_POSTERN_STORAGE_TAMPERED when the value was changed, cut short, or sealed for another place.
 * @throws {PosternError} ERR_POSTERN_STORAGE_KEY_UNAVAILABLE when the keyring does not hold its key.
 * @throws whatever the keyring rejects with.
 */
export async function open(
  keyring: Keyring,
  place: Key,
  sealed: Uint8Array,
): Promise<Uint8Array<ArrayBuffer>> {
  const id = keyIdOf(sealed);
  if (id === undefined) throw tampered(place);
  const found = await keyring.find(id);
  if (found === undefined) throw new KeyUnavailableError(place, id);
  const headerLength = 2 + id.length + checkLength;
  // No store hands out shared memory.
  const bytes = sealed as Uint8Array<ArrayBuffer>;
  const start = headerLength + nonceLength;
  try {
    return await found.key.decrypt(
      bytes.subarray(headerLength, start),
      bytes.subarray(start),
      associatedData(bytes.subarray(0, headerLength), place),
    );
  } catch (cause) {
    throw tampered(place, cause);
  }
}

/** A ring holds few keys, and every value names one. */
const maxHeaders = 64;
const headers = new Map<string, Uint8Array<ArrayBuffer>>();

function headerOf(id: string): Uint8Array<ArrayBuffer> {
  const known = headers.get(id);
  if (known !== undefined) return known;
  const header = new Uint8Array(2 + id.length + checkLength);
  header[0] = formatVersion;
  header[1] = id.length;
  encoder.encodeInto(id, header.subarray(2));
  writeCheck(header);
  if (headers.size >= maxHeaders) headers.clear();
  headers.set(id, header);
  return header;
}

/** The key id of a sealed value, or `undefined` when it is not one. */
export function keyIdOf(sealed: Uint8Array): string | undefined {
  const idLength = sealed[1];
  if (sealed[0] !== formatVersion || idLength === undefined) return undefined;
  const headerLength = 2 + idLength + checkLength;
  if (sealed.length < headerLength + nonceLength + tagLength) return undefined;
  const id = decoder.decode(sealed.subarray(2, 2 + idLength));
  if (!isKeyId(id)) return undefined;
  const expected = headerOf(id);
  return expected.every((byte, index) => sealed[index] === byte) ? id : undefined;
}

/**
 * FNV-1a over the rest of the header.
 *
 * It protects nothing, the tag does that. It tells a damaged key id from a key that is really missing, which an
 * operator would look for in vain.
 */
function writeCheck(header: Uint8Array): void {
  const end = header.length - checkLength;
  let hash = 0x811c9dc5;
  for (let index = 0; index < end; index++) hash = Math.imul(hash ^ header[index]!, 0x01000193);
  for (let index = 0; index < checkLength; index++) header[end + index] = hash >>> (8 * index);
}

/** Header, partition and path, each text behind its length, so that no two places share their bytes. */
function associatedData(header: Uint8Array, place: Key): Uint8Array<ArrayBuffer> {
  const [partition] = place;
  const path = pathOf(place);
  const start = header.length + 4;
  // Of UTF-16, a unit takes three bytes at most; the encoded path is ASCII.
  const data = new Uint8Array(start + partition.length * 3 + path.length);
  data.set(header);
  const { written } = encoder.encodeInto(partition, data.subarray(start));
  new DataView(data.buffer).setUint32(header.length, written);
  encoder.encodeInto(path, data.subarray(start + written));
  return data.subarray(0, start + written + path.length);
}

function tampered(place: Key, cause?: unknown): PosternError {
  return new PosternError(
    'ERR_POSTERN_STORAGE_TAMPERED',
    `the value at ${JSON.stringify(formatKey(place))} does not open: it was changed, or sealed for another place`,
    { cause, hint: 'Was the store edited, damaged or partly restored? Nothing was deleted.' },
  );
}
