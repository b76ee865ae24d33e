/**
 * Drives Restate's own server, on loopback and from its package, through calls that wait for a person. It is installed from this
 * folder's own lock file first.
 *
 *   npm run test:durable
 *
 * The last line has the totals; the exit code is 1 when anything failed. Ends within 10 minutes.
 */
import { fileURLToPath } from 'node:url';
import { runSuite } from '../run-suite.ts';

const folder = fileURLToPath(new URL('.', import.meta.url));

await runSuite({
  folder,
  name: 'durable',
  what: 'The engine',
  limitMs: 10 * 60_000,
  first: [['tsc', '--noEmit', '-p', `${folder}tsconfig.json`]],
});
