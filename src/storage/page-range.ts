import type { Key, Page, PartitionsPage } from './contract.ts';
import { pathOf } from './keys.ts';

/** The most entries one call of `list` returns. */
const maxPageLimit = 1_000;

const defaultPageLimit = 100;

/** How many a page may have. @throws {TypeError} when that is not a whole number from `least` to 1,000. */
function pageLimit(
  { limit = defaultPageLimit }: { readonly limit?: number | undefined },
  least: number,
): number {
  if (Number.isInteger(limit) && limit >= least && limit <= maxPageLimit) return limit;
  throw new TypeError(`limit must be a whole number from ${least} to ${maxPageLimit}`);
}

/** About how many partitions a page names. @throws {TypeError} when that is not a whole number from 1 to 1,000. */
export function partitionsLimit(page: PartitionsPage): number {
  return pageLimit(page, 1);
}

/** What `list` reads: the entries whose encoded paths lie strictly between two texts. */
export interface PageRange {
  readonly partition: string;
  readonly after: string;
  readonly before: string;
  readonly limit: number;
}

/**
 * The range of encoded paths that a prefix and a page name, in the order of their bytes.
 *
 * @throws {TypeError} when the limit is not a whole number from 0 to 1,000, or `after` lies in another partition.
 * @throws {PosternError} ERR_POSTERN_STORAGE_KEY_INVALID
 */
export function pageRange(prefix: Key, page: Page = {}): PageRange {
  const path = pathOf(prefix);
  const limit = pageLimit(page, 0);
  // Encoded paths are ASCII without `;`, the character that follows the separator `:`, and end before DEL.
  const start = path === '' ? '' : `${path}:`;
  const before = path === '' ? '\u007F' : `${path};`;
  if (page.after === undefined) return { partition: prefix[0], after: start, before, limit };
  if (page.after[0] !== prefix[0]) throw new TypeError('after must lie in the partition it pages through');
  const after = pathOf(page.after);
  return { partition: prefix[0], after: after > start ? after : start, before, limit };
}
