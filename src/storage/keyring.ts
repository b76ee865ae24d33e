import { aesKey, type AesKey } from '../core/aes-key.ts';
import { decodeBase64Url, encodeBase64Url } from '../core/base64url.ts';
import { systemClock, type Clock } from '../core/clock.ts';
import { PosternError } from '../core/postern-error.ts';
import { systemRandom, type RandomBytes } from '../core/random.ts';

/** One key as {@link encrypted} uses it. */
export interface KeyringKey {
  readonly id: string;
  readonly key: AesKey;
}

/** The keys of a store. The newest seals; any of them opens. */
export interface Keyring {
  /** The newest key. */
  current(): KeyringKey | Promise<KeyringKey>;
  /** The key of that id, or `undefined` when the ring does not hold it. Rejects when it cannot tell. */
  find(id: string): KeyringKey | undefined | Promise<KeyringKey | undefined>;
}

/** One key as an operator keeps it. */
export interface KeyMaterial {
  /** 1 to 64 of `A-Z a-z 0-9 . _ -`. Kept in the clear with every value; never used again for another key. */
  readonly id: string;
  /** 32 random bytes, or their base64url. */
  readonly key: Uint8Array | string;
}

/** The longest id of a key. */
export const maxKeyIdLength = 64;

const keyBytes = 32;
const keyIdForm = /^[\w.-]{1,64}$/u;
const howToMakeOne = 'A key is `id:` and 32 random bytes as base64url (43 characters), newest first.';

/** Whether a text can be the id of a key. */
export function isKeyId(id: string): boolean {
  return keyIdForm.test(id);
}

/**
 * A keyring of keys that are at hand, newest first.
 *
 * To rotate while processes run, add the new key behind in every one, then move it to the front in every one, and keep the
 * old ones until nothing sealed with them is left: a key in front seals, and who does not have it yet cannot open that.
 * One key may seal 2^32 values: nonces are random, and up to there two alike are out of the question.
 *
 * @throws {PosternError} ERR_POSTERN_STORAGE_KEYRING_INVALID when there is no key, an id is malformed or used twice,
 * or a key is not 32 bytes.
 */
export function createKeyring(keys: readonly KeyMaterial[]): Keyring {
  const materials = keys.map((material, index) => checked(material, `key ${index + 1} of the keyring`));
  const [newest] = materials;
  if (newest === undefined) throw invalid('the keyring holds no key');
  const byId = new Map<string, KeyringKey>();
  for (const [index, { id, bytes }] of materials.entries()) {
    if (byId.has(id)) throw invalid(`key ${index + 1} of the keyring has the id of an earlier one`);
    byId.set(id, { id, key: aesKey(bytes) });
  }
  const current = byId.get(newest.id)!;
  return { current: () => current, find: (id) => byId.get(id) };
}

/**
 * A keyring from a text such as `k2:…,k1:…`: keys, newest first, between commas or white space.
 *
 * @throws {PosternError} ERR_POSTERN_STORAGE_KEYRING_INVALID
 */
export function keyringFromText(text: string): Keyring {
  const items = text.split(/[\s,]+/u).filter((item) => item !== '');
  return createKeyring(
    items.map((item, index) => {
      const colon = item.indexOf(':');
      if (colon < 1) throw invalid(`key ${index + 1} of the keyring has no id`);
      return { id: item.slice(0, colon), key: item.slice(colon + 1) };
    }),
  );
}

/**
 * A keyring from a variable of the environment that is passed in.
 *
 * @throws {PosternError} ERR_POSTERN_STORAGE_KEYRING_INVALID when the variable is missing or malformed.
 */
export function keyringFromEnv(
  env: Readonly<Record<string, string | undefined>>,
  name: string = 'POSTERN_KEYS',
): Keyring {
  const text = env[name];
  if (text === undefined || text.trim() === '') throw invalid(`${name} is not set`);
  return keyringFromText(text);
}

/**
 * A keyring whose keys are fetched, from a key management service for instance.
 *
 * `load` gets an id, or `undefined` for the newest key, and resolves to `undefined` when there is no such key. What it
 * answers is kept: a key for good, which one is the newest for `currentMs` (default 5 minutes). Failures are not kept.
 */
export function keyringFromFunction(
  load: (id: string | undefined) => Promise<KeyMaterial | undefined>,
  options: { currentMs?: number | undefined; clock?: Clock | undefined } = {},
): Keyring {
  const { currentMs = 300_000, clock = systemClock } = options;
  const known = new Map<string, KeyringKey>();
  const loading = new Map<string | undefined, Promise<KeyringKey | undefined>>();
  let newest: { key: KeyringKey; untilMs: number } | undefined;

  const loadKey = async (id: string | undefined): Promise<KeyringKey | undefined> => {
    const material = await load(id);
    if (material === undefined) return undefined;
    const { id: foundId, bytes } = checked(material, 'the key that was loaded');
    if (id !== undefined && foundId !== id) {
      throw invalid(`the key ${JSON.stringify(id)} was asked for and another one came`);
    }
    const key = known.get(foundId) ?? { id: foundId, key: aesKey(bytes) };
    known.set(key.id, key);
    return key;
  };
  // Those who ask for the same key at the same time share one question.
  const fetchKey = (id: string | undefined): Promise<KeyringKey | undefined> => {
    let running = loading.get(id);
    if (running === undefined) {
      running = loadKey(id).finally(() => loading.delete(id));
      loading.set(id, running);
    }
    return running;
  };

  return {
    async current() {
      if (newest !== undefined && clock() < newest.untilMs) return newest.key;
      const key = await fetchKey(undefined);
      if (key === undefined) throw invalid('the keyring holds no key');
      newest = { key, untilMs: clock() + currentMs };
      return key;
    },
    find: (id) => known.get(id) ?? fetchKey(id),
  };
}

/** A fresh key with a fresh id, as {@link keyringFromText} reads it. */
export function generateKeyText(random: RandomBytes = systemRandom): string {
  return `k-${encodeBase64Url(random(6))}:${encodeBase64Url(random(keyBytes))}`;
}

/** `which` names the key in errors. Its id does not: where the two were swapped, the id is the key. */
function checked({ id, key }: KeyMaterial, which: string): { id: string; bytes: Uint8Array<ArrayBuffer> } {
  if (typeof id !== 'string' || !isKeyId(id)) throw invalid(`${which} has a malformed id`);
  const bytes = typeof key === 'string' ? decodeKey(key) : new Uint8Array(key);
  if (bytes?.length === keyBytes) return { id, bytes };
  const found = bytes === undefined ? 'not base64url' : `${bytes.length} bytes`;
  throw invalid(`${which} is ${found}; it must be ${keyBytes} bytes as base64url`);
}

function decodeKey(text: string): Uint8Array<ArrayBuffer> | undefined {
  try {
    return decodeBase64Url(text);
  } catch {
    return undefined;
  }
}

function invalid(what: string): PosternError {
  return new PosternError('ERR_POSTERN_STORAGE_KEYRING_INVALID', what, { hint: howToMakeOne });
}
