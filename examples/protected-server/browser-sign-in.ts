import { randomBytes } from 'node:crypto';
import {
  createAttempt,
  createOAuthHttp,
  discoverAuthorizationServer,
  exchangeCode,
  identifyClient,
  validateCallback,
  type Attempt,
} from '../../src/oauth/index.ts';

/** Tells who is at a browser, by the same accounts that the tokens of tool calls are for. */
export interface BrowserSignIn {
  /** The subject at this browser, or where to send it to find out. */
  readonly whoIsThere: (request: Request) => Promise<string | Response>;
  /** Answers `/signed-in`; `undefined` for everything else. */
  readonly fetch: (request: Request) => Promise<Response | undefined>;
}

/** The server signs people in to its pages as a client of its own authorization server. */
export async function createBrowserSignIn(options: {
  readonly origin: string;
  readonly issuer: string;
  readonly name: string;
}): Promise<BrowserSignIn> {
  const { origin, issuer, name } = options;
  const http = createOAuthHttp({ trustedBy: origin });
  const server = await discoverAuthorizationServer(issuer, http);
  const discovery = { resource: origin, issuer, server, legacyEndpoints: false, dpopRequired: false };
  const redirectUri = `${origin}/signed-in`;
  const client = await identifyClient({ discovery, redirectUri, metadata: { clientName: name } }, http);

  // Browsers share cookies between ports, so two servers on one host need different names.
  const cookieName = `signed-in-${new URL(origin).port}`;
  const begun = new Map<string, { attempt: Attempt; browser: string; back: string }>();
  const signedIn = new Map<string, string>();

  return {
    async whoIsThere(request) {
      const known = readCookie(request, cookieName);
      const subject = known && signedIn.get(known);
      if (subject !== undefined && subject !== '') return subject;
      // Only a profile without `resource`: this sign-in is about the person, and wants no token for an API.
      const profile = { omitResource: true };
      const { attempt, state, url } = await createAttempt(
        { discovery, client, redirectUri, scopes: ['openid'], profile },
        http,
      );
      const browser = known ?? newId();
      keep(begun, state, { attempt, browser, back: new URL(request.url).pathname });
      return redirect(url, `${cookieName}=${browser}; ${cookieAttributes}`);
    },

    async fetch(request) {
      const { pathname, searchParams } = new URL(request.url);
      if (pathname !== '/signed-in') return undefined;
      const state = searchParams.get('state') ?? '';
      const found = begun.get(state);
      if (found === undefined || found.browser !== readCookie(request, cookieName)) return refused();
      begun.delete(state);
      try {
        const { code } = validateCallback(found.attempt, searchParams);
        const { subject } = await exchangeCode(found.attempt, code, http);
        if (subject === undefined) return refused();
        const session = newId();
        keep(signedIn, session, subject);
        return redirect(`${origin}${found.back}`, `${cookieName}=${session}; ${cookieAttributes}`);
      } catch {
        return refused();
      }
    },
  };
}

const cookieAttributes = 'Path=/; HttpOnly; SameSite=Lax; Max-Age=3600';

function readCookie(request: Request, name: string): string | undefined {
  const pairs = (request.headers.get('cookie') ?? '').split('; ').map((pair) => pair.split('=', 2));
  return pairs.find(([key]) => key === name)?.[1];
}

function newId(): string {
  return randomBytes(24).toString('base64url');
}

/** Whoever calls again and again pushes out the oldest, and does not fill the memory. */
function keep<T>(map: Map<string, T>, key: string, value: T): void {
  map.set(key, value);
  const [oldest] = map.keys();
  if (map.size > 1_000 && oldest !== undefined) map.delete(oldest);
}

function redirect(location: string, cookie: string): Response {
  return new Response(null, {
    status: 303,
    headers: {
      location,
      'set-cookie': cookie,
      'cache-control': 'no-store',
      'referrer-policy': 'no-referrer',
    },
  });
}

function refused(): Response {
  return new Response('This sign-in cannot go on. Open your link again.\n', {
    status: 400,
    headers: { 'content-type': 'text/plain; charset=utf-8', 'cache-control': 'no-store' },
  });
}
