import type { JSONWebKeySet, JWTVerifyGetKey } from 'jose';
import { whenFirstAsked } from './late-key-set.ts';

/**
 * The keys of a set that is at hand. They are copied: what becomes of `set` afterwards changes none.
 *
 * @throws {TypeError} when it is not a key set.
 * @throws {DOMException} when it holds what cannot be copied.
 * @see RFC 7517 §5
 */
export function localKeySet(set: JSONWebKeySet): JWTVerifyGetKey {
  const copy: unknown = structuredClone(set);
  if (!isKeySet(copy)) throw new TypeError('not a key set');
  return whenFirstAsked(({ createLocalJWKSet }) => createLocalJWKSet(copy));
}

function isKeySet(value: unknown): value is JSONWebKeySet {
  return isObject(value) && Array.isArray(value['keys']) && value['keys'].every(isObject);
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
