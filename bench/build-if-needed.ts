import { spawnSync } from 'node:child_process';
import { existsSync, globSync, statSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { BenchOptions } from './bench.ts';

const root = fileURLToPath(new URL('../', import.meta.url));

/** Builds `dist` where it is older than the sources. @throws {Error} when that fails. */
export function buildIfNeeded(name: string, options: BenchOptions): void {
  const built = new URL('../dist/client/index.js', import.meta.url);
  const sources = globSync(
    ['src/**/*.ts', 'scripts/{bundle,shared-chunks}.ts', 'tsconfig*.json', 'package.json'],
    { cwd: root, exclude: (path) => path.endsWith('.test.ts') },
  );
  const newest = Math.max(...sources.map((path) => statSync(root + path).mtimeMs));
  if (existsSync(built) && statSync(built).mtimeMs >= newest) return;
  options.progress(`${name}: npm run build`);
  const { status } = spawnSync('npm', ['run', 'build'], {
    cwd: root,
    stdio: ['ignore', 'ignore', 'inherit'],
    timeout: 180_000,
  });
  if (status !== 0) throw new Error('dist is older than src, and could not be built');
}
