import { encodeBase64Url } from './base64url.ts';
import { nativeCrypto } from './native-crypto.ts';

/** Fills and returns an array of random bytes. Injected where a test must repeat itself. */
export type RandomBytes = (length: number) => Uint8Array;

export const systemRandom: RandomBytes = (length) => crypto.getRandomValues(new Uint8Array(length));

/** A public id nobody can guess: 192 random bits, base64url. */
export function randomId(random: RandomBytes = systemRandom): string {
  return encodeBase64Url(random(24));
}

/** How many hashes are remembered: an id is asked for again and again while its pending lives. */
const maxRemembered = 2_000;
const remembered = new Map<string, Promise<string>>();

/** SHA-256 of a text, base64url. Public ids appear in storage keys only in this form. */
export function hashId(text: string): Promise<string> {
  let hash = remembered.get(text);
  if (hash === undefined) {
    if (remembered.size >= maxRemembered) remembered.clear();
    remembered.set(text, (hash = hashUnremembered(text)));
  }
  return hash;
}

/** {@link hashId} of what must not stay in memory. */
export async function hashUnremembered(text: string): Promise<string> {
  const native = nativeCrypto();
  if (native !== null) return native.createHash('sha256').update(text).digest('base64url');
  const digest = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(text));
  return encodeBase64Url(new Uint8Array(digest));
}
