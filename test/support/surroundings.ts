import { onTestFinished } from 'vitest';
import type { StorageBackend } from '../../src/storage/contract.ts';
import { MemoryBackend } from '../../src/storage/memory-backend.ts';
import { FaultyStorage } from './faulty-storage.ts';
import { openPageHost, type PageHost } from './page-host.ts';
import { createRecordingLogger, type RecordingLogger } from './recording-logger.ts';
import { createSteppedClock, type SteppedClock } from './stepped-clock.ts';

/** What every stage stands on: an application with pages, a store that fails as it is told, a clock, and a log. */
export interface Surroundings {
  readonly host: PageHost;
  readonly storage: FaultyStorage;
  readonly time: SteppedClock;
  readonly logger: RecordingLogger;
}

/** @param around What is put around the memory below the faults. */
export async function openSurroundings(
  around: (memory: StorageBackend) => StorageBackend = (memory) => memory,
): Promise<Surroundings> {
  const host = await openPageHost();
  onTestFinished(() => host.close());
  const time = createSteppedClock();
  return {
    host,
    time,
    logger: createRecordingLogger(),
    storage: new FaultyStorage(around(new MemoryBackend({ clock: time.clock }))),
  };
}
