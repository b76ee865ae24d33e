import { PosternError } from '../core/postern-error.ts';
import type { Entry, Key, StorageBackend } from './contract.ts';

/** Partitions that somebody names, or all. */
export type WhichPartitions = Iterable<string> | AsyncIterable<string> | undefined;

const pageSize = 500;

/**
 * The partitions to look through: those that are named, else all that the store has.
 *
 * @throws {TypeError} when the store is one that opens what it reads.
 * @throws {PosternError} ERR_POSTERN_CONFIG_MISCONFIGURED when none are named and the store cannot tell.
 */
export function partitionsOf(
  driver: StorageBackend,
  named: WhichPartitions,
): Iterable<string> | AsyncIterable<string> {
  if (driver.capabilities.atRest === 'sealed') {
    throw new TypeError(
      'the store must be the driver itself, as it was before encrypted() was put around it',
    );
  }
  if (named !== undefined) return named;
  if (driver.partitions !== undefined) return walk(driver);
  throw new PosternError(
    'ERR_POSTERN_CONFIG_MISCONFIGURED',
    'the store cannot tell which partitions it has',
    {
      hint: 'Name them: docs/storage-schema.md has their names.',
    },
  );
}

/** All live records of a partition, page by page. */
export async function* recordsOf(driver: StorageBackend, partition: string): AsyncGenerator<Entry> {
  let after: Key | undefined;
  do {
    const page: Entry[] = await driver.list([partition], { after, limit: pageSize });
    yield* page;
    after = page.length < pageSize ? undefined : page.at(-1)?.key;
  } while (after !== undefined);
}

/** Not remembered, for there may be millions: a store may name one twice, which is then looked through twice. */
async function* walk(driver: StorageBackend): AsyncGenerator<string> {
  let after: string | undefined;
  let last: string | undefined;
  do {
    const { partitions, next } = await driver.partitions!({ after, limit: pageSize });
    for (const partition of partitions) {
      // Where a page ends in the middle of one, the next begins with it.
      if (partition !== last) yield partition;
      last = partition;
    }
    after = next;
  } while (after !== undefined);
}
