import { startAuthorizationServer } from '../../demo/authorization-server.ts';
import type { CookieBrowser } from '../../demo/browser.ts';
import { startCalendarServer } from '../../demo/calendar-server.ts';

/** Where people sign in to the application, and the calendar, which has an authorization server of its own. */
export async function openAgentWorld(
  origin: string,
): Promise<AsyncDisposable & { readonly env: Readonly<Record<string, string>> }> {
  await using stack = new AsyncDisposableStack();
  const clientSecret = 'a-secret-of-the-planner-0123456789';
  const people = await startAuthorizationServer({
    clients: [
      { client_id: 'planner', client_secret: clientSecret, redirect_uris: [`${origin}/sign-in/callback`] },
    ],
  });
  stack.defer(() => people.close());
  const authorizationServer = await startAuthorizationServer();
  stack.defer(() => authorizationServer.close());
  const calendar = await startCalendarServer({ authorizationServer, requiredScopes: ['calendar:read'] });
  stack.defer(() => calendar.close());
  const env = {
    PUBLIC_URL: origin,
    ISSUER: people.issuer,
    CLIENT_ID: 'planner',
    CLIENT_SECRET: clientSecret,
    CALENDAR_URL: calendar.url,
  };
  const opened = stack.move();
  return { env, [Symbol.asyncDispose]: () => opened.disposeAsync() };
}

/** Opens the application, and signs in to it on the way. Returns its page. */
export async function enter(browser: CookieBrowser, origin: string, user: string): Promise<string> {
  let page = await browser.open(origin);
  for (let pages = 0; pages < 3 && new URL(page.url).pathname.startsWith('/interaction/'); pages++)
    page = page.html.includes('name="user"')
      ? await browser.submit({ user })
      : await browser.submit({}, 'allow');
  return page.html;
}

/** The last link to a sign-in that the chat shows. */
export function linkOn(html: string): string {
  return [...html.matchAll(/<a href="(?<link>[^"]*\/connect\/[^"]*)"/gu)].at(-1)?.groups?.['link'] ?? '';
}

/** Presses the button of the chat. Returns the link that it answers with. */
export async function askForLink(browser: CookieBrowser): Promise<string> {
  return linkOn((await browser.submit()).html);
}
