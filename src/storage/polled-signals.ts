import { hashId } from '../core/random.ts';
import { ChannelListeners } from './channel-listeners.ts';

/** Where a store that tells nobody of a change keeps a number for each channel, which every signal renews. */
export interface SignalNumbers {
  /** The most ids that one look may ask for. */
  readonly maxIds: number;
  /** Writes another number than the one that was there. May be repeated: a signal may be doubled. */
  renew(id: string): Promise<void>;
  /** The numbers of those that have one; what is a moment old is good enough. */
  read(ids: readonly string[], why: 'listened to' | 'polled'): Promise<ReadonlyMap<string, string>>;
}

interface Watched {
  /** The hash of the channel. A channel may be longer than a key, and this spreads them. */
  readonly id: Promise<string>;
  /** Resolves once the signal that was last before the listening is known. */
  ready: Promise<void>;
  isReady: boolean;
  seen: string | undefined;
  listeners: number;
}

/**
 * The signals of a store that has no push: those who listen look at the numbers of their channels, as long as somebody
 * listens.
 */
export class PolledSignals {
  readonly #numbers: SignalNumbers;
  readonly #pollMs: number;
  readonly #listeners = new ChannelListeners();
  readonly #watched = new Map<string, Watched>();
  #timer: ReturnType<typeof setTimeout> | undefined;
  #isClosed = false;

  constructor(numbers: SignalNumbers, pollMs: number) {
    this.#numbers = numbers;
    this.#pollMs = pollMs;
  }

  /** Wakes the listeners of this handle at once, and those of others when they next look. */
  async signal(channel: string): Promise<void> {
    this.#listeners.wake(channel);
    await this.#numbers.renew(await hashId(channel));
  }

  async listen(channel: string, wake: () => void): Promise<() => void> {
    const watched = this.#watch(channel);
    watched.listeners++;
    const remove = this.#listeners.add(channel, wake);
    let isOver = false;
    const unlisten = (): void => {
      if (isOver) return;
      isOver = true;
      remove();
      this.#unwatch(channel, watched);
    };
    try {
      await watched.ready;
    } catch (error) {
      unlisten();
      throw error;
    }
    return unlisten;
  }

  close(): void {
    this.#isClosed = true;
    clearTimeout(this.#timer);
    this.#listeners.clear();
    this.#watched.clear();
  }

  #watch(channel: string): Watched {
    const found = this.#watched.get(channel);
    if (found !== undefined) return found;
    const watched: Watched = {
      id: hashId(channel),
      ready: Promise.resolve(),
      isReady: false,
      seen: undefined,
      listeners: 0,
    };
    watched.ready = this.#readFirst(watched);
    this.#watched.set(channel, watched);
    this.#lookLater();
    return watched;
  }

  #unwatch(channel: string, watched: Watched): void {
    watched.listeners--;
    if (watched.listeners > 0 || this.#watched.get(channel) !== watched) return;
    this.#watched.delete(channel);
    if (this.#watched.size > 0) return;
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  async #readFirst(watched: Watched): Promise<void> {
    const id = await watched.id;
    watched.seen = (await this.#numbers.read([id], 'listened to')).get(id);
    watched.isReady = true;
  }

  #lookLater(): void {
    if (this.#timer !== undefined || this.#isClosed) return;
    this.#timer = setTimeout(() => {
      void this.#look().finally(() => {
        this.#timer = undefined;
        if (this.#watched.size > 0) this.#lookLater();
      });
    }, this.#pollMs);
    if (typeof this.#timer === 'object') this.#timer.unref();
  }

  async #look(): Promise<void> {
    const channels = [...this.#watched].filter(([, { isReady }]) => isReady);
    const { maxIds } = this.#numbers;
    for (let start = 0; start < channels.length; start += maxIds) {
      const batch = channels.slice(start, start + maxIds);
      try {
        const ids = await Promise.all(batch.map(([, { id }]) => id));
        const numbers = await this.#numbers.read(ids, 'polled');
        for (const [index, [channel, watched]] of batch.entries()) {
          const number = numbers.get(ids[index]!);
          if (number === undefined || number === watched.seen) continue;
          watched.seen = number;
          this.#listeners.wake(channel);
        }
      } catch {
        // The next look finds what this one missed. Those who wait read the store themselves, and learn there that it fails.
      }
    }
  }
}
