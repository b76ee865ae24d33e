import { type Listener, openListener } from '../../../demo/open-listener.ts';
import { profileOf } from '../../../src/oauth/profiles/find-profile.ts';
import type { SlackAppConfig } from '../open-bot.ts';
import { Deliveries, type Delivery } from './deliveries.ts';
import { SlackOpenId } from './openid.ts';
import { WebApi } from './web-api.ts';
import { answerScreen } from './screen.ts';
import { Workspace, type SlackMessage } from './workspace.ts';

/** Slack on this machine, for a bot that is reached at `publicUrl`. */
export interface StandInSlack extends AsyncDisposable {
  readonly origin: string;
  /** What Slack's own pages show of the app. */
  readonly app: SlackAppConfig;
  readonly workspace: Workspace;
  readonly api: WebApi;
  readonly openId: SlackOpenId;
  readonly deliveries: Deliveries;
  /** Has somebody write a message, and delivers it if it is for the bot. */
  write(message: WrittenMessage): Promise<{ message: SlackMessage; deliveries: Delivery[] }>;
}

export interface WrittenMessage {
  /** The id of a person. */
  readonly user: string;
  readonly channel: string;
  /** `@planner` names the bot. */
  readonly text: string;
  readonly threadTs?: string | undefined;
}

export interface StandInOptions {
  readonly publicUrl: string;
  readonly botToken: string;
  readonly signingSecret: string;
  readonly clientSecret: string;
  readonly port?: number | undefined;
}

/** Starts Slack's stand-in: its Web API, its deliveries, its sign-in, and a screen for people to write on. */
export async function startSlack(options: StandInOptions): Promise<StandInSlack> {
  const { publicUrl, botToken, signingSecret, clientSecret, port } = options;
  const listener: Listener = await openListener({ port });
  const { origin } = listener;
  const clientId = '1234567890.0987654321';
  const workspace = new Workspace();
  const api = new WebApi(workspace, botToken);
  const redirectUri = `${publicUrl}/sign-in/callback`;
  const openId = new SlackOpenId(workspace, { clientId, clientSecret, redirectUri }, origin);
  const deliveries = new Deliveries(workspace, { eventsUrl: `${publicUrl}/slack/events`, signingSecret });
  const { redirectUris: _onlyHttps, ...profile } = profileOf('https://slack.com');

  const slack: StandInSlack = {
    origin,
    app: {
      botToken,
      signingSecret,
      clientId,
      clientSecret,
      apiUrl: `${origin}/api/`,
      issuer: origin,
      // As Slack's own issuer is known to differ.
      profiles: { [origin]: profile },
    },
    workspace,
    api,
    openId,
    deliveries,
    async write({ user, channel, text, threadTs }) {
      const written = text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
      const mention = `<@${workspace.bot.user}>`;
      const message = workspace.add({
        channel,
        threadTs,
        user,
        isBot: false,
        text: written.replaceAll('@planner', mention),
      });
      const isDirect = workspace.channels.get(channel)?.isDirect === true;
      if (!isDirect && !message.text.includes(mention)) return { message, deliveries: [] };
      return { message, deliveries: await deliveries.deliver(deliveries.messageEvent(message)) };
    },
    [Symbol.asyncDispose]: () => listener.close(),
  };
  listener.serve(
    async (request) =>
      (await openId.answer(request)) ??
      (new URL(request.url).pathname.startsWith('/api/')
        ? api.answer(request)
        : answerScreen(request, slack)),
  );
  return slack;
}
