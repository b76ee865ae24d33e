import { PosternError } from '../core/postern-error.ts';
import type { Change, Key } from './contract.ts';
import { formatKey, pathOf } from './keys.ts';

/** One change, checked, in the form a driver writes it. */
export interface CheckedChange {
  readonly key: Key;
  /** The encoded path below the partition. */
  readonly path: string;
  /** `undefined`: delete. */
  readonly value: Uint8Array | undefined;
  /** A whole number of milliseconds. */
  readonly expiresAtMs: number | undefined;
  readonly expect: string | undefined;
}

/** The changes of one commit, all of one partition. */
export interface CheckedCommit {
  readonly partition: string;
  readonly changes: readonly CheckedChange[];
}

/**
 * Checks what no store may be asked to do. Every driver calls it before anything else.
 *
 * Values are not copied.
 *
 * @throws {TypeError} when two keys are the same or lie in two partitions, or a field has the wrong type.
 * @throws {PosternError} ERR_POSTERN_STORAGE_KEY_INVALID, or ERR_POSTERN_STORAGE_VALUE_TOO_LARGE.
 */
export function checkCommit(changes: readonly Change[], maxValueBytes: number): CheckedCommit {
  const checked = changes.map((change) => checkChange(change, maxValueBytes));
  const partition = checked[0]?.key[0] ?? '';
  if (checked.length > 1) {
    const paths = new Set<string>();
    for (const { key, path } of checked) {
      if (key[0] !== partition) {
        throw new TypeError(
          `one commit cannot change two partitions: ${JSON.stringify(partition)} and ${JSON.stringify(key[0])}`,
        );
      }
      if (paths.has(path)) {
        throw new TypeError(`one commit cannot change ${JSON.stringify(formatKey(key))} twice`);
      }
      paths.add(path);
    }
  }
  return { partition, changes: checked };
}

/**
 * The encoded path of one entry.
 *
 * @throws {PosternError} ERR_POSTERN_STORAGE_KEY_INVALID, also when the key names a whole partition.
 */
export function entryPathOf(key: Key): string {
  const path = pathOf(key);
  if (path === '') {
    throw new PosternError(
      'ERR_POSTERN_STORAGE_KEY_INVALID',
      'the key of an entry has a partition and no path',
    );
  }
  return path;
}

function checkChange(change: Change, maxValueBytes: number): CheckedChange {
  const key = 'put' in change ? change.put : change.delete;
  const path = entryPathOf(key);
  const { expect } = change;
  if (expect !== undefined && typeof expect !== 'string') {
    throw new TypeError('expect must be a version, or `absent`');
  }
  if (!('put' in change)) return { key, path, value: undefined, expiresAtMs: undefined, expect };

  const { value, expiresAtMs } = change;
  if (!(value instanceof Uint8Array)) throw new TypeError('a stored value must be a Uint8Array');
  if (value.byteLength > maxValueBytes) {
    throw new PosternError(
      'ERR_POSTERN_STORAGE_VALUE_TOO_LARGE',
      `${JSON.stringify(formatKey(key))} would hold ${value.byteLength} bytes; the limit is ${maxValueBytes}`,
    );
  }
  // Durations may be fractions; stores keep whole numbers. Rounding up never ends an entry early.
  const wholeMs = expiresAtMs === undefined ? undefined : Math.ceil(expiresAtMs);
  if (wholeMs !== undefined && !Number.isSafeInteger(wholeMs)) {
    throw new TypeError('expiresAtMs must be a number of milliseconds below 2^53');
  }
  return { key, path, value, expiresAtMs: wholeMs, expect };
}
