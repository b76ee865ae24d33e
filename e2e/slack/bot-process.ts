/** One process of the bot: it answers at a port that it tells its parent, for as long as that lives. */
import type { Model } from '../../examples/slack-bot/model.ts';
import { openPort } from '../../examples/slack-bot/open-port.ts';
import { openSlackBot, type SlackAppConfig } from '../../examples/slack-bot/open-bot.ts';
import { scriptedModel } from '../../examples/slack-bot/scripted-model.ts';
import { openLocalStorage } from '../../src/storage/local.ts';
import { createLineLogger } from '../../examples/protected-server/line-logger.ts';

/** In the environment, since everybody on a machine can read arguments. */
export interface BotProcessConfig {
  readonly directory: string;
  readonly publicUrl: string;
  readonly calendarUrl: string;
  readonly slack: SlackAppConfig;
  readonly leaseMs: number;
  /** Whether its model thinks for ever. */
  readonly thinksForEver?: boolean | undefined;
}

const { directory, publicUrl, calendarUrl, slack, leaseMs, thinksForEver } = JSON.parse(
  process.env['BOT_PROCESS'] ?? '{}',
) as BotProcessConfig;
const thinking: Model = () => {
  process.send?.('thinking');
  return new Promise<never>(() => {});
};
const port = await openPort(0);
const bot = await openSlackBot({
  storage: openLocalStorage(directory),
  publicUrl,
  slack,
  servers: { calendar: { url: calendarUrl } },
  model: thinksForEver === true ? thinking : scriptedModel,
  logger: createLineLogger(console.log),
  leaseMs,
});
port.serve(bot.listener);
process.on('disconnect', () => process.exit(0));
process.send?.({ port: port.port });
