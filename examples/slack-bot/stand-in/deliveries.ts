import { createHmac, randomUUID } from 'node:crypto';
import type { SlackMessage, Workspace } from './workspace.ts';

/** One delivery of an event, and what became of it. */
export interface Delivery {
  /** 0 for one that nobody answered in time. */
  readonly status: number;
  readonly tookMs: number;
}

export interface DeliveryOptions {
  /** A secret that is not the app's. */
  readonly signedWith?: string | undefined;
  /** In seconds since the epoch. */
  readonly signedAt?: number | undefined;
  readonly retry?: { readonly num: number; readonly reason: string } | undefined;
}

/** How long Slack waits for a 200. */
const ackMs = 3_000;
/** How often Slack tries again. */
const maxRetries = 3;

/** Brings events to the app: signed, and again while nobody says in three seconds that they have arrived. */
export class Deliveries {
  readonly #workspace: Workspace;
  readonly #eventsUrl: string;
  readonly #signingSecret: string;

  constructor(
    workspace: Workspace,
    { eventsUrl, signingSecret }: { eventsUrl: string; signingSecret: string },
  ) {
    this.#workspace = workspace;
    this.#eventsUrl = eventsUrl;
    this.#signingSecret = signingSecret;
  }

  /** Delivers an event, with Slack's retries. Resolves to all of its deliveries. */
  async deliver(body: object): Promise<Delivery[]> {
    const deliveries = [await this.send(body)];
    for (let num = 1; num <= maxRetries && !isTaken(deliveries.at(-1)); num++) {
      const reason = deliveries.at(-1)?.status === 0 ? 'http_timeout' : 'http_error';
      deliveries.push(await this.send(body, { retry: { num, reason } }));
    }
    return deliveries;
  }

  /** One delivery, and no other. */
  async send(body: object, { signedWith, signedAt, retry }: DeliveryOptions = {}): Promise<Delivery> {
    const text = JSON.stringify(body);
    const timestamp = String(signedAt ?? Math.floor(Date.now() / 1_000));
    const hmac = createHmac('sha256', signedWith ?? this.#signingSecret);
    const signature = `v0=${hmac.update(`v0:${timestamp}:${text}`).digest('hex')}`;
    const beganAt = performance.now();
    const response = await fetch(this.#eventsUrl, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        'x-slack-request-timestamp': timestamp,
        'x-slack-signature': signature,
        ...(retry && { 'x-slack-retry-num': String(retry.num), 'x-slack-retry-reason': retry.reason }),
      },
      body: text,
      signal: AbortSignal.timeout(ackMs),
    }).catch(() => undefined);
    await response?.body?.cancel();
    return { status: response?.status ?? 0, tookMs: performance.now() - beganAt };
  }

  /** What tells an app of a message: that it is named there, or that somebody writes to it alone. */
  messageEvent({ channel, ts, threadTs, user, text }: SlackMessage): object {
    const { team } = this.#workspace;
    const isDirect = this.#workspace.channels.get(channel)?.isDirect === true;
    return this.envelope({
      ...(isDirect ? { type: 'message', channel_type: 'im' } : { type: 'app_mention' }),
      user,
      text,
      ts,
      team,
      channel,
      event_ts: ts,
      ...(threadTs !== undefined && { thread_ts: threadTs }),
    });
  }

  envelope(event: object): object {
    const { team, appId, bot } = this.#workspace;
    return {
      type: 'event_callback',
      team_id: team,
      api_app_id: appId,
      event,
      event_id: `Ev${randomUUID()}`,
      event_time: Math.floor(Date.now() / 1_000),
      authorizations: [{ team_id: team, user_id: bot.user, is_bot: true, is_enterprise_install: false }],
    };
  }
}

function isTaken(delivery: Delivery | undefined): boolean {
  return delivery !== undefined && delivery.status >= 200 && delivery.status < 300;
}
