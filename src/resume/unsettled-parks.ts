/** How long a park that is asked for again counts as the same. */
const sameForMs = 10 * 60_000;
/** How many are remembered, so that a store that is away for long does not fill the memory. */
const maxRemembered = 10_000;

/**
 * The ids of parks that failed in this process without anybody knowing whether they were written.
 *
 * A caller that was refused parks again. It is the same request then, and goes on under the same key.
 */
export class UnsettledParks {
  readonly #ids = new Map<string, { id: string; failedAt: number }[]>();
  #count = 0;

  /** @param request tells what is parked, and for what. */
  add(request: string, id: string): void {
    if (this.#count >= maxRemembered) this.#forgetOldest();
    const ids = this.#ids.get(request) ?? [];
    ids.push({ id, failedAt: performance.now() });
    this.#ids.set(request, ids);
    this.#count++;
  }

  /** The id of a park of this request that failed, if there is one that nobody has taken up. */
  take(request: string): string | undefined {
    for (;;) {
      const oldest = this.#shift(request);
      if (oldest === undefined || performance.now() - oldest.failedAt < sameForMs) return oldest?.id;
    }
  }

  #forgetOldest(): void {
    const [request] = this.#ids.keys();
    if (request !== undefined) this.#shift(request);
  }

  #shift(request: string): { id: string; failedAt: number } | undefined {
    const ids = this.#ids.get(request);
    const oldest = ids?.shift();
    if (oldest !== undefined) this.#count--;
    if (ids?.length === 0) this.#ids.delete(request);
    return oldest;
  }
}
