import { nativeCrypto, type NativeCrypto, type NativeKey } from './native-crypto.ts';

const algorithm = 'aes-256-gcm';
const tagLength = 16;

type Bytes = Uint8Array<ArrayBuffer>;

/** AES-256-GCM under one key, which is given out to nobody and shows in no log. */
export interface AesKey {
  /** Ciphertext and tag. `plaintext` must not change until it is there. */
  encrypt(nonce: Bytes, plaintext: Bytes, associated: Bytes): Bytes | Promise<Bytes>;
  /** The inverse. Throws, or rejects, when anything was changed. */
  decrypt(nonce: Bytes, ciphertext: Bytes, associated: Bytes): Bytes | Promise<Bytes>;
}

/**
 * @param bytes 32 of them. They are copied.
 * @param native Left out: what this runtime has. `null`: web cryptography.
 */
export function aesKey(bytes: Bytes, native: NativeCrypto | null = nativeCrypto()): AesKey {
  return native === null ? new WebAesKey(bytes) : new NativeAesKey(native, bytes);
}

class NativeAesKey implements AesKey {
  readonly #native: NativeCrypto;
  readonly #key: NativeKey;

  constructor(native: NativeCrypto, bytes: Bytes) {
    this.#native = native;
    this.#key = native.createSecretKey(bytes);
  }

  encrypt(nonce: Bytes, plaintext: Bytes, associated: Bytes): Bytes {
    const cipher = this.#native.createCipheriv(algorithm, this.#key, nonce, { authTagLength: tagLength });
    cipher.setAAD(associated);
    const sealed = new Uint8Array(plaintext.length + tagLength);
    sealed.set(cipher.update(plaintext));
    cipher.final();
    sealed.set(cipher.getAuthTag(), plaintext.length);
    return sealed;
  }

  decrypt(nonce: Bytes, ciphertext: Bytes, associated: Bytes): Bytes {
    const end = ciphertext.length - tagLength;
    if (end < 0) throw new RangeError('shorter than its tag');
    const decipher = this.#native.createDecipheriv(algorithm, this.#key, nonce, {
      authTagLength: tagLength,
    });
    decipher.setAAD(associated);
    decipher.setAuthTag(ciphertext.subarray(end));
    const plaintext = new Uint8Array(decipher.update(ciphertext.subarray(0, end)));
    // Throws when the tag is wrong: nothing of the plaintext was looked at before.
    decipher.final();
    return plaintext;
  }
}

class WebAesKey implements AesKey {
  readonly #key: Promise<CryptoKey>;

  constructor(bytes: Bytes) {
    this.#key = crypto.subtle.importKey('raw', bytes.slice(), 'AES-GCM', false, ['encrypt', 'decrypt']);
  }

  async encrypt(nonce: Bytes, plaintext: Bytes, associated: Bytes): Promise<Bytes> {
    const parameters = { name: 'AES-GCM', iv: nonce, additionalData: associated, tagLength: tagLength * 8 };
    return new Uint8Array(await crypto.subtle.encrypt(parameters, await this.#key, plaintext));
  }

  async decrypt(nonce: Bytes, ciphertext: Bytes, associated: Bytes): Promise<Bytes> {
    const parameters = { name: 'AES-GCM', iv: nonce, additionalData: associated, tagLength: tagLength * 8 };
    return new Uint8Array(await crypto.subtle.decrypt(parameters, await this.#key, ciphertext));
  }
}
