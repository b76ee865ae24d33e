import type { Change, StorageBackend } from '../src/storage/contract.ts';

/** A store that remembers the first commits made through it, up to a thousand. */
export function countedStorage(inner: StorageBackend): {
  storage: StorageBackend;
  commits: readonly (readonly Change[])[];
} {
  const commits: (readonly Change[])[] = [];
  return {
    commits,
    storage: {
      capabilities: inner.capabilities,
      get: (key) => inner.get(key),
      list: (prefix, page) => inner.list(prefix, page),
      commit(changes) {
        if (commits.length < 1000) commits.push(changes);
        return inner.commit(changes);
      },
      signal: (channel) => inner.signal(channel),
      listen: (channel, wake) => inner.listen(channel, wake),
      close: () => inner.close(),
    },
  };
}
