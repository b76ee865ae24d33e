/**
 * Runs Postern against a real AT Protocol network on loopback, which it installs from this folder's own lock file first.
 *
 *   npm run test:atproto                everything
 *   npm run test:atproto -- sign-in     the files whose name has this in it
 *
 * The last line has the totals; the exit code is 1 when anything failed. Ends within 20 minutes.
 */
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const here = fileURLToPath(new URL('.', import.meta.url));
const root = fileURLToPath(new URL('../../', import.meta.url));
const report = `${root}results/atproto.json`;
const stamp = `${here}node_modules/.installed`;
const endsAt = performance.now() + 20 * 60_000;
const running = new Set<ReturnType<typeof spawn>>();

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.once(signal, () => {
    for (const child of running) child.kill(signal);
    process.exitCode = 130;
  });
}

const lock = createHash('sha256')
  .update(readFileSync(`${here}package-lock.json`))
  .digest('hex');
const isInstalled = existsSync(stamp) && readFileSync(stamp, 'utf8') === lock;
if (
  !isInstalled &&
  (await run('npm', ['--prefix', here, 'ci', '--no-audit', '--no-fund'], 8 * 60_000)) !== 0
) {
  rmSync(`${here}node_modules`, { recursive: true, force: true });
  console.log('The network could not be installed.\nTests: 0 passed, 1 failed, 0 skipped');
  process.exit(1);
}
if (!isInstalled) writeFileSync(stamp, lock);

rmSync(report, { force: true });
mkdirSync(`${root}results`, { recursive: true });
const vitest = [`${root}node_modules/vitest/vitest.mjs`, 'run', '--config', `${here}vitest.config.ts`];
const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${report}`];
const code = await run(process.execPath, [...vitest, ...reporters, ...process.argv.slice(2)], 20 * 60_000);
if (existsSync(report)) {
  const counted = await run(process.execPath, [`${root}scripts/print-totals.ts`, report], 10_000);
  process.exitCode = code === 0 ? counted : 1;
} else {
  console.log(`The run did not come to its end (exit code ${code}).\nTests: 0 passed, 1 failed, 0 skipped`);
  process.exitCode = 1;
}

/** Resolves to the exit code; a program that takes longer than it may is ended. */
function run(command: string, args: readonly string[], limitMs: number): Promise<number> {
  const child = spawn(command, args, { cwd: root, stdio: ['ignore', 'inherit', 'inherit'] });
  running.add(child);
  const timer = setTimeout(() => child.kill('SIGKILL'), Math.min(limitMs, endsAt - performance.now()));
  return new Promise((resolve) => {
    const done = (exit: number | null): void => {
      clearTimeout(timer);
      running.delete(child);
      resolve(exit ?? 1);
    };
    child.once('error', () => done(1));
    child.once('exit', done);
  });
}
