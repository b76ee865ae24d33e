import { encodeBase64Url } from './base64url.ts';

/** Fills and returns an array of random bytes. Injected where a test must repeat itself. */
export type RandomBytes = (length: number) => Uint8Array;

export const systemRandom: RandomBytes = (length) => crypto.getRandomValues(new Uint8Array(length));

/** A public id nobody can guess: 192 random bits, base64url. */
export function randomId(random: RandomBytes = systemRandom): string {
  return encodeBase64Url(random(24));
}

/** SHA-256 of a text, base64url. Public ids appear in storage keys only in this form. */
export async function hashId(text: string): Promise<string> {
  const digest = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(text));
  return encodeBase64Url(new Uint8Array(digest));
}
