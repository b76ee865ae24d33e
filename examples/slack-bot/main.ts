/**
 * A Slack bot with an agent: many people ask in threads, and each signs in to a calendar of their own.
 *
 *   node examples/slack-bot/main.ts [--port 8791]    with a stand-in of Slack, on loopback: no workspace is needed
 *   node examples/slack-bot/main.ts --self-check     drives that from end to end, and exits with 0 or 1
 *
 * With `SLACK_BOT_TOKEN` it talks to Slack itself; docs/guides/slack.md says what to set up. With `OPENAI_API_KEY` its model
 * is a real one.
 */
import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { createLineLogger } from '../protected-server/line-logger.ts';
import { runExample } from '../protected-server/run-example.ts';

const folder = fileURLToPath(new URL('.', import.meta.url));
if (!existsSync(`${folder}node_modules/@slack/bolt`)) {
  console.log('Installing @slack/bolt into the folder of the example, once.');
  execFileSync('npm', ['ci', '--no-audit', '--no-fund'], { cwd: folder, stdio: 'inherit' });
}
const { modelFromEnv } = await import('./model-from-env.ts');

if (process.env['SLACK_BOT_TOKEN'] === undefined) {
  const [{ startWithStandIn }, { checkSlackBot }] = await Promise.all([
    import('./start-with-stand-in.ts'),
    import('./self-check.ts'),
  ]);
  await runExample({
    selfCheck: checkSlackBot,
    selfCheckMs: 60_000,
    async serve({ directory, port }) {
      const logger = createLineLogger(console.log);
      const world = await startWithStandIn({ directory, port, model: modelFromEnv(process.env), logger });
      console.log(`Open ${world.slack.origin} for the screen of alice, bob or carol, each in a browser of their own; there is no
password. Ask @planner what is on today.

Ctrl-C ends it all; nothing is kept.`);
      return world;
    },
  });
} else {
  const { serveSlack } = await import('./serve-slack.ts');
  await serveSlack(process.env, createLineLogger(console.log));
}
