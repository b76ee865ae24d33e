type Bytes = Uint8Array<ArrayBuffer>;

/** A key that shows in no log. */
export type NativeKey = object;

interface NativeCipher {
  setAAD(data: Bytes): void;
  update(data: Bytes): Bytes;
  final(): Bytes;
}

/** What of Node's own cryptography is used here. Its types would make every user need those of Node. */
export interface NativeCrypto {
  createHash(algorithm: string): { update(text: string): { digest(encoding: 'base64url'): string } };
  createSecretKey(bytes: Bytes): NativeKey;
  createCipheriv(
    algorithm: string,
    key: NativeKey,
    nonce: Bytes,
    options: { authTagLength: number },
  ): NativeCipher & { getAuthTag(): Bytes };
  createDecipheriv(
    algorithm: string,
    key: NativeKey,
    nonce: Bytes,
    options: { authTagLength: number },
  ): NativeCipher & { setAuthTag(tag: Bytes): void };
}

let found: NativeCrypto | null | undefined;

/**
 * The runtime's own cryptography where it has Node's, `null` elsewhere.
 *
 * Web cryptography hands every operation to another thread, which for a record of a kilobyte takes twenty times as long as
 * the operation.
 */
export function nativeCrypto(): NativeCrypto | null {
  if (found === undefined) {
    const { process } = globalThis as { process?: { getBuiltinModule?: (name: string) => unknown } };
    found = (process?.getBuiltinModule?.('node:crypto') as NativeCrypto | undefined) ?? null;
  }
  return found;
}
