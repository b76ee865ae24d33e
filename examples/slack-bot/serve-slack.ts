import { createServer } from 'node:http';
import type { ServerConfigs } from '../../src/client/index.ts';
import type { Logger } from '../../src/index.ts';
import { openLocalStorage } from '../../src/storage/local.ts';
import { modelFromEnv } from './model-from-env.ts';
import { openSlackBot } from './open-bot.ts';

type Env = Readonly<Record<string, string | undefined>>;

/** Serves Slack itself, until this process is told to stop. @throws {Error} when a variable is missing. */
export async function serveSlack(env: Env, logger: Logger): Promise<void> {
  const publicUrl = needed(env, 'PUBLIC_URL');
  const storage = openLocalStorage(env['DATA'] ?? 'data');
  const bot = await openSlackBot({
    storage,
    publicUrl,
    slack: {
      botToken: needed(env, 'SLACK_BOT_TOKEN'),
      signingSecret: needed(env, 'SLACK_SIGNING_SECRET'),
      clientId: needed(env, 'SLACK_CLIENT_ID'),
      clientSecret: needed(env, 'SLACK_CLIENT_SECRET'),
    },
    servers: JSON.parse(needed(env, 'MCP_SERVERS')) as ServerConfigs,
    model: modelFromEnv(env),
    logger,
  });
  const server = createServer(bot.listener);
  server.listen(Number(env['PORT'] ?? 8080));
  logger.info('the bot answers', { publicUrl: new URL(publicUrl).host });
  await new Promise((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, resolve);
  });
  server.close();
  await bot[Symbol.asyncDispose]();
  await storage.close();
}

function needed(env: Env, name: string): string {
  const value = env[name];
  if (value === undefined || value === '')
    throw new Error(`${name} is not set; docs/guides/slack.md says what to set`);
  return value;
}
