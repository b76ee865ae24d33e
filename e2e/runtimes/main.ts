/**
 * Runs the packed package on the runtimes that are not Node: Cloudflare's workerd, Bun and Deno. They are installed from
 * this folder's own lock file first.
 *
 *   npm run test:runtimes                  everything
 *   npm run test:runtimes -- workers       the files whose name has this in it
 *
 * The last line has the totals; the exit code is 1 when anything failed. Ends within 10 minutes.
 */
import { fileURLToPath } from 'node:url';
import { runSuite } from '../run-suite.ts';

const folder = fileURLToPath(new URL('.', import.meta.url));

await runSuite({
  folder,
  name: 'runtimes',
  what: 'The runtimes',
  limitMs: 10 * 60_000,
  first: [
    ['tsc', '--noEmit', '-p', `${folder}tsconfig.json`],
    ['tsc', '-p', 'tsconfig.build.json'],
    ['node', 'scripts/bundle.ts'],
  ],
});
