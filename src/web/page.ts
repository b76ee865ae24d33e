import { html, Html } from './html.ts';
import { stylesheet } from './stylesheet.ts';

/** What a page says: its tone shows at a glance, its title says it in words. */
export interface PageContent {
  readonly tone: 'good' | 'bad' | 'plain';
  readonly title: string;
  readonly text: string;
  /** A dull code for the person to quote when they ask for help. */
  readonly code?: string | undefined;
  /** Where the person may go on. Left out of the page unless it leads to `http:`, `https:` or a path of our own. */
  readonly action?: { readonly href: string; readonly label: string } | undefined;
}

// Ours, constant, and hashed into the policy: the one text that is not escaped. Not part of the page’s template,
// since a formatter may put spaces into that, and the hash would be another.
const styleElement = new Html(`<style>${stylesheet}</style>`);

let styleHash: Promise<string> | undefined;

/** Headers of every page: nothing runs, nothing is framed, nothing is kept, nothing is told to the next site. */
async function pageHeaders(): Promise<Record<string, string>> {
  styleHash ??= crypto.subtle
    .digest('SHA-256', new TextEncoder().encode(stylesheet))
    .then((digest) => btoa(String.fromCharCode(...new Uint8Array(digest))));
  return {
    'content-type': 'text/html; charset=utf-8',
    'content-security-policy': `default-src 'none'; style-src 'sha256-${await styleHash}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`,
    'cache-control': 'no-store',
    'cross-origin-opener-policy': 'same-origin',
    'referrer-policy': 'no-referrer',
    'x-content-type-options': 'nosniff',
    'x-frame-options': 'DENY',
  };
}

/** One page, whole: no script, no request to anywhere. */
export async function page(
  status: number,
  content: PageContent,
  headers: Record<string, string> = {},
): Promise<Response> {
  return new Response(render(content).toString(), {
    status,
    headers: { ...(await pageHeaders()), ...headers },
  });
}

/** Escaping does not help against a link that is a script. */
function isWebLink(href: string): boolean {
  const url = URL.parse(href, 'https://own.invalid');
  return url?.protocol === 'https:' || url?.protocol === 'http:';
}

function render({ tone, title, text, code, action }: PageContent): Html {
  return html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="robots" content="noindex" />
        <title>${title}</title>
        ${styleElement}
      </head>
      <body>
        <main class="${tone}" role="${tone === 'bad' ? 'alert' : 'status'}">
          <h1>${title}</h1>
          <p>${text}</p>
          ${
            action &&
            isWebLink(action.href) &&
            html`<p><a class="act" href="${action.href}">${action.label}</a></p>`
          }${code && html`<p class="dim">${code}</p>`}
        </main>
      </body>
    </html>`;
}
