import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';

export interface ExampleRun {
  /** Starts everything and prints how to use it; returns how to end it. */
  readonly serve: (options: { directory: string; port: number }) => Promise<AsyncDisposable>;
  /** Drives everything from end to end. @throws {Error} when something is not as it has to be. */
  readonly selfCheck: (directory: string) => Promise<void>;
  /** How long that may take. Default 20,000 ms. */
  readonly selfCheckMs?: number | undefined;
}

/** The command line of an example: `--port <n>`, or `--self-check`, which ends by itself with 0 or 1. */
export async function runExample({ serve, selfCheck, selfCheckMs = 20_000 }: ExampleRun): Promise<void> {
  const { values } = parseArgs({
    options: { 'self-check': { type: 'boolean', default: false }, port: { type: 'string', default: '0' } },
  });
  const directory = await mkdtemp(join(tmpdir(), 'postern-example-'));
  try {
    if (values['self-check']) await withinTime(selfCheck(directory), selfCheckMs);
    else await serveUntilStopped(serve, { directory, port: Number(values.port) });
  } catch (error) {
    console.error(`failed: ${error instanceof Error ? error.message : String(error)}`);
    process.exitCode = 1;
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
  // Whatever still waits for a person must not keep the process.
  process.exit();
}

async function withinTime(work: Promise<void>, limitMs: number): Promise<void> {
  const { promise: late, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => reject(new Error(`it took longer than ${limitMs / 1_000} s`)), limitMs);
  try {
    await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}

async function serveUntilStopped(
  serve: ExampleRun['serve'],
  options: { directory: string; port: number },
): Promise<void> {
  const { promise: stopped, resolve: stop } = Promise.withResolvers<unknown>();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, stop);
  await using _started = await serve(options);
  await stopped;
}
