import { type App, HTTPReceiver, type HTTPReceiverOptions, type ReceiverEvent } from '@slack/bolt';
import { personOf } from './people.ts';
import type { Question, TakenQuestion } from './questions.ts';

/** Longer than a question that anybody asks. */
const maxLength = 4_000;

/**
 * Bolt's own receiver, which keeps a question before Bolt tells Slack that it has arrived: Slack delivers what was not
 * acknowledged again, and nothing else. A question that was heard before is acknowledged, and goes no further.
 */
export class KeepingReceiver extends HTTPReceiver {
  readonly #take: (question: Question) => Promise<TakenQuestion | undefined>;

  constructor(
    options: HTTPReceiverOptions,
    take: (question: Question) => Promise<TakenQuestion | undefined>,
  ) {
    super(options);
    this.#take = take;
  }

  override init(app: App): void {
    const keeping: Pick<App, 'processEvent'> = {
      processEvent: async (event) => {
        const question = questionIn(event);
        if (question === undefined) return app.processEvent(event);
        const taken = await this.#take(question);
        if (taken === undefined) return event.ack();
        return app.processEvent({ ...event, customProperties: { ...event.customProperties, taken } });
      },
    };
    super.init(keeping as App);
  }
}

/** What somebody has asked the bot: by its name in a channel, or in a conversation with it alone. */
export function questionIn({ body }: Pick<ReceiverEvent, 'body'>): Question | undefined {
  const { type, event, team_id: teamId } = body;
  if (type !== 'event_callback' || typeof event !== 'object' || event === null) return undefined;
  const { type: kind, channel_type: channelType, channel, user, ts, thread_ts: thread, text } = event;
  const isForBot = kind === 'app_mention' || (kind === 'message' && channelType === 'im');
  // Edited and deleted messages, and those of bots, its own among them.
  if (!isForBot || event.subtype !== undefined || event.bot_id !== undefined) return undefined;
  // Whoever is a guest from another workspace has the id of that one.
  const team: unknown = event.user_team ?? event.team ?? teamId;
  if (![channel, user, ts, text, team].every((part) => typeof part === 'string')) return undefined;
  return {
    id: `${channel}:${ts}`,
    person: personOf(team as string, user),
    place: { channel, user, thread: thread ?? ts },
    text: plainText(text).slice(0, maxLength),
  };
}

/** What somebody wrote, without the name of the bot before it, and as they wrote it. */
function plainText(text: string): string {
  return text
    .replace(/^\s*<@\w+>\s*/u, '')
    .replaceAll('&lt;', '<')
    .replaceAll('&gt;', '>')
    .replaceAll('&amp;', '&')
    .trim();
}
