import { randomBytes } from 'node:crypto';
import { startAuthorizationServer } from '../../demo/authorization-server.ts';
import { startCalendarServer, type CalendarServer } from '../../demo/calendar-server.ts';
import { openLocalStorage } from '../../src/storage/local.ts';
import type { Logger } from '../../src/index.ts';
import type { Model } from './model.ts';
import { openSlackBot } from './open-bot.ts';
import { openPort } from './open-port.ts';
import { startSlack, type StandInSlack } from './stand-in/start-slack.ts';

export interface StandInWorld extends AsyncDisposable {
  readonly slack: StandInSlack;
  readonly botUrl: string;
  readonly calendar: CalendarServer;
}

/** The bot on loopback, with a stand-in of Slack, and a calendar of each person's own. */
export async function startWithStandIn(options: {
  readonly directory: string;
  readonly port?: number | undefined;
  readonly model: Model;
  readonly logger: Logger;
}): Promise<StandInWorld> {
  const { directory, port = 0, model, logger } = options;
  await using starting = new AsyncDisposableStack();
  const provider = await startAuthorizationServer();
  starting.defer(() => provider.close());
  const calendar = await startCalendarServer({ authorizationServer: provider });
  starting.defer(() => calendar.close());
  const storage = openLocalStorage(directory);
  starting.defer(() => storage.close());

  const own = starting.use(await openPort(0));
  const slack = starting.use(
    await startSlack({
      publicUrl: own.origin,
      botToken: `xoxb-${secret()}`,
      signingSecret: secret(),
      clientSecret: secret(),
      port,
    }),
  );
  const servers = { calendar: { url: calendar.url, reason: 'To tell you what is on today.' } };
  const bot = starting.use(
    await openSlackBot({ storage, publicUrl: own.origin, slack: slack.app, servers, model, logger }),
  );
  own.serve(bot.listener);
  const started = starting.move();
  return { slack, botUrl: own.origin, calendar, [Symbol.asyncDispose]: () => started.disposeAsync() };
}

function secret(): string {
  return randomBytes(24).toString('base64url');
}
