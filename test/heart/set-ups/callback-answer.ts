import type { CookieBrowser } from '../../support/cookie-browser.ts';
import { walkToCallback } from '../walk.ts';
import type { Answer } from './set-up.ts';

/** The way back from an issuer, by the callback's URL. */
export async function prepareCallback(browser: CookieBrowser, link: string): Promise<Answer> {
  return answerAt(browser, await walkToCallback(browser, link));
}

function answerAt(browser: CookieBrowser, callback: URL): Answer {
  return {
    state: callback.searchParams.get('state') ?? '',
    send: (from = browser) => from.open(callback.href),
    withState: (...states) => {
      const other = new URL(callback);
      other.searchParams.delete('state');
      for (const state of states) other.searchParams.append('state', state);
      return answerAt(browser, other);
    },
  };
}

/** A callback that says that the person has refused. */
export function refusalOf(callback: URL): URL {
  const refusal = new URL(callback);
  refusal.searchParams.delete('code');
  refusal.searchParams.set('error', 'access_denied');
  return refusal;
}
