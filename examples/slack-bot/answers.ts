import type { types, webApi } from '@slack/bolt';
import { z } from 'zod';
import { slackText, type SlackPlace } from '../../src/agents/index.ts';
import { absent, Collection, NamespacedStorage, type StorageBackend } from '../../src/kernel.ts';

/** What Slack shows of one message without folding it is less. */
const maxLength = 12_000;
/** Longer than a run keeps an answer that was not handed over. */
const keepMs = 26 * 60 * 60_000;

/**
 * Answers in threads, each once. Slack itself has nothing to make a message once by, so a message carries its key: whoever
 * finds that another has begun to post it, and not that it was posted, looks in the thread.
 */
export class Answers {
  readonly #client: webApi.WebClient;
  readonly #posts: Collection<'posting' | 'posted'>;
  readonly #now: () => number;

  /** @param client must not send anything again by itself: what it did not hear of may have been posted. */
  constructor(client: webApi.WebClient, backend: StorageBackend, now: () => number) {
    this.#client = client;
    const storage = new NamespacedStorage(backend, ['app', 'slack-bot', 'answers']);
    this.#posts = new Collection(storage, z.enum(['posting', 'posted']));
    this.#now = now;
  }

  /**
   * Says something in the thread of a question, once for each key.
   *
   * @throws what Slack's client throws. To be called again with the same key.
   */
  async post(key: string, { channel, thread }: SlackPlace, text: string): Promise<void> {
    const expiresAtMs = this.#now() + keepMs;
    const isFirst = (await this.#posts.put([key], 'posting', { expect: absent, expiresAtMs })) !== undefined;
    if (!isFirst && (await this.isPosted(key, { channel, thread }))) return;
    await this.#client.chat.postMessage({
      channel,
      ...(thread !== undefined && { thread_ts: thread }),
      text: slackText(text.length > maxLength ? `${text.slice(0, maxLength)} …` : text),
      metadata: metadataOf(key),
      unfurl_links: false,
      unfurl_media: false,
    });
    await this.#posts.put([key], 'posted', { expiresAtMs });
  }

  /** Whether it was said: as this bot has noted it, or else as it stands in the thread. */
  async isPosted(key: string, { channel, thread }: Pick<SlackPlace, 'channel' | 'thread'>): Promise<boolean> {
    const noted = await this.#posts.find(key);
    if (noted?.value !== 'posting') return noted !== undefined;
    if (thread === undefined) return false;
    for await (const page of this.#client.paginate('conversations.replies', {
      channel,
      ts: thread,
      include_all_metadata: true,
      limit: 200,
    })) {
      const { messages = [] } = page as webApi.ConversationsRepliesResponse;
      if (messages.some(({ metadata }) => isOf(key, metadata))) return true;
    }
    return false;
  }
}

const eventType = 'bot_answer';

function metadataOf(key: string): types.MessageMetadata {
  return { event_type: eventType, event_payload: { key } };
}

function isOf(key: string, metadata: { event_type?: string; event_payload?: object } | undefined): boolean {
  return metadata?.event_type === eventType && (metadata.event_payload as { key?: unknown }).key === key;
}
