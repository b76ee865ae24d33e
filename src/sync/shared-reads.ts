/**
 * Reads once for all who ask for the same at the same moment.
 *
 * A read begins after everybody who shares it has asked, so nobody is given what was there before their own earlier writes.
 */
export class SharedReads<T> {
  readonly #asked = new Map<string, Promise<T>>();

  run(key: string, read: () => Promise<T>): Promise<T> {
    const asked = this.#asked.get(key);
    if (asked !== undefined) return asked;
    const reading = Promise.resolve().then(() => {
      this.#asked.delete(key);
      return read();
    });
    this.#asked.set(key, reading);
    return reading;
  }
}
