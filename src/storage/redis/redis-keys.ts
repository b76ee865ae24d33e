/** Where the parts of one partition lie. All of it shares a hash tag, so that a cluster keeps it in one place. */
export interface RedisPartition {
  /** A sorted set: the encoded paths of all entries, in the order of their bytes. */
  readonly index: string;
  /** A sorted set: the encoded paths of the entries that expire, by the time they do. */
  readonly expiries: string;
  /** The key of one entry. */
  readonly entry: (path: string) => string;
}

const escapes: Readonly<Record<string, string>> = { '~': '~0', '{': '~1', '}': '~2' };
const unescapes: Readonly<Record<string, string>> = { '~0': '~', '~1': '{', '~2': '}' };

/**
 * `postern:{client:user%3Aalice}:e:server:slack`: prefix, partition, kind and path.
 *
 * A hash tag ends at the first closing brace, so braces in a partition are written `~1` and `~2`, and `~` is `~0`.
 */
export function redisPartition(prefix: string, partition: string): RedisPartition {
  const tag = partition.replaceAll(/[~{}]/gu, (character) => escapes[character]!);
  const base = `${prefix}:{${tag}}:`;
  // The script that lists makes the keys of entries out of that of the index: `i` gives way to `e:` and the path.
  return { index: `${base}i`, expiries: `${base}x`, entry: (path) => `${base}e:${path}` };
}

/**
 * The pattern of the indexes of all partitions, and the partition of a key that matches it.
 *
 * @param before what the client puts before every key of its own accord.
 */
export function redisIndexes(
  prefix: string,
  before: string,
): { readonly pattern: string; readonly partitionOf: (key: string) => string | undefined } {
  const start = `${before}${prefix}:{`;
  const end = '}:i';
  return {
    pattern: `${start.replaceAll(/[\\*?[\]^-]/gu, String.raw`\$&`)}*${end}`,
    partitionOf: (key) => {
      const tag = key.slice(start.length, -end.length);
      // What holds a brace is no index of ours: another store's prefix may go on where ours ends.
      if (/[{}]/u.test(tag) || tag === '') return undefined;
      return tag.replaceAll(/~[012]/gu, (escape) => unescapes[escape]!);
    },
  };
}

/** The pub/sub channel of a signal. No prefix has a `!`, so that no two of them meet. */
export function redisChannel(prefix: string, channel: string): string {
  return `${prefix}:signal!${channel}`;
}

/** @throws {TypeError} when the prefix has letters that mean something in a key. */
export function checkPrefix(prefix: string): void {
  if (!/^[\w.:-]{1,100}$/u.test(prefix)) {
    throw new TypeError('prefix must be at most 100 letters, digits, `_`, `.`, `:` and `-`');
  }
}
