import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished } from 'vitest';
import { startAuthorizationServer } from '../../demo/authorization-server.ts';
import { startCalendarServer, type CalendarServer } from '../../demo/calendar-server.ts';
import { forward } from '../../demo/forward.ts';
import { openListener } from '../../demo/open-listener.ts';
import type { Model } from '../../examples/slack-bot/model.ts';
import { openPort } from '../../examples/slack-bot/open-port.ts';
import { openSlackBot, type SlackBot } from '../../examples/slack-bot/open-bot.ts';
import { scriptedModel } from '../../examples/slack-bot/scripted-model.ts';
import { startSlack, type StandInSlack } from '../../examples/slack-bot/stand-in/start-slack.ts';
import { linkIn, waitFor } from '../../examples/slack-bot/stand-in/watching.ts';
import type { SlackMessage } from '../../examples/slack-bot/stand-in/workspace.ts';
import type { Clock } from '../../src/core/clock.ts';
import { MemoryBackend, type StorageBackend } from '../../src/index.ts';
import { NamespacedStorage } from '../../src/kernel.ts';
import { openLocalStorage } from '../../src/storage/local.ts';
import { ChildProgram } from '../../test/support/child-program.ts';
import { createCookieBrowser, type CookieBrowser, type Page } from '../../test/support/cookie-browser.ts';
import { watchFor } from '../../test/support/outputs.ts';
import { createRecordingLogger, type RecordingLogger } from '../../test/support/recording-logger.ts';
import type { BotProcessConfig } from './bot-process.ts';

export const alice = 'U0ALICE';
export const bob = 'U0BOB';
export const general = 'C0GENERAL';

/** Slack, a calendar of each person's own, and one address behind which bots answer in turn. */
export interface SlackStage {
  readonly slack: StandInSlack;
  readonly publicUrl: string;
  readonly calendar: CalendarServer;
  readonly logger: RecordingLogger;
  /** What every prompt had in it. */
  readonly prompts: string[];
  /** One more bot in this process. */
  open(options?: BotOptions): Promise<SlackBot>;
  /** One more bot in a process of its own. */
  start(options?: Pick<BotProcessConfig, 'thinksForEver'>): Promise<ChildProgram<object, unknown>>;
  /** Has somebody ask in a channel, in a thread of its own. Resolves to the thread. */
  ask(user: string, text: string, channel?: string): Promise<string>;
  /** The link that somebody sees in a thread. */
  linkFor(user: string, thread: string, channel?: string): Promise<string>;
  /** What the bot says in a thread, which everybody sees. */
  hear(thread: string, pattern: RegExp, channel?: string): Promise<SlackMessage>;
  /** All that the bot has said in a thread. */
  said(thread: string, channel?: string): string[];
  /** Goes through a link as somebody, in a browser of their own. */
  follow(link: string, user: string, decision?: 'allow' | 'deny'): Promise<Page>;
  /** How many questions the processes have neither answered nor parked. */
  countOpen(): Promise<number>;
}

export interface BotOptions {
  readonly model?: Model | undefined;
  readonly storage?: StorageBackend | undefined;
  readonly clock?: Clock | undefined;
  readonly signInTtlMs?: number | undefined;
}

/** Longer than a busy machine keeps a process from renewing. */
const leaseMs = 6_000;
/** For what another process takes over. */
const patienceMs = 90_000;

