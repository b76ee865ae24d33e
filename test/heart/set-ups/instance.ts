import { onTestFinished } from 'vitest';
import type { StorageBackend } from '../../../src/index.ts';
import { FaultyStorage } from '../../support/faulty-storage.ts';

/** What one instance has to itself: its view of the store, and its end. */
export interface InstanceStorage {
  /** Shares what is stored with other instances, and nothing in memory. */
  readonly storage: StorageBackend;
  /** From now on nothing that the instance waits for comes, as after SIGKILL. What is on its way to the store is not. */
  readonly kill: () => void;
}

export function openInstanceStorage(shared: StorageBackend): InstanceStorage {
  const storage = new FaultyStorage(shared);
  return {
    storage,
    kill() {
      const buried = Promise.withResolvers<void>();
      // So that closing what is left of it does not wait for ever.
      onTestFinished(() => buried.resolve());
      storage.fault = async () => {
        await buried.promise;
        throw new Error('the instance is dead');
      };
    },
  };
}
