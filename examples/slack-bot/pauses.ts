import type { webApi } from '@slack/bolt';
import { z } from 'zod';
import { slackText, type SignInRequest, type SlackPlace } from '../../src/agents/index.ts';
import type { CompletionEvent } from '../../src/client/index.ts';
import { Collection, NamespacedStorage, type StorageBackend } from '../../src/kernel.ts';

/** A message that says that somebody is waited for. */
interface Pause {
  readonly channel: string;
  readonly ts: string;
  readonly user: string;
  readonly service: string;
}

const schema = z.looseObject({ channel: z.string(), ts: z.string(), user: z.string(), service: z.string() });
const keepMs = 25 * 60 * 60_000;

/** Shows in a thread that its question waits for a person, and what became of that. */
export class Pauses {
  readonly #client: webApi.WebClient;
  readonly #pauses: Collection<Pause>;
  readonly #now: () => number;
  readonly #inboxUrl: string | undefined;

  /** @param options.inboxUrl where everybody finds their own links, also when Slack shows them no more. */
  constructor(
    client: webApi.WebClient,
    backend: StorageBackend,
    { now, inboxUrl }: { now: () => number; inboxUrl: string | undefined },
  ) {
    this.#client = client;
    this.#pauses = new Collection(new NamespacedStorage(backend, ['app', 'slack-bot', 'pauses']), schema);
    this.#now = now;
    this.#inboxUrl = inboxUrl;
  }

  /** Everybody in the channel reads this, so the link is not in it. */
  async show(
    { runId, service, challenge }: SignInRequest,
    { channel, user, thread }: SlackPlace,
  ): Promise<void> {
    const { ts } = await this.#client.chat.postMessage({
      channel,
      ...(thread !== undefined && { thread_ts: thread }),
      text: `⏳ ${mention(user)} I am waiting for you to sign in to ${slackText(service)}. Only you see the link${this.#elsewhere()}.`,
      unfurl_links: false,
      unfurl_media: false,
    });
    if (ts === undefined) return;
    await this.#pauses.put(
      [challenge.pendingId, runId],
      { channel, ts, user, service },
      { expiresAtMs: this.#now() + keepMs },
    );
  }

  /** Says in every thread that waited how it ended. Only for people to read: the runs go on without it. */
  async end({ pendingId, status }: Pick<CompletionEvent, 'pendingId' | 'status'>): Promise<void> {
    for await (const { value, path } of this.#pauses.all([pendingId])) {
      const { channel, ts, user, service } = value;
      await this.#client.chat.update({ channel, ts, text: endWords(status, user, service) });
      await this.#pauses.delete(path);
    }
  }

  #elsewhere(): string {
    const url = this.#inboxUrl;
    return url === undefined ? '' : `; it is also among <${slackText(url)}|your connections>`;
  }
}

function endWords(status: CompletionEvent['status'], user: string, service: string): string {
  switch (status) {
    case 'completed':
      return `✅ ${mention(user)} has signed in to ${slackText(service)}.`;
    case 'cancelled':
      return `${mention(user)} does not want to sign in to ${slackText(service)}.`;
    case 'expired':
      return `${mention(user)} did not sign in to ${slackText(service)} in time.`;
    case 'failed':
      return `The sign-in of ${mention(user)} to ${slackText(service)} has failed.`;
  }
}

function mention(user: string): string {
  return `<@${slackText(user)}>`;
}
