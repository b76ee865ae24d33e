import { sleep } from '../core/clock.ts';
import { isPosternError } from '../core/postern-error.ts';

/** How long what cannot be had a second time is kept trying. */
const persistMs = 8_000;

/**
 * Does at the store what cannot be left undone: a store that does not answer is asked again for 8 s.
 *
 * An earlier try may have been carried out and only its answer lost, so a write is conditional, and its caller looks.
 *
 * @throws what `work` throws; ERR_POSTERN_STORAGE_UNAVAILABLE only when the time is up.
 */
export async function persistently<T>(work: () => Promise<T>): Promise<T> {
  const deadline = performance.now() + persistMs;
  for (let pauseMs = 50; ; pauseMs *= 2) {
    try {
      return await work();
    } catch (error) {
      if (!isPosternError(error, 'ERR_POSTERN_STORAGE_UNAVAILABLE')) throw error;
      if (performance.now() + pauseMs > deadline) throw error;
      await sleep(pauseMs);
    }
  }
}
