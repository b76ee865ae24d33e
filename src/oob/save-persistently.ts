import { sleep } from '../core/clock.ts';
import { isPosternError } from '../core/postern-error.ts';

/** How long what cannot be had a second time is kept trying to be written. */
const saveMs = 8_000;

/**
 * Writes what cannot be had a second time: a store that does not answer is asked again for 8 s.
 *
 * An earlier try may have been written and only its answer lost, so `save` is conditional, and its caller looks.
 */
export async function savePersistently<T>(save: () => Promise<T>): Promise<T> {
  const deadline = performance.now() + saveMs;
  for (let pauseMs = 50; ; pauseMs *= 2) {
    try {
      return await save();
    } catch (error) {
      if (!isPosternError(error, 'ERR_POSTERN_STORAGE_UNAVAILABLE')) throw error;
      if (performance.now() + pauseMs > deadline) throw error;
      await sleep(pauseMs);
    }
  }
}
