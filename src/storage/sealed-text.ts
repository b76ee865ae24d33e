import type { AesKey } from '../core/aes-key.ts';
import { decodeBase64Url, encodeBase64Url } from '../core/base64url.ts';

const formatVersion = 1;
const nonceLength = 12;

const encoder = new TextEncoder();
const decoder = new TextDecoder('utf-8', { fatal: true });

/** Seals a text that goes out and comes back: AES-256-GCM, base64url, bound to whatever `context` says. */
export async function sealText(key: AesKey, context: string, text: string): Promise<string> {
  const iv = crypto.getRandomValues(new Uint8Array(nonceLength));
  const ciphertext = await key.encrypt(iv, encoder.encode(text), encoder.encode(context));
  const sealed = new Uint8Array(1 + nonceLength + ciphertext.length);
  sealed[0] = formatVersion;
  sealed.set(iv, 1);
  sealed.set(ciphertext, 1 + nonceLength);
  return encodeBase64Url(sealed);
}

/** The inverse of {@link sealText}; `undefined` for whatever was not sealed with that key for that context, to the letter. */
export async function openText(key: AesKey, context: string, text: string): Promise<string | undefined> {
  try {
    const sealed = decodeBase64Url(text);
    // The last character has bits that decode to nothing: of its spellings, one is ours.
    if (sealed[0] !== formatVersion || encodeBase64Url(sealed) !== text) return undefined;
    const plaintext = await key.decrypt(
      sealed.subarray(1, 1 + nonceLength),
      sealed.subarray(1 + nonceLength),
      encoder.encode(context),
    );
    return decoder.decode(plaintext);
  } catch {
    return undefined;
  }
}
