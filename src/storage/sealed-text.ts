import { decodeBase64Url, encodeBase64Url } from '../core/base64url.ts';

const formatVersion = 1;
const nonceLength = 12;
const tagLength = 16;

const encoder = new TextEncoder();
const decoder = new TextDecoder('utf-8', { fatal: true });

/** Seals a text that goes out and comes back: AES-256-GCM, base64url, bound to whatever `context` says. */
export async function sealText(key: CryptoKey, context: string, text: string): Promise<string> {
  const iv = crypto.getRandomValues(new Uint8Array(nonceLength));
  const ciphertext = await crypto.subtle.encrypt(
    { name: 'AES-GCM', iv, additionalData: encoder.encode(context) },
    key,
    encoder.encode(text),
  );
  const sealed = new Uint8Array(1 + nonceLength + ciphertext.byteLength);
  sealed[0] = formatVersion;
  sealed.set(iv, 1);
  sealed.set(new Uint8Array(ciphertext), 1 + nonceLength);
  return encodeBase64Url(sealed);
}

/** The inverse of {@link sealText}; `undefined` for whatever was not sealed with that key for that context, to the letter. */
export async function openText(key: CryptoKey, context: string, text: string): Promise<string | undefined> {
  try {
    const sealed = decodeBase64Url(text);
    // The last character has bits that decode to nothing: of its spellings, one is ours.
    if (sealed[0] !== formatVersion || encodeBase64Url(sealed) !== text) return undefined;
    const plaintext = await crypto.subtle.decrypt(
      {
        name: 'AES-GCM',
        iv: sealed.subarray(1, 1 + nonceLength),
        additionalData: encoder.encode(context),
        tagLength: tagLength * 8,
      },
      key,
      sealed.subarray(1 + nonceLength),
    );
    return decoder.decode(plaintext);
  } catch {
    return undefined;
  }
}
