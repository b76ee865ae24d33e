import { openListener } from '../../demo/open-listener.ts';
import { recordOutput } from './outputs.ts';
import { createCookieBrowser, type CookieBrowser } from './cookie-browser.ts';

/** One answer of the host, as a browser saw it. */
export interface HostAnswer {
  readonly path: string;
  readonly status: number;
  readonly headers: string;
  readonly body: string;
}

/** A web application with users of its own, which serves the pages of a coordinator at `/postern`. */
export interface PageHost {
  readonly origin: string;
  readonly publicUrl: string;
  /** Answers below `/postern`, one after the other: several processes behind one address. */
  readonly handlers: ((request: Request) => Promise<Response>)[];
  readonly answers: readonly HostAnswer[];
  /** A browser of its own; with a user, one that is signed in to the application. */
  openBrowser(user?: string): Promise<CookieBrowser>;
  close(): Promise<void>;
}

/** Who is signed in to the application, as its own session cookie says. */
export function userOf(request: Request): string | undefined {
  const cookie = request.headers.get('cookie') ?? '';
  return /(?:^|; )app-user=(?<user>[\w:.-]+)/u.exec(cookie)?.groups?.['user'];
}

export async function openPageHost(): Promise<PageHost> {
  const handlers: PageHost['handlers'] = [];
  const answers: HostAnswer[] = [];
  let turn = 0;
  const answer = async (request: Request): Promise<Response> => {
    const url = new URL(request.url);
    if (url.pathname === '/login') {
      const cookie = `app-user=${url.searchParams.get('user')}; Path=/; HttpOnly; SameSite=Lax`;
      return new Response('signed in', { headers: { 'set-cookie': cookie } });
    }
    const handler = url.pathname.startsWith('/postern/') ? handlers[turn++ % handlers.length] : undefined;
    if (handler === undefined) return new Response('Not found', { status: 404 });
    const response = await handler(request);
    const body = await response.text();
    const headers = JSON.stringify([...response.headers]);
    recordOutput('a page', `${headers}\n${body}\n`);
    answers.push({ path: url.pathname, status: response.status, headers, body });
    return new Response(body === '' ? null : body, { status: response.status, headers: response.headers });
  };
  const { origin, close } = await openListener({ handler: answer });
  return {
    origin,
    publicUrl: `${origin}/postern`,
    handlers,
    answers,
    openBrowser: async (user) => {
      const browser = createCookieBrowser();
      if (user !== undefined) await browser.open(`${origin}/login?user=${user}`);
      return browser;
    },
    close,
  };
}
