import type { ExposeOptions } from './expose-options.ts';
import { startExpose, type Exposed } from './start-expose.ts';

export interface RunExposeOptions extends ExposeOptions {
  /** Is told where it listens, once it does. */
  readonly onListening?: ((exposed: Exposed) => void) | undefined;
}

const signals = ['SIGTERM', 'SIGINT', 'SIGHUP'] as const;

/**
 * Serves a stdio server over HTTP until the process is told to end: {@link startExpose} with signals.
 *
 * The first signal lets calls in flight finish for a few seconds, the second ends everything at once; no child stays either
 * way. Resolves to the exit code.
 *
 * @throws {PosternError} as {@link startExpose}.
 */
export async function runExpose(options: RunExposeOptions): Promise<number> {
  const exposed = await startExpose(options);
  const told = new Promise<void>((resolve) => {
    let again = false;
    const onSignal = (): void => {
      // 'exit' handlers take the children along.
      if (again) process.exit(1);
      again = true;
      resolve();
    };
    for (const signal of signals) process.on(signal, onSignal);
  });
  options.onListening?.(exposed);
  await told;
  await exposed.stop();
  return 0;
}
