/** More of them, or longer ones, are not kept. */
const maxCookies = 50;
const maxLength = 4_096;

/**
 * The cookies that one server sets, in memory: what stands before several of its machines knows by them which one a session
 * is at. They go back to that server alone.
 */
export class CookieJar {
  readonly #cookies = new Map<string, string>();

  /** Takes what an answer sets. */
  take(headers: Headers): void {
    for (const line of headers.getSetCookie()) {
      const [pair = '', ...attributes] = line.split(';');
      const at = pair.indexOf('=');
      const name = pair.slice(0, at).trim();
      const value = pair.slice(at + 1).trim();
      if (at < 1 || name === '' || pair.length > maxLength || !/^[\x21-\x7e]*$/u.test(name + value)) continue;
      if (attributes.some(hasEnded)) this.#cookies.delete(name);
      else if (this.#cookies.has(name) || this.#cookies.size < maxCookies) this.#cookies.set(name, value);
    }
  }

  /** What goes back; `undefined` where there is nothing. */
  get header(): string | undefined {
    if (this.#cookies.size === 0) return undefined;
    return [...this.#cookies].map(([name, value]) => `${name}=${value}`).join('; ');
  }
}

function hasEnded(attribute: string): boolean {
  const [name = '', value = ''] = attribute.split('=');
  switch (name.trim().toLowerCase()) {
    case 'max-age':
      return Number(value) <= 0;
    case 'expires':
      return Date.parse(value) <= Date.now();
    default:
      return false;
  }
}
