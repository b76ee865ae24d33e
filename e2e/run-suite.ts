import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../', import.meta.url));

export interface Suite {
  /** The folder of the suite, which has a `vitest.config.ts` of its own. */
  readonly folder: string;
  /** The folder that has the lock file. Default: the suite's own. */
  readonly installs?: string;
  /** Names its report, `results/<name>.json`. */
  readonly name: string;
  /** What is installed, in a word. */
  readonly what: string;
  /** All of it ends by then. */
  readonly limitMs: number;
  /** Commands before the tests, which they count on: their first word is run from the root's packages. */
  readonly first?: readonly (readonly string[])[];
}

/**
 * Installs what a suite drives from a lock file of its own, unless it is there, and runs its tests. The last line has the
 * totals; the exit code is 1 when anything failed.
 */
export async function runSuite(suite: Suite): Promise<void> {
  const { folder, installs = folder, name, what, limitMs, first = [] } = suite;
  const report = `${root}results/${name}.json`;
  const stamp = `${installs}node_modules/.installed`;
  const endsAt = performance.now() + limitMs;
  const running = new Set<ReturnType<typeof spawn>>();

  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.once(signal, () => {
      for (const child of running) child.kill(signal);
      process.exitCode = 130;
    });
  }

  /** Resolves to the exit code; a program that takes longer than it may is ended. */
  const run = (command: string, args: readonly string[], mostMs: number): Promise<number> => {
    const child = spawn(command, args, { cwd: root, stdio: ['ignore', 'inherit', 'inherit'] });
    running.add(child);
    const timer = setTimeout(() => child.kill('SIGKILL'), Math.min(mostMs, endsAt - performance.now()));
    return new Promise((resolve) => {
      const done = (exit: number | null): void => {
        clearTimeout(timer);
        running.delete(child);
        resolve(exit ?? 1);
      };
      child.once('error', () => done(1));
      child.once('exit', done);
    });
  };

  const fail = (why: string): void => {
    console.log(`${why}\nTests: 0 passed, 1 failed, 0 skipped`);
    process.exitCode = 1;
  };

  const lock = createHash('sha256')
    .update(readFileSync(`${installs}package-lock.json`))
    .digest('hex');
  const isInstalled = existsSync(stamp) && readFileSync(stamp, 'utf8') === lock;
  if (
    !isInstalled &&
    (await run('npm', ['--prefix', installs, 'ci', '--no-audit', '--no-fund'], 8 * 60_000)) !== 0
  ) {
    rmSync(`${installs}node_modules`, { recursive: true, force: true });
    return fail(`${what} could not be installed.`);
  }
  if (!isInstalled) writeFileSync(stamp, lock);

  rmSync(report, { force: true });
  mkdirSync(`${root}results`, { recursive: true });
  for (const [command = '', ...args] of first) {
    if ((await run(`${root}node_modules/.bin/${command}`, args, limitMs)) !== 0)
      return fail(`${[command, ...args].join(' ')} failed.`);
  }
  const vitest = [`${root}node_modules/vitest/vitest.mjs`, 'run', '--config', `${folder}vitest.config.ts`];
  const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${report}`];
  const code = await run(process.execPath, [...vitest, ...reporters, ...process.argv.slice(2)], limitMs);
  if (!existsSync(report)) return fail(`The run did not come to its end (exit code ${code}).`);
  const counted = await run(process.execPath, [`${root}scripts/print-totals.ts`, report], 10_000);
  process.exitCode = code === 0 ? counted : 1;
}
