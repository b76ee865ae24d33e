import { PosternError } from '../../core/postern-error.ts';
import type { Entry, Key } from '../contract.ts';
import { formatKey } from '../keys.ts';

const semicolon = 0x3b;

/** The longest head this driver writes is under 80 bytes. */
const longestHead = 128;

/**
 * What an entry is in Redis: `1;‹version›;‹expiry in ms, or nothing›;`, then its value.
 *
 * The scripts read the head too. The `1` is the version of this form.
 */
export function encodeEntry(version: string, expiresAtMs: number | undefined, value: Uint8Array): Buffer {
  // A copy, too: the caller may reuse its array before the command is on its way.
  return Buffer.concat([Buffer.from(`1;${version};${expiresAtMs ?? ''};`, 'latin1'), value]);
}

/** @throws {PosternError} ERR_POSTERN_STORAGE_CORRUPT when something else wrote it. */
export function decodeEntry(key: Key, bytes: Buffer): Entry {
  const first = bytes.indexOf(semicolon);
  const second = bytes.indexOf(semicolon, first + 1);
  const third = bytes.indexOf(semicolon, second + 1);
  const isWhole = first === 1 && second > first && third > second && third < longestHead;
  const [format, version, expires] = isWhole ? bytes.toString('latin1', 0, third).split(';') : [];
  if (format !== '1' || !version || expires === undefined || !/^\d*$/u.test(expires)) {
    throw new PosternError(
      'ERR_POSTERN_STORAGE_CORRUPT',
      `${JSON.stringify(formatKey(key))} in Redis is no entry of this version of Postern`,
      { hint: 'Has another program, or a newer version, written under the same prefix?' },
    );
  }
  // Copied: the library's buffer may be a view of all it has received.
  const value = new Uint8Array(bytes.subarray(third + 1));
  return expires === '' ? { key, value, version } : { key, value, version, expiresAtMs: Number(expires) };
}
