import type { SignInRequest, TellPerson } from './tell-person.ts';

/** A block of Slack's: of what it holds, a text is a text, whatever is in it. */
export interface SlackBlock {
  type: 'rich_text';
  elements: { type: 'rich_text_section' | 'rich_text_quote'; elements: SlackInline[] }[];
}

export type SlackInline = { type: 'text'; text: string } | { type: 'link'; url: string; text: string };

/** The part of Slack's Web API that {@link inSlack} calls: `app.client` of Bolt has it. */
export interface SlackMessages {
  readonly chat: {
    postEphemeral(message: {
      channel: string;
      user: string;
      thread_ts?: string;
      text: string;
      blocks: SlackBlock[];
    }): Promise<unknown>;
    postMessage(message: {
      channel: string;
      thread_ts?: string;
      text: string;
      blocks?: SlackBlock[];
      unfurl_links: false;
      unfurl_media: false;
    }): Promise<unknown>;
  };
  readonly conversations: {
    open(who: { users: string }): Promise<{ channel?: { id?: string } }>;
  };
}

/** Where in Slack a question was asked, and by whom. */
export interface SlackPlace {
  readonly channel: string;
  readonly user: string;
  /** The `ts` of the thread's first message, which may be the question itself. */
  readonly thread?: string | undefined;
}

export interface InSlackOptions {
  readonly client: SlackMessages;
  /** Finds the place, as a rule in the metadata of the run. */
  readonly placeOf: (request: SignInRequest) => SlackPlace;
  /**
   * Says in the thread, for everybody, that its person is waited for, before they get their link. Never with the link.
   * Default: one line. Slack shows a private message only in a thread that has a reply already, so a thread needs one.
   */
  readonly announce?: ((request: SignInRequest, place: SlackPlace) => unknown) | undefined;
}

/**
 * Shows the link in Slack to whoever asked, in the thread where they did, and to nobody else.
 *
 * Where Slack refuses that, because they or the bot are not in the channel, the link goes into the bot's conversation with
 * that person alone, which needs the scope `im:write`. Slack keeps no private message over a reload, and shows it to nobody
 * who is away: `manager.inboxUrl` has the link as long as it is good, and can be said to everybody.
 *
 * @example
 * inSlack({ client: app.client, placeOf: ({ metadata }) => metadata as SlackPlace })
 */
export function inSlack({ client, placeOf, announce }: InSlackOptions): TellPerson {
  const announceIn = announce ?? ((request, place) => announcePlainly(client, request, place));
  return async (request) => {
    const place = placeOf(request);
    const { channel, user, thread } = place;
    const message = messageOf(request);
    try {
      if (thread !== undefined) await announceIn(request, place);
      await client.chat.postEphemeral({ channel, user, ...inThread(thread), ...message });
    } catch (error) {
      if (!isRefusal(error)) throw error;
      const { channel: alone } = await client.conversations.open({ users: user });
      if (alone?.id === undefined) throw error;
      await client.chat.postMessage({ channel: alone.id, ...message, ...noPreviews });
    }
  };
}

function announcePlainly(
  client: SlackMessages,
  { service }: SignInRequest,
  { channel, user, thread }: SlackPlace,
): Promise<unknown> {
  const text = `<@${slackText(user)}> To go on, I need you to sign in to ${slackText(service)}. Only you get the link.`;
  return client.chat.postMessage({ channel, ...inThread(thread), text, ...noPreviews });
}

function messageOf({ service, reason, challenge: { url } }: SignInRequest): {
  text: string;
  blocks: SlackBlock[];
} {
  const label = `Sign in to ${service}`;
  const rest = ' to go on. The link is for you alone.';
  const elements: SlackBlock['elements'] = [
    {
      type: 'rich_text_section',
      elements: [
        { type: 'link', url, text: label },
        { type: 'text', text: rest },
      ],
    },
  ];
  if (reason !== undefined) {
    // Here, and not in the text: Slack makes links of addresses in that, and these are the model's words.
    const words = { type: 'text' as const, text: `The assistant says why: ${oneLine(reason)}` };
    elements.push({ type: 'rich_text_quote', elements: [words] });
  }
  return {
    text: `<${slackText(url)}|${slackText(label).replaceAll('|', '¦')}>${rest}`,
    blocks: [{ type: 'rich_text', elements }],
  };
}

const noPreviews = { unfurl_links: false, unfurl_media: false } as const;

function inThread(thread: string | undefined): { thread_ts?: string } {
  return thread === undefined ? {} : { thread_ts: thread };
}

/** Slack has looked at the message, and said no. Otherwise nobody knows whether it was posted. */
function isRefusal(error: unknown): boolean {
  const data: unknown = error instanceof Error && 'data' in error ? error.data : undefined;
  return typeof data === 'object' && data !== null && 'error' in data && typeof data.error === 'string';
}

function oneLine(text: string): string {
  return text.replaceAll(/\s+/gu, ' ').trim().slice(0, 300);
}

/**
 * A text without a meaning to Slack: no link with words of its own, no mention of anybody.
 *
 * @see https://docs.slack.dev/messaging/formatting-message-text#escaping
 */
export function slackText(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}
