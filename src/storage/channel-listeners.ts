/** Who listens to which channel, in this process. */
export class ChannelListeners {
  readonly #channels = new Map<string, Set<() => void>>();

  /** How many channels have a listener. */
  get size(): number {
    return this.#channels.size;
  }

  /** Calls `wake` at every signal until the returned function is called. */
  add(channel: string, wake: () => void): () => void {
    // Wrapped, so that a function given twice is two listeners, each removed on its own.
    const listener = (): void => wake();
    let listeners = this.#channels.get(channel);
    if (listeners === undefined) this.#channels.set(channel, (listeners = new Set()));
    listeners.add(listener);
    return () => {
      listeners.delete(listener);
      if (listeners.size === 0 && this.#channels.get(channel) === listeners) {
        this.#channels.delete(channel);
      }
    };
  }

  /** Calls each listener of the channel soon, never within this call. One that throws does not keep another from waking. */
  wake(channel: string): void {
    const listeners = this.#channels.get(channel);
    if (listeners === undefined) return;
    for (const listener of listeners) {
      queueMicrotask(() => {
        if (!listeners.has(listener)) return;
        try {
          listener();
        } catch {
          // Thrown from a microtask it would end the process; a signal is only a hint, and whoever waits reads again.
        }
      });
    }
  }

  wakeAll(): void {
    for (const channel of this.#channels.keys()) this.wake(channel);
  }

  clear(): void {
    for (const listeners of this.#channels.values()) listeners.clear();
    this.#channels.clear();
  }
}
