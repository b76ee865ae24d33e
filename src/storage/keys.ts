import { PosternError } from '../core/postern-error.ts';
import type { Key } from './contract.ts';

/** The longest encoded path or partition, in bytes: what the strictest of the supported stores takes, with room for a prefix. */
export const maxEncodedBytes = 1024;

/** Most segments are: nothing of these is ever escaped. */
const plainSegment = /^[\w.-]+$/u;

function invalid(what: string): PosternError {
  return new PosternError('ERR_POSTERN_STORAGE_KEY_INVALID', `a storage key has ${what}`);
}

/**
 * One segment as ASCII, injectively: `user:alice` → `user%3Aalice`.
 *
 * What remains unescaped means nothing to any store's pattern language or path syntax.
 *
 * @throws {PosternError} ERR_POSTERN_STORAGE_KEY_INVALID when the segment is empty, not a string, or has a lone surrogate.
 */
export function encodeSegment(segment: string): string {
  if (typeof segment !== 'string' || segment === '') throw invalid('a segment that is empty or not a string');
  if (plainSegment.test(segment)) return segment;
  if (!segment.isWellFormed()) throw invalid('a segment that is not well-formed text');
  return encodeURIComponent(segment).replaceAll(
    /[!'()*~]/gu,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}

/** Segments joined by `:`, each encoded, so that no two paths share a text and a prefix ends only at a segment's end. */
export function encodePath(segments: readonly string[]): string {
  const encoded = segments.map(encodeSegment).join(':');
  if (encoded.length > maxEncodedBytes) {
    throw invalid(`${encoded.length} bytes when encoded; the limit is ${maxEncodedBytes}`);
  }
  return encoded;
}

/** The inverse of {@link encodePath}. */
export function decodePath(encoded: string): string[] {
  return encoded === '' ? [] : encoded.split(':').map(decodeURIComponent);
}

/**
 * The encoded path of a key, without its partition.
 *
 * Partitions are kept apart from paths by every driver, so they need no encoding of their own.
 *
 * @throws {PosternError} ERR_POSTERN_STORAGE_KEY_INVALID
 */
export function pathOf(key: Key): string {
  const [partition, ...path] = key;
  if (typeof partition !== 'string' || partition === '' || !partition.isWellFormed()) {
    throw invalid('a partition that is empty or not well-formed text');
  }
  if (partition.length > maxEncodedBytes) throw invalid('a partition that is too long');
  return encodePath(path);
}

/** A key as people read it: `client:user%3Aalice:server:slack:connection:oauth:grant`. */
export function formatKey(key: Key): string {
  const path = pathOf(key);
  return path === '' ? key[0] : `${key[0]}:${path}`;
}

/** Whether `key` lies under `prefix`, whole segments only; a key does not lie under itself. */
export function isUnder(prefix: Key, key: Key): boolean {
  return key.length > prefix.length && prefix.every((segment, index) => key[index] === segment);
}
