import { hashId, hashUnremembered, randomId } from '../core/random.ts';
import { HostCookie } from './host-cookie.ts';

/**
 * The cookie that ties a sign-in to one browser: set when its link is opened, wanted back at the callback.
 *
 * Without it, a callback URL completed by one person could be loaded in another's browser.
 *
 * @see OAuth 2.1 §7.12 (the response must come from the user agent the request was made with)
 */
export class BrowserCookie {
  readonly #cookie: HostCookie;

  /** @param secure whether the page is on https; only then can the cookie be a `__Host-` one. */
  constructor(pendingHash: string, secure: boolean) {
    this.#cookie = new HostCookie(`postern-${pendingHash.slice(0, 16)}`, secure);
  }

  /**
   * The browser's value, kept if it has one already: the same person may open the link in two tabs.
   * Returns the header that sets it, the hash to remember, and the token for a form's hidden field: another each time.
   */
  async bind(
    request: Request,
    maxAgeMs: number,
  ): Promise<{ setCookie: string; hash: string; formToken: string }> {
    const value = this.#cookie.read(request) ?? randomId();
    return {
      setCookie: this.#cookie.set(value, maxAgeMs),
      hash: await hashId(value),
      formToken: await formTokenOf(value, randomId()),
    };
  }

  /** The answer, with what takes the cookie away from a browser that has it: nobody needs it after the end. */
  cleared(request: Request, response: Response): Response {
    if (this.#cookie.read(request) === undefined) return response;
    const headers = new Headers(response.headers);
    headers.append('set-cookie', this.#cookie.clear());
    return new Response(response.body, { status: response.status, headers });
  }

  /** Whether a form carries the token that was put into it for this very browser. */
  async tookForm(request: Request, formToken: string | null): Promise<boolean> {
    const value = this.#cookie.read(request);
    const form = formToken?.split('.', 1)[0];
    return value !== undefined && form !== undefined && (await formTokenOf(value, form)) === formToken;
  }

  /** Whether the request comes from the browser that was bound. */
  async matches(request: Request, hash: string): Promise<boolean> {
    const value = this.#cookie.read(request);
    return value !== undefined && (await hashId(value)) === hash;
  }
}

async function formTokenOf(value: string, form: string): Promise<string> {
  return `${form}.${await hashUnremembered(`form ${form} ${value}`)}`;
}
