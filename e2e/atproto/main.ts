/**
 * Runs Postern against a real AT Protocol network on loopback, which it installs from this folder's own lock file first.
 *
 *   npm run test:atproto                everything
 *   npm run test:atproto -- sign-in     the files whose name has this in it
 *
 * The last line has the totals; the exit code is 1 when anything failed. Ends within 20 minutes.
 */
import { fileURLToPath } from 'node:url';
import { runSuite } from '../run-suite.ts';

await runSuite({
  folder: fileURLToPath(new URL('.', import.meta.url)),
  name: 'atproto',
  what: 'The network',
  limitMs: 20 * 60_000,
});
