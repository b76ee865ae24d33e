import { randomBytes } from 'node:crypto';

/** What a user's data begins with. */
export const canaryMark = 'CNRYzcanaryz';

/** A piece of a user's data, which says whose it is. */
export function newCanary(owner: string): string {
  return [canaryMark, encodeURIComponent(owner), randomBytes(18).toString('base64url')].join(' ');
}

/** Whose data a text is. */
export function ownerOf(text: string): string {
  const [mark, owner] = text.split(' ');
  return mark === canaryMark && owner !== undefined ? decodeURIComponent(owner) : 'nobody';
}
