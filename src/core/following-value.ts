interface Storage<T> {
  getStore(): T | undefined;
  run<R>(value: T, work: () => R): R;
}
type StorageClass = new <T>() => Storage<T>;

/**
 * A value that follows what runs under it through its promises, where the runtime has `AsyncLocalStorage`: as Node, Bun and
 * Deno have, Workers with `nodejs_compat`, and edge runtimes as a global. Elsewhere it is there until the first `await`.
 *
 * Not imported: a bundle that names `node:async_hooks` does not start on a Worker that has not asked for it.
 */
export class FollowingValue<T> {
  readonly #storage: Storage<T>;

  constructor(Class: StorageClass = findClass() ?? UntilFirstAwait) {
    this.#storage = new Class<T>();
  }

  get current(): T | undefined {
    return this.#storage.getStore();
  }

  run<R>(value: T, work: () => R): R {
    return this.#storage.run(value, work);
  }
}

function findClass(): StorageClass | undefined {
  const { process, AsyncLocalStorage } = globalThis as {
    process?: { getBuiltinModule?: (name: string) => { AsyncLocalStorage?: StorageClass } | undefined };
    AsyncLocalStorage?: StorageClass;
  };
  return process?.getBuiltinModule?.('node:async_hooks')?.AsyncLocalStorage ?? AsyncLocalStorage;
}

/** Taken back before anything else can run, so that no request ever sees another's. */
class UntilFirstAwait<T> implements Storage<T> {
  #value: T | undefined;

  getStore(): T | undefined {
    return this.#value;
  }

  run<R>(value: T, work: () => R): R {
    const before = this.#value;
    this.#value = value;
    try {
      return work();
    } finally {
      this.#value = before;
    }
  }
}
