import { spawn } from 'node:child_process';
import { createRequire } from 'node:module';
import { delimiter, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const project = fileURLToPath(new URL('../../', import.meta.url));
const suite = join(
  dirname(createRequire(import.meta.url).resolve('@modelcontextprotocol/conformance/package.json')),
  'dist/index.js',
);

/**
 * How to start the client under test. The suite splits it at spaces, so the path is a relative one.
 *
 * The suite starts a shell and, when time is up, kills that: `exec` makes the client what it kills.
 */
export const clientCommand = 'exec node test/conformance/client.ts';

/**
 * Runs the suite's program with this process's Node, and returns all it printed.
 *
 * After `limitMs` it is killed with everything it started. What its exit code says is left out on purpose:
 * it is 0 for clients that crash, and for scenarios that check nothing.
 */
export async function runSuite(
  args: readonly string[],
  { limitMs }: { readonly limitMs: number },
): Promise<{ readonly output: string; readonly timedOut: boolean }> {
  const child = spawn(process.execPath, ['--no-deprecation', suite, ...args], {
    cwd: project,
    // A group of its own, so that the clients go with it.
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, PATH: `${dirname(process.execPath)}${delimiter}${process.env['PATH'] ?? ''}` },
  });
  let output = '';
  let timedOut = false;
  const collect = (chunk: Buffer): void => {
    output += chunk.toString();
  };
  child.stdout.on('data', collect);
  child.stderr.on('data', collect);
  const kill = (): void => {
    if (child.pid !== undefined && child.exitCode === null) process.kill(-child.pid, 'SIGKILL');
  };
  const timer = setTimeout(() => {
    timedOut = true;
    kill();
  }, limitMs);
  const interrupted = (): void => {
    kill();
    process.exit(130);
  };
  process.once('SIGINT', interrupted).once('SIGTERM', interrupted);
  try {
    await new Promise<void>((resolve, reject) => child.once('error', reject).once('close', () => resolve()));
  } finally {
    clearTimeout(timer);
    process.off('SIGINT', interrupted).off('SIGTERM', interrupted);
  }
  return { output, timedOut };
}
