import { timeLimit } from '../../core/clock.ts';
import { ChannelListeners } from '../channel-listeners.ts';
import type { RedisSubscriber, RedisSubscriberEvents } from './redis-subscriber.ts';

/** One channel, as long as somebody listens to it or the server has still to be told that nobody does. */
interface Subscription {
  listeners: number;
  isSubscribed: boolean;
  /** The step after this one waits for it, so that the server hears them in order. */
  lastStep: Promise<void>;
}

/** What {@link RedisSignals} is made from. */
export interface RedisSignalsOptions {
  /** Makes the connection to listen on, when somebody first does. */
  readonly connect: (events: RedisSubscriberEvents) => RedisSubscriber;
  /** How long the connection may take to answer before it counts as dead. */
  readonly timeoutMs: number;
  /** How often it is asked whether it is still there, as nothing need ever come on it. Default 10,000 ms. */
  readonly pingEveryMs?: number | undefined;
}

/**
 * Who listens to which channel, and what the server is subscribed to for them.
 *
 * Whenever the connection was lost everybody is woken, for nobody knows what was missed.
 */
export class RedisSignals {
  readonly #listeners = new ChannelListeners();
  readonly #subscriptions = new Map<string, Subscription>();
  readonly #options: RedisSignalsOptions;
  #subscriber: RedisSubscriber | undefined;
  #pinging: ReturnType<typeof setInterval> | undefined;

  constructor(options: RedisSignalsOptions) {
    this.#options = options;
  }

  /**
   * Calls `wake` at every message. Resolves when the server has confirmed it.
   *
   * The listener is there at once; whoever gives up waiting calls the function that `onAdded` was given.
   */
  async listen(channel: string, wake: () => void, onAdded: (unlisten: () => void) => void): Promise<void> {
    const remove = this.#listeners.add(channel, wake);
    const subscription = this.#subscriptionOf(channel);
    subscription.listeners++;
    let isListening = true;
    onAdded(() => {
      if (!isListening) return;
      isListening = false;
      remove();
      subscription.listeners--;
      void this.#step(channel, subscription).catch(() => {});
    });
    await this.#step(channel, subscription);
  }

  close(): void {
    clearInterval(this.#pinging);
    this.#listeners.clear();
    // A connection that is the caller's own is left as it was found.
    for (const [channel, { isSubscribed }] of this.#subscriptions) {
      if (isSubscribed) void this.#subscriber?.unsubscribe(channel).catch(() => {});
    }
    this.#subscriptions.clear();
    this.#subscriber?.close();
    this.#subscriber = undefined;
  }

  #subscriptionOf(channel: string): Subscription {
    let subscription = this.#subscriptions.get(channel);
    if (subscription === undefined) {
      subscription = { listeners: 0, isSubscribed: false, lastStep: Promise.resolve() };
      this.#subscriptions.set(channel, subscription);
    }
    return subscription;
  }

  /** Makes the server's subscription what the listeners of the moment ask for, after the step before. */
  #step(channel: string, subscription: Subscription): Promise<void> {
    const step = subscription.lastStep.then(() => this.#settle(channel, subscription));
    subscription.lastStep = step.catch(() => {});
    return step;
  }

  async #settle(channel: string, subscription: Subscription): Promise<void> {
    if (this.#subscriptions.get(channel) !== subscription) return;
    const isWanted = subscription.listeners > 0;
    try {
      if (isWanted && !subscription.isSubscribed) {
        await this.#connection().subscribe(channel);
        subscription.isSubscribed = true;
      } else if (!isWanted && subscription.isSubscribed) {
        // When this fails, messages may come that nobody wants, until the connection is made anew and it is tried again.
        await this.#connection().unsubscribe(channel);
        subscription.isSubscribed = false;
      }
    } finally {
      const isIdle = subscription.listeners === 0 && !subscription.isSubscribed;
      if (isIdle && this.#subscriptions.get(channel) === subscription) this.#subscriptions.delete(channel);
    }
  }

  #connection(): RedisSubscriber {
    this.#subscriber ??= this.#options.connect({
      onMessage: (channel) => this.#listeners.wake(channel),
      onGap: () => this.#recover(),
    });
    if (this.#pinging === undefined && this.#subscriber.ping !== undefined) {
      this.#pinging = setInterval(() => void this.#checkConnection(), this.#options.pingEveryMs ?? 10_000);
      this.#pinging.unref();
    }
    return this.#subscriber;
  }

  #recover(): void {
    this.#listeners.wakeAll();
    for (const [channel, subscription] of this.#subscriptions) {
      if (subscription.listeners === 0) void this.#step(channel, subscription).catch(() => {});
    }
  }

  /** A connection that a router has forgotten looks like one on which nothing is said. */
  async #checkConnection(): Promise<void> {
    const subscriber = this.#subscriber;
    if (subscriber?.ping === undefined || this.#subscriptions.size === 0) return;
    const limit = timeLimit(this.#options.timeoutMs, { keepAlive: false });
    const late = limit.passed.then(() => 'late');
    // A connection that is being made anew refuses the question, and needs nothing from us.
    const outcome = await Promise.race([subscriber.ping().catch(() => {}), late]);
    limit.cancel();
    if (outcome === 'late' && this.#subscriber === subscriber) subscriber.reconnect?.();
  }
}
