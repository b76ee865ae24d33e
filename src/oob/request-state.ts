import { z, type ZodType } from 'zod';
import { decodeBase64Url, encodeBase64Url } from '../core/base64url.ts';
import { PosternError } from '../core/postern-error.ts';
import { hashId } from '../core/random.ts';
import { storageOf, type Namespace } from '../namespace/namespace.ts';
import { absent, type StorageBackend } from '../storage/contract.ts';
import { NamespacedStorage } from '../storage/namespaced-storage.ts';
import type { Surroundings } from '../sync/surroundings.ts';

/** What a call remembers while its client holds it: which pendings it waits for, and which call it is. */
export interface RequestState {
  /** The tool, and the hash of the arguments: the state is good for this call only. */
  readonly tool: string;
  readonly arguments: string;
  /** The pendings the call waits for. `accepted`: their person has agreed to open the link. */
  readonly asked: readonly { readonly id: string; readonly accepted: boolean }[];
  /** The same for every state of one wait, so that all of them together are good for one run of the handler. */
  readonly nonce: string;
  readonly expiresAtMs: number;
}

const requestState: ZodType<RequestState> = z.strictObject({
  tool: z.string(),
  arguments: z.string(),
  asked: z.array(z.strictObject({ id: z.string(), accepted: z.boolean() })).min(1),
  nonce: z.string(),
  expiresAtMs: z.number(),
});

const formatVersion = 1;
const nonceLength = 12;
const tagLength = 16;
/** Twenty pendings fit well into half of it. */
const maxTextLength = 8_192;
/** How much longer than its states a mark of use is kept: what the clocks of store and processes may differ by. */
const skewMs = 60 * 60_000;

const encoder = new TextEncoder();
const decoder = new TextDecoder('utf-8', { fatal: true });

/**
 * Seals and opens the `requestState` of tool calls.
 *
 * It comes back from the client, so it is believed only when it was sealed by a server on the same store, for the
 * same principal: AES-256-GCM, with a key that lives in the store.
 */
export class RequestStates {
  readonly #storage: StorageBackend;
  readonly #now: () => Promise<number>;
  #key: Promise<CryptoKey> | undefined;

  constructor({ storage, now }: Pick<Surroundings, 'storage' | 'now'>) {
    this.#storage = storage;
    this.#now = now;
  }

  async seal(namespace: Namespace, state: RequestState): Promise<string> {
    const iv = crypto.getRandomValues(new Uint8Array(nonceLength));
    const ciphertext = await crypto.subtle.encrypt(
      { name: 'AES-GCM', iv, additionalData: associatedData(namespace) },
      await this.#getKey(),
      encoder.encode(JSON.stringify(state)),
    );
    const sealed = new Uint8Array(1 + nonceLength + ciphertext.byteLength);
    sealed[0] = formatVersion;
    sealed.set(iv, 1);
    sealed.set(new Uint8Array(ciphertext), 1 + nonceLength);
    return encodeBase64Url(sealed);
  }

  /**
   * The inverse of {@link seal}.
   *
   * @throws {PosternError} ERR_POSTERN_OOB_STATE_INVALID when it was changed, sealed for somebody else, or has
   * expired. Which of them is not said.
   */
  async open(namespace: Namespace, text: string): Promise<RequestState> {
    const sealed = decode(text);
    if (sealed === undefined) throw invalidState();
    const key = await this.#getKey();
    let state: RequestState;
    try {
      const plaintext = await crypto.subtle.decrypt(
        {
          name: 'AES-GCM',
          iv: sealed.subarray(1, 1 + nonceLength),
          additionalData: associatedData(namespace),
          tagLength: tagLength * 8,
        },
        key,
        sealed.subarray(1 + nonceLength),
      );
      state = requestState.parse(JSON.parse(decoder.decode(plaintext)));
    } catch {
      throw invalidState();
    }
    if (state.expiresAtMs <= (await this.#now())) throw invalidState();
    return state;
  }

  /** Takes the one run of the handler that a wait is good for. Of many concurrent callers, one gets `true`. */
  async use(namespace: Namespace, { nonce, expiresAtMs }: RequestState): Promise<boolean> {
    const used = this.#used(namespace);
    const mark = {
      put: used.key([await hashId(nonce)]),
      value: new Uint8Array([1]),
      expiresAtMs: expiresAtMs + skewMs,
      expect: absent,
    };
    return (await used.commit([mark])) !== undefined;
  }

  /** Whether the run of the handler was taken already. */
  async isUsed(namespace: Namespace, { nonce }: RequestState): Promise<boolean> {
    return (await this.#used(namespace).get(await hashId(nonce))) !== undefined;
  }

  #used(namespace: Namespace): NamespacedStorage {
    return storageOf(this.#storage, namespace).namespace('used-request-state');
  }

  /** The key of all servers on this store. A failure to read it is not remembered. */
  #getKey(): Promise<CryptoKey> {
    this.#key ??= this.#loadKey().catch((error: unknown) => {
      this.#key = undefined;
      throw error;
    });
    return this.#key;
  }

  async #loadKey(): Promise<CryptoKey> {
    const storage = new NamespacedStorage(this.#storage, ['app', 'request-state-key']);
    const put = storage.key(['1']);
    let found = await storage.get('1');
    if (found === undefined) {
      // Of servers that start together, one writes; all of them go on with what is there then.
      await storage.commit([{ put, value: crypto.getRandomValues(new Uint8Array(32)), expect: absent }]);
      found = await storage.get('1');
    }
    if (found?.value.byteLength !== 32) {
      throw new PosternError('ERR_POSTERN_STORAGE_CORRUPT', 'the key of request states is not one');
    }
    const bytes = new Uint8Array(found.value);
    return crypto.subtle.importKey('raw', bytes, 'AES-GCM', false, ['encrypt', 'decrypt']);
  }
}

/** The refusal of a request state. One text for every reason. */
export function invalidState(): PosternError {
  return new PosternError('ERR_POSTERN_OOB_STATE_INVALID', 'Invalid or expired requestState', {
    hint: 'Call the tool again, without a request state.',
  });
}

/** SHA-256 of arguments, whatever the order of their fields. */
export function hashArguments(value: unknown): Promise<string> {
  return hashId(JSON.stringify(value, canonical) ?? '');
}

function canonical(_key: string, value: unknown): unknown {
  if (typeof value === 'bigint') return { bigint: String(value) };
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
  return Object.fromEntries(Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : 1)));
}

function associatedData(namespace: Namespace): Uint8Array<ArrayBuffer> {
  return encoder.encode(JSON.stringify(['postern request state', formatVersion, namespace.partition]));
}

function decode(text: string): Uint8Array<ArrayBuffer> | undefined {
  if (text.length > maxTextLength) return undefined;
  let sealed: Uint8Array<ArrayBuffer>;
  try {
    sealed = decodeBase64Url(text);
  } catch {
    return undefined;
  }
  // The last character has bits that decode to nothing: of its spellings, one is ours.
  if (sealed[0] !== formatVersion || encodeBase64Url(sealed) !== text) return undefined;
  return sealed.length < 1 + nonceLength + tagLength ? undefined : sealed;
}
