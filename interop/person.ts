import { createCookieBrowser } from '../demo/browser.ts';

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
  const browser = createCookieBrowser();
  const pages: SeenPage[] = [];
  let page = await browser.open(link);
  for (let steps = 0; steps < 8; steps++) {
    pages.push({
      of: isOurs(new URL(page.url)) ? 'ours' : 'peer',
      status: page.status,
      title: titleOf(page.html),
    });
    if (!/<form\b/iu.test(page.html)) break;
    const names = new Set(
      [...page.html.matchAll(/\bname=["']?(?<name>[\w-]+)/giu)].map(({ groups }) => groups?.['name']),
    );
    const fields = Object.fromEntries(Object.entries(answers).filter(([name]) => names.has(name)));
    // The same page again means that what was typed in was refused.
    if (page.status >= 400 && Object.keys(fields).length > 0) break;
    page = await browser.submit(fields, agreeingButton(page.html));
  }
  return pages;
}

/** The button that goes on, by its value or its words; `undefined`: the first. */
function agreeingButton(html: string): string | undefined {
  for (const [, attributes = '', words = ''] of html.matchAll(/<button\b([^>]*)>([^<]*)<\/button>/giu)) {
    const value = /\bvalue="?(?<value>[^"\s>]*)/iu.exec(attributes)?.groups?.['value'];
    if (value !== undefined && yes.test(value)) return value;
    if (yes.test(words.trim())) return words.trim();
  }
  return undefined;
}

function titleOf(html: string): string {
  return (/<title[^>]*>(?<title>[^<]*)/iu.exec(html)?.groups?.['title'] ?? html.slice(0, 60)).trim();
}

/** One line for all pages: `peer 200 Sign in > ours 200 You are signed in`. */
export function describePages(pages: readonly SeenPage[]): string {
  return pages.map(({ of, status, title }) => `${of} ${status} “${title}”`).join(' > ') || 'no page';
}
