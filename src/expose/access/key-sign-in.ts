import { hashUnremembered, randomId } from '../../core/random.ts';
import { namespaceOf } from '../../namespace/namespace.ts';
import { ownAddress } from '../../browser-sign-in/own-address.ts';
import { FormRefusedError, readForm } from '../../web/form-request.ts';
import { HostCookie } from '../../web/host-cookie.ts';
import { html } from '../../web/html.ts';
import { page } from '../../web/page.ts';
import type { VerifyUser } from '../../web/verify-user.ts';
import { userOfKeyName } from './api-key-access.ts';
import type { ApiKeyFile } from './api-key-file.ts';

/** Tells who is at a browser by the API key that they call with. */
export interface KeySignIn {
  readonly verifyUser: VerifyUser;
  /** Answers `<publicUrl>/sign-in`. */
  readonly fetch: (request: Request) => Promise<Response>;
}

const sessionMs = 60 * 60_000;
const maxSessions = 10_000;

interface SignedIn {
  readonly name: string;
  readonly keyHash: string;
  readonly untilMs: number;
}

/**
 * Signs browsers in with the API keys of callers: whoever opens a link shows that it was made for them.
 *
 * Good for an hour and in this process. A key that is taken back ends it.
 */
export function keySignIn(keys: ApiKeyFile, publicUrl: string): KeySignIn {
  const { origin } = new URL(publicUrl);
  const cookie = new HostCookie('postern-key', origin.startsWith('https:'));
  const sessions = new Map<string, SignedIn>();

  const find = async (request: Request): Promise<SignedIn | undefined> => {
    const value = cookie.read(request);
    const found = value === undefined ? undefined : sessions.get(await hashUnremembered(value));
    const isGood =
      found !== undefined && found.untilMs > performance.now() && (await keys.has(found.keyHash));
    return isGood ? found : undefined;
  };

  const ask = (returnTo: string, problem?: string): Promise<Response> =>
    page(
      problem === undefined ? 200 : 403,
      {
        tone: problem === undefined ? 'plain' : 'bad',
        title: 'Who are you?',
        text: problem ?? 'Enter the API key that your client calls this server with.',
        body: html`<form method="post" action="${publicUrl}/sign-in">
          <input type="hidden" name="returnTo" value="${returnTo}" />
          <label for="key">API key</label>
          <input id="key" name="key" type="password" autocomplete="off" required />
          <button class="act">Go on</button>
        </form>`,
      },
      { forms: true },
    );

  const take = async (request: Request): Promise<Response> => {
    const form = await readForm(request, origin);
    const returnTo = ownAddress(form.get('returnTo') ?? '/', origin) ?? `${origin}/`;
    const key = form.get('key')?.trim() ?? '';
    const name = await keys.nameOf(key);
    if (name === undefined)
      return ask(returnTo, 'That key is not known here. Enter the one that your client calls with.');
    const value = randomId();
    if (sessions.size >= maxSessions) sessions.clear();
    const untilMs = performance.now() + sessionMs;
    sessions.set(await hashUnremembered(value), { name, keyHash: await hashUnremembered(key), untilMs });
    return new Response(null, {
      status: 303,
      headers: {
        location: returnTo,
        'cache-control': 'no-store',
        'set-cookie': cookie.set(value, sessionMs),
      },
    });
  };

  return {
    async verifyUser(request) {
      const found = await find(request);
      if (found !== undefined) return { id: namespaceOf(userOfKeyName(found.name)).id, name: found.name };
      const { pathname, search } = new URL(request.url);
      return ask(ownAddress(`${origin}${pathname}${search}`, origin) ?? `${origin}/`);
    },
    async fetch(request) {
      try {
        if (request.method === 'POST') return await take(request);
        return await ask(`${origin}/`);
      } catch (error) {
        if (!(error instanceof FormRefusedError)) throw error;
        return ask(`${origin}/`, 'That form did not come from a page of this server.');
      }
    },
  };
}
