/**
 * A person's browser, as far as a login needs one: cookies of one page, and a person who consents at once.
 *
 * A fresh instance is another browser.
 */
export class Browser {
  readonly #cookies = new Map<string, string>();

  /** Opens a page with this browser's cookies, through `send`. Redirects are not followed. */
  async open(url: string | URL, send: (request: Request) => Promise<Response>): Promise<Response> {
    const cookie = [...this.#cookies].map(([name, value]) => `${name}=${value}`).join('; ');
    const headers = { ...typedIn, ...(cookie !== '' && { cookie }) };
    const response = await send(new Request(url, { headers }));
    for (const line of response.headers.getSetCookie()) {
      const [name = '', value = ''] = (line.split(';', 1)[0] ?? '').split('=', 2);
      this.#cookies.set(name, value);
    }
    return response;
  }

  /** Consents at an authorization server, and returns the callback it is sent to. */
  async consent(authorizationUrl: string | URL): Promise<URL> {
    const response = await fetch(authorizationUrl, { redirect: 'manual' });
    await response.body?.cancel();
    return locationOf(response);
  }
}

/** What a browser says of an address that its person has opened. */
const typedIn = {
  'sec-fetch-site': 'none',
  'sec-fetch-mode': 'navigate',
  'sec-fetch-user': '?1',
  'sec-fetch-dest': 'document',
};

/** Where a redirect leads. */
export function locationOf(response: Response): URL {
  const location = response.headers.get('location');
  if (location === null) throw new Error(`a redirect was expected, and HTTP ${response.status} came`);
  return new URL(location);
}
