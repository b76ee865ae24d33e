/**
 * Drives the frameworks that agents are written in, each with a scripted model, through a sign-in. They are installed from
 * this folder's own lock file first, and our types are held against theirs.
 *
 *   npm run test:agents                  everything
 *   npm run test:agents -- processes     the files whose name has this in it
 *
 * The last line has the totals; the exit code is 1 when anything failed. Ends within 15 minutes.
 */
import { fileURLToPath } from 'node:url';
import { runSuite } from '../run-suite.ts';

const folder = fileURLToPath(new URL('.', import.meta.url));

await runSuite({
  folder,
  name: 'agents',
  what: 'The frameworks',
  limitMs: 15 * 60_000,
  first: [['tsc', '--noEmit', '-p', `${folder}tsconfig.json`]],
});