export async function openSlackStage(): Promise<SlackStage> {
  const ports: number[] = [];
  let turn = 0;
  const front = await openListener({
    handler: async (request) => {
      const port = ports[turn++ % ports.length];
      return port === undefined ? new Response(null, { status: 503 }) : forward(request, port);
    },
  });
  onTestFinished(() => front.close());
  const provider = await startAuthorizationServer();
  onTestFinished(() => provider.close());
  const calendar = await startCalendarServer({ authorizationServer: provider });
  onTestFinished(() => calendar.close());
  const publicUrl = front.origin;
  const slack = await startSlack({
    publicUrl,
    botToken: 'xoxb-CNRYzsecretz-of-the-bot',
    signingSecret: 'CNRYzsecretz-that-signs',
    clientSecret: 'CNRYzsecretz-of-the-client',
  });
  onTestFinished(async () => {
    for (const secret of slack.openId.secrets) watchFor(secret);
    await slack[Symbol.asyncDispose]();
  });
  const directory = mkdtempSync(join(tmpdir(), 'postern-slack-'));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  const logger = createRecordingLogger();
  const prompts: string[] = [];
  const browsers = new Map<string, CookieBrowser>();
  const shared = new MemoryBackend();
  const { workspace } = slack;

  const leave = (port: number): void => {
    const at = ports.indexOf(port);
    if (at !== -1) ports.splice(at, 1);
  };
  return {
    slack,
    publicUrl,
    calendar,
    logger,
    prompts,
    async open({ model = scriptedModel, storage = shared, clock, signInTtlMs } = {}) {
      const port = await openPort(0);
      const bot = await openSlackBot({
        storage,
        publicUrl,
        slack: slack.app,
        servers: { calendar: { url: calendar.url } },
        model: (prompt) => {
          prompts.push(JSON.stringify(prompt));
          return model(prompt);
        },
        logger,
        leaseMs,
        clock,
        signInTtlMs,
      });
      port.serve(bot.listener);
      ports.push(port.port);
      onTestFinished(async () => {
        leave(port.port);
        await bot[Symbol.asyncDispose]();
        await port[Symbol.asyncDispose]();
      });
      return bot;
    },
    async start({ thinksForEver } = {}) {
      const config: BotProcessConfig = {
        directory,
        publicUrl,
        calendarUrl: calendar.url,
        slack: slack.app,
        leaseMs,
        thinksForEver,
      };
      const child = new ChildProgram<object, unknown>({
        name: 'a process of the bot',
        program: new URL('bot-process.ts', import.meta.url),
        env: { BOT_PROCESS: JSON.stringify(config) },
      });
      onTestFinished(() => child.end());
      const { port } = await child.heard(
        'its port',
        (message) => (typeof message === 'object' ? (message as { port: number }) : undefined),
        patienceMs,
      );
      ports.push(port);
      void child.exited.then(() => leave(port));
      return child;
    },
    async ask(user, text, channel = general) {
      const { message, deliveries } = await slack.write({ user, channel, text });
      expect(deliveries.map(({ status }) => status)).toEqual([200]);
      return message.ts;
    },
    linkFor: async (user, thread, channel = general) =>
      linkIn(
        await waitFor(
          workspace,
          'private link',
          () =>
            workspace
              .seenBy(user)
              .find(
                (message) =>
                  message.channel === channel && message.threadTs === thread && message.onlyFor === user,
              ),
          patienceMs,
        ),
      ),
    hear: (thread, pattern, channel = general) => {
      const said = () => workspace.thread(channel, thread).filter(({ isBot }) => isBot);
      return waitFor(
        workspace,
        `answer like ${String(pattern)}`,
        () => said().find(({ text }) => pattern.test(text)),
        patienceMs,
      ).catch((error: Error) => {
        throw new Error(`${error.message}; said was ${JSON.stringify(said())}`, { cause: error });
      });
    },
    said: (thread, channel = general) =>
      workspace
        .thread(channel, thread)
        .filter(({ isBot }) => isBot)
        .map(({ text }) => text),
    async countOpen() {
      const storage = openLocalStorage(directory);
      try {
        return (await new NamespacedStorage(storage, ['app', 'slack-bot', 'open']).list()).length;
      } finally {
        await storage.close();
      }
    },
    async follow(link, user, decision = 'allow') {
      const browser = browsers.get(user) ?? createCookieBrowser();
      browsers.set(user, browser);
      return browser.signIn(link, { user, decision });
    },
  };
}
