import { hashId, hashUnremembered, randomId } from '../core/random.ts';

/**
 * The cookie that ties a sign-in to one browser: set when its link is opened, wanted back at the callback.
 *
 * Without it, a callback URL completed by one person could be loaded in another's browser.
 *
 * @see OAuth 2.1 §7.12 (the response must come from the user agent the request was made with)
 */
export class BrowserCookie {
  readonly #name: string;
  readonly #attributes: string;

  /** @param secure whether the page is on https; only then can the cookie be a `__Host-` one. */
  constructor(pendingHash: string, secure: boolean) {
    this.#name = `${secure ? '__Host-' : ''}postern-${pendingHash.slice(0, 16)}`;
    this.#attributes = `Path=/; HttpOnly; SameSite=Lax${secure ? '; Secure' : ''}`;
  }

  /**
   * The browser's value, kept if it has one already: the same person may open the link in two tabs.
   * Returns the header that sets it, the hash to remember, and the token for a form's hidden field: another each time.
   */
  async bind(
    request: Request,
    maxAgeMs: number,
  ): Promise<{ setCookie: string; hash: string; formToken: string }> {
    const value = this.#read(request) ?? randomId();
    const maxAge = Math.max(1, Math.ceil(maxAgeMs / 1000));
    return {
      setCookie: `${this.#name}=${value}; Max-Age=${maxAge}; ${this.#attributes}`,
      hash: await hashId(value),
      formToken: await formTokenOf(value, randomId()),
    };
  }

  /** The answer, with what takes the cookie away from a browser that has it: nobody needs it after the end. */
  cleared(request: Request, response: Response): Response {
    if (this.#read(request) === undefined) return response;
    const headers = new Headers(response.headers);
    headers.append('set-cookie', `${this.#name}=; Max-Age=0; ${this.#attributes}`);
    return new Response(response.body, { status: response.status, headers });
  }

  /** Whether a form carries the token that was put into it for this very browser. */
  async tookForm(request: Request, formToken: string | null): Promise<boolean> {
    const value = this.#read(request);
    const form = formToken?.split('.', 1)[0];
    return value !== undefined && form !== undefined && (await formTokenOf(value, form)) === formToken;
  }

  /** Whether the request comes from the browser that was bound. */
  async matches(request: Request, hash: string): Promise<boolean> {
    const value = this.#read(request);
    return value !== undefined && (await hashId(value)) === hash;
  }

  #read(request: Request): string | undefined {
    const header = request.headers.get('cookie') ?? '';
    if (header.length > 16_384) return undefined;
    for (const part of header.split(';')) {
      const [name, value] = part.trim().split('=', 2);
      if (name === this.#name && value !== undefined && /^[\w-]{32}$/u.test(value)) return value;
    }
    return undefined;
  }
}

async function formTokenOf(value: string, form: string): Promise<string> {
  return `${form}.${await hashUnremembered(`form ${form} ${value}`)}`;
}
