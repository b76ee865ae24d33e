const maxEntries = 1_000;

/** A cache of one process: entries end after a while, and the oldest make room. */
export class ShortMemory<V> {
  readonly #lifeMs: number;
  readonly #entries = new Map<string, { readonly value: V; readonly endsAt: number }>();

  constructor(lifeMs: number) {
    this.#lifeMs = lifeMs;
  }

  get(key: string): V | undefined {
    const entry = this.#entries.get(key);
    return entry !== undefined && entry.endsAt > performance.now() ? entry.value : undefined;
  }

  set(key: string, value: V): void {
    this.#entries.delete(key);
    this.#entries.set(key, { value, endsAt: performance.now() + this.#lifeMs });
    for (const oldest of this.#entries.keys()) {
      if (this.#entries.size <= maxEntries) return;
      this.#entries.delete(oldest);
    }
  }

  del(key: string): void {
    this.#entries.delete(key);
  }
}
