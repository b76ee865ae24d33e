import { setTimeout as pause } from 'node:timers/promises';

/** Asks until there is an answer. @throws what the last attempt failed with, after `withinMs`. */
export async function recovered<T>(ask: () => Promise<T>, withinMs = 5_000): Promise<T> {
  const deadline = performance.now() + withinMs;
  for (;;) {
    try {
      return await ask();
    } catch (error) {
      if (performance.now() > deadline) throw error;
      await pause(20);
    }
  }
}
