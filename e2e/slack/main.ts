/**
 * Drives the bot of `examples/slack-bot` with Slack's own framework, against a stand-in of Slack. The framework is installed
 * from the example's lock file first, and the types are held against its own.
 *
 *   npm run test:slack                 everything
 *   npm run test:slack -- processes    the files whose name has this in it
 *
 * The last line has the totals; the exit code is 1 when anything failed. Ends within 10 minutes.
 */
import { fileURLToPath } from 'node:url';
import { runSuite } from '../run-suite.ts';

const folder = fileURLToPath(new URL('.', import.meta.url));

await runSuite({
  folder,
  installs: fileURLToPath(new URL('../../examples/slack-bot/', import.meta.url)),
  name: 'slack',
  what: 'Bolt',
  limitMs: 10 * 60_000,
  first: [['tsc', '--noEmit', '-p', `${folder}tsconfig.json`]],
});
