import { Browser, readForm } from './browser.ts';

/** A page that a person was shown on their way. */
export interface SeenPage {
  /** Whether it is a page of Postern or of the peer. */
  readonly of: 'ours' | 'peer';
  readonly status: number;
  readonly title: string;
}

/** What the person types where a page asks for it. */
const answers: Readonly<Record<string, string>> = {
  user: 'alice',
  username: 'alice',
  name: 'alice',
  email: 'alice@example.com',
  password: 'CNRY-open-sesame',
};
const yes = /^(?:allow|approve|authorize|accept|continue|yes|save|sign in|connect)/iu;

/**
 * Opens a link and does what the pages ask, until there is nothing left to do. Returns every page in order.
 *
 * @param isOurs tells Postern's addresses from the peer's.
 */
export async function finish(link: string, isOurs: (url: URL) => boolean): Promise<SeenPage[]> {
  const browser = new Browser();
  const pages: SeenPage[] = [];
  let page = await browser.open(link);
  for (let steps = 0; steps < 8; steps++) {
    const { url, status, html } = page;
    pages.push({ of: isOurs(url) ? 'ours' : 'peer', status, title: titleOf(html) });
    const form = readForm(html);
    // The same page again means that what was typed in was refused.
    if (form === undefined || (status >= 400 && form.fields.size > 0)) break;
    page = await browser.submit(page, answers, (text) => yes.test(text.trim()));
  }
  return pages;
}

function titleOf(html: string): string {
  return (/<title[^>]*>(?<title>[^<]*)/iu.exec(html)?.groups?.['title'] ?? html.slice(0, 60)).trim();
}

/** One line for all pages: `peer 200 Sign in > ours 200 You are signed in`. */
export function describePages(pages: readonly SeenPage[]): string {
  return pages.map(({ of, status, title }) => `${of} ${status} “${title}”`).join(' > ') || 'no page';
}
