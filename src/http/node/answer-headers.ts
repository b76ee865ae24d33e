/**
 * The headers of an answer. One that is asked for by its name is found in what Node has received; whatever else is asked
 * makes a `Headers` of it, which for most answers would be the dearest part, and for the first loads undici.
 */
export class AnswerHeaders implements Headers {
  readonly #raw: readonly string[];
  #whole: Headers | undefined;

  /** @param raw names and values in turn, as `IncomingMessage.rawHeaders` has them. */
  constructor(raw: readonly string[]) {
    this.#raw = raw;
  }

  get(name: string): string | null {
    if (this.#whole !== undefined) return this.#whole.get(name);
    const wanted = name.toLowerCase();
    let found: string | null = null;
    for (let at = 0; at < this.#raw.length; at += 2) {
      const given = this.#raw[at]!;
      if (given.length !== wanted.length || given.toLowerCase() !== wanted) continue;
      const value = this.#raw[at + 1]!;
      found = found === null ? value : `${found}, ${value}`;
    }
    return found;
  }

  has(name: string): boolean {
    return this.get(name) !== null;
  }

  append(name: string, value: string): void {
    this.#all().append(name, value);
  }

  set(name: string, value: string): void {
    this.#all().set(name, value);
  }

  delete(name: string): void {
    this.#all().delete(name);
  }

  getSetCookie(): string[] {
    return this.#all().getSetCookie();
  }

  forEach(visit: (value: string, name: string, headers: Headers) => void, on?: unknown): void {
    for (const [name, value] of this.#all()) visit.call(on, value, name, this);
  }

  entries(): ReturnType<Headers['entries']> {
    return this.#all().entries();
  }

  keys(): ReturnType<Headers['keys']> {
    return this.#all().keys();
  }

  values(): ReturnType<Headers['values']> {
    return this.#all().values();
  }

  [Symbol.iterator](): ReturnType<Headers['entries']> {
    return this.#all()[Symbol.iterator]();
  }

  #all(): Headers {
    if (this.#whole !== undefined) return this.#whole;
    const headers = new Headers();
    for (let at = 0; at < this.#raw.length; at += 2) headers.append(this.#raw[at]!, this.#raw[at + 1]!);
    return (this.#whole = headers);
  }
}
