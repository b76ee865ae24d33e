import type { Capabilities, StorageBackend } from './contract.ts';

/** A store that is opened when it is first needed. What opening it throws, each call throws until it succeeds. */
export function deferred(capabilities: Capabilities, open: () => Promise<StorageBackend>): StorageBackend {
  let opening: Promise<StorageBackend> | undefined;
  const opened = (): Promise<StorageBackend> => {
    opening ??= open().catch((error: unknown) => {
      opening = undefined;
      throw error;
    });
    return opening;
  };
  return {
    capabilities,
    get: async (key) => (await opened()).get(key),
    list: async (prefix, page) => (await opened()).list(prefix, page),
    commit: async (changes) => (await opened()).commit(changes),
    signal: async (channel) => (await opened()).signal(channel),
    listen: async (channel, wake) => (await opened()).listen(channel, wake),
    close: async () => (await opening?.catch(() => undefined))?.close(),
  };
}
