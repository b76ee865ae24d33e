import { hashId } from '../core/random.ts';
import { isName, isUsableId } from './namespace.ts';
import { unverified } from './unverified-caller.ts';

/** Claims as they were read: nothing about them is known yet. */
export type Claims = Readonly<Record<string, unknown>>;

/** What tells two people of one issuer apart. */
export type IdentifyBy = 'subject' | 'verified-email';

/**
 * The id of a namespace, from claims that were verified: the issuer, a space, and who it is.
 *
 * Injective, because no issuer holds a space. An id too long for a store is replaced by its SHA-256.
 *
 * @throws {PosternError} ERR_POSTERN_NAMESPACE_UNVERIFIED when the claims name nobody.
 */
export async function claimsIdentity(
  issuer: string,
  claims: Claims,
  identifyBy: IdentifyBy,
): Promise<string> {
  const id =
    identifyBy === 'subject' ? `${issuer} sub:${subjectOf(claims)}` : `${issuer} email:${emailOf(claims)}`;
  return isUsableId(id) ? id : `sha256:${await hashId(id)}`;
}

function subjectOf({ sub }: Claims): string {
  if (!isName(sub)) throw unverified('the claims name no subject');
  return sub;
}

/** Only an issuer that has checked the address may name somebody by it, and says so with a boolean. */
function emailOf({ email, email_verified: verified }: Claims): string {
  if (verified !== true) throw unverified('the claims hold no verified e-mail address');
  const parts = isName(email) ? /^([^\s\p{C}]+)@([^\s\p{C}@]+)$/u.exec(email) : null;
  if (parts === null) throw unverified('the e-mail address of the claims cannot be read');
  const [, local, domain] = parts;
  // ASCII letters only: full case mapping turns other signs into them, the Kelvin sign into a k.
  return `${local}@${domain?.replaceAll(/[A-Z]/gu, (letter) => letter.toLowerCase())}`;
}
