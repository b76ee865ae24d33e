import { html, type Html } from '../../web/html.ts';
import { endTime } from '../pages/facts.ts';
import type { Pages } from '../pages/pages.ts';

/** What the form of the page sends. */
export const endLink = 'end-link';

/**
 * The page of a link that belongs to another browser: since when, until when, and a way on. It does not hand the link over:
 * it ends it, and whoever waits for the person has a new one for them, where they saw this one.
 */
export function ownedPage(
  pages: Pages,
  link: {
    readonly formToken: string;
    readonly openedAtMs: number | undefined;
    readonly expiresAtMs: number;
    readonly nowMs: number;
  },
): Promise<Response> {
  const { say, texts } = pages;
  const { formToken, openedAtMs, expiresAtMs, nowMs } = link;
  const at = (ms: number): Html => endTime(ms, nowMs, texts.language, say);
  // Nothing of what is asked for: it may be none of theirs.
  const facts = [
    ...(openedAtMs === undefined ? [] : [{ label: say('owned.opened'), values: [at(openedAtMs)] }]),
    { label: say('facts.ends'), values: [at(expiresAtMs)] },
  ];
  const body = html`<form method="post">
    <input type="hidden" name="form-token" value="${formToken}" />
    <div class="row">
      <button name="form-action" value="${endLink}" class="quiet">${say('action.endLink')}</button>
    </div>
  </form>`;
  return pages.form(403, {
    title: say('owned.title'),
    text: say('owned.text'),
    code: 'ERR_POSTERN_AUTH_BROWSER_MISMATCH',
    facts,
    body,
  });
}
