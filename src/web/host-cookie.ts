/** One cookie of ours, at every path of the host, that no script reads. Its value is 192 random bits. */
export class HostCookie {
  readonly #name: string;
  readonly #attributes: string;

  /** @param secure whether the pages are on https; only then can the cookie be a `__Host-` one, which no other host can plant. */
  constructor(name: string, secure: boolean) {
    this.#name = `${secure ? '__Host-' : ''}${name}`;
    // Lax: links are opened from chats, and an issuer sends people back from elsewhere.
    this.#attributes = `Path=/; HttpOnly; SameSite=Lax${secure ? '; Secure' : ''}`;
  }

  /** What the browser has; `undefined` also for what we cannot have given it, and for one that is there twice. */
  read(request: Request): string | undefined {
    const header = request.headers.get('cookie') ?? '';
    if (header.length > 16_384) return undefined;
    const values = header
      .split(';')
      .map((part) => part.trim().split('=', 2))
      .filter(([name]) => name === this.#name)
      .map(([, value]) => value);
    const [value] = values;
    return values.length === 1 && value !== undefined && /^[\w-]{32}$/u.test(value) ? value : undefined;
  }

  /** The header that sets it. */
  set(value: string, maxAgeMs: number): string {
    return `${this.#name}=${value}; Max-Age=${Math.max(1, Math.ceil(maxAgeMs / 1000))}; ${this.#attributes}`;
  }

  /** The header that takes it away. */
  clear(): string {
    return `${this.#name}=; Max-Age=0; ${this.#attributes}`;
  }
}
