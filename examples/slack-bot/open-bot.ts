import type { RequestListener } from 'node:http';
import { App, webApi } from '@slack/bolt';
import { inSlack } from '../../src/agents/index.ts';
import { ClientManager, explain, type ServerConfigs } from '../../src/client/index.ts';
import type { Logger, StorageBackend } from '../../src/index.ts';
import { nodeListener } from '../../src/node/index.ts';
import type { IssuerProfiles } from '../../src/oauth/index.ts';
import type { Appearance } from '../../src/web/index.ts';
import { Answers } from './answers.ts';
import { type Asked, createAssistant } from './assistant.ts';
import { boltLogger } from './bolt-logger.ts';
import { homeView } from './connections.ts';
import { Conversations } from './conversations.ts';
import { KeepingReceiver } from './events.ts';
import type { Model } from './model.ts';
import { Pauses } from './pauses.ts';
import { personOf, signInWithSlack } from './people.ts';
import { Questions, type TakenQuestion } from './questions.ts';

export interface SlackBotOptions {
  /** Shared by all processes of the bot. */
  readonly storage: StorageBackend;
  /** Where people and Slack reach this bot. */
  readonly publicUrl: string;
  readonly slack: SlackAppConfig;
  /** The MCP servers, of each person's own. */
  readonly servers: ServerConfigs;
  readonly model: Model;
  readonly logger: Logger;
  readonly clock?: (() => number) | undefined;
  /** How long a person has to sign in. Default 10 minutes. */
  readonly signInTtlMs?: number | undefined;
  /** After this long without a sign of life, a process counts as dead. Default 30,000 ms. */
  readonly leaseMs?: number | undefined;
}

/** The app as Slack's pages show it. */
export interface SlackAppConfig {
  readonly botToken: string;
  readonly signingSecret: string;
  readonly clientId: string;
  readonly clientSecret: string;
  /** Default Slack's own. */
  readonly apiUrl?: string | undefined;
  /** Default `https://slack.com`. */
  readonly issuer?: string | undefined;
  readonly profiles?: IssuerProfiles | undefined;
}

export interface SlackBot extends AsyncDisposable {
  /** Answers Slack at `/slack/events`, and browsers below `/postern` and `/sign-in`. */
  readonly listener: RequestListener;
}

const appearance: Appearance = { name: 'Day Planner' };

/**
 * A bot for many people: each asks in threads, signs in to servers of their own by a link that is theirs alone, and is
 * answered where they asked, by whichever process lives.
 *
 * @throws what Slack's client throws when its token is none.
 */
export async function openSlackBot(options: SlackBotOptions): Promise<SlackBot> {
  const { storage, publicUrl, slack, servers, model, logger, clock: now = Date.now, signInTtlMs } = options;
  const { leaseMs = 30_000 } = options;
  const clientOptions: webApi.WebClientOptions = {
    ...(slack.apiUrl !== undefined && { slackApiUrl: slack.apiUrl }),
    logger: boltLogger(logger),
    timeout: 10_000,
    retryConfig: { retries: 2, minTimeout: 500 },
  };
  const questions = new Questions(storage, { leaseMs, now });
  const receiver = new KeepingReceiver(
    { signingSecret: slack.signingSecret, logger: boltLogger(logger) },
    (question) => questions.take(question),
  );
  const app = new App({
    token: slack.botToken,
    receiver,
    clientOptions,
    logger: boltLogger(logger),
    deferInitialization: true,
  });
  await app.init();
  const { team_id: team } = await app.client.auth.test();
  if (team === undefined) throw new Error('Slack does not say which workspace the bot is in');

  const signIn = signInWithSlack({
    issuer: slack.issuer ?? 'https://slack.com',
    clientId: slack.clientId,
    clientSecret: slack.clientSecret,
    profiles: slack.profiles,
    team,
    publicUrl: `${publicUrl}/sign-in`,
    storage,
    appearance,
    logger,
    clock: now,
  });
  const manager = new ClientManager(servers, {
    storage,
    publicUrl: `${publicUrl}/postern`,
    verifyUser: signIn.verifyUser,
    appearance,
    logger,
    clock: now,
    signInTtlMs,
    resume: { claimMs: leaseMs },
  });

  const pauses = new Pauses(app.client, storage, { now, inboxUrl: manager.inboxUrl });
  manager.coordinator.subscribe({ onCompletion: (event) => pauses.end(event) });
  const sentOnce = new webApi.WebClient(slack.botToken, { ...clientOptions, retryConfig: { retries: 0 } });
  const answers = new Answers(sentOnce, storage, now);
  const tell = inSlack({
    client: app.client,
    placeOf: ({ metadata }) => (metadata as Asked).place,
    announce: (request, place) => pauses.show(request, place),
  });
  const assistant = createAssistant(manager, model, {
    // Nobody waits for an answer here, and a process that waits can die.
    waitMs: 0,
    tell,
    onAnswer: ({ metadata, answer }) => {
      const { id, place } = metadata as Asked;
      return answers.post(id, place, answer);
    },
    onFailure: ({ metadata }) => {
      const { id, place } = metadata as Asked;
      return answers.post(`${id} failed`, place, 'Something went wrong. Please ask again.');
    },
  });
  const { client } = app;
  const conversations = new Conversations({ manager, assistant, questions, answers, tell, client, logger });

  const begin = async ({ context }: { context: { taken?: TakenQuestion } }): Promise<void> => {
    // The receiver has taken it; other messages are none for the bot.
    if (context.taken !== undefined) conversations.begin(context.taken);
  };
  app.event('app_mention', begin);
  app.message(begin);
  app.event('app_home_opened', async ({ event, body }) => {
    if (event.tab !== 'home') return;
    const view = await homeView(manager, personOf(body.team_id, event.user));
    await client.views.publish({ user_id: event.user, view });
  });

  await manager.start();
  const settleLeft = (): void =>
    void conversations.settleLeft().catch((error: unknown) => {
      const why = explain(error, { for: 'operator' });
      logger.error('what other processes have left could not be looked for', { why });
    });
  settleLeft();
  const sweeper = setInterval(settleLeft, leaseMs);

  const pages = nodeListener(
    (request) => (new URL(request.url).pathname.startsWith('/sign-in/') ? signIn : manager).fetch(request),
    { publicUrl, logger },
  );
  return {
    listener: (request, response) => {
      if (request.method === 'POST' && request.url === '/slack/events')
        receiver.requestListener(request, response);
      else pages(request, response);
    },
    [Symbol.asyncDispose]: async () => {
      clearInterval(sweeper);
      await conversations.settled();
      await manager.close();
    },
  };
}
