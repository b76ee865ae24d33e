import { html, Html } from './html.ts';
import { pageScript } from './page-script.ts';
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
  /** More of the page, below the text: a form, a code. */
  readonly body?: Html | undefined;
  /** Goes to the action's address by itself, without a script. */
  readonly goesOn?: boolean | undefined;
  /** Where the page's script asks whether what the page waits for has ended. */
  readonly watch?: string | undefined;
}

/** What a page may do beyond showing text. */
export interface PageAllowances {
  /** Its forms may be sent to the page's own origin. The browser then says where they come from. */
  readonly forms?: boolean | undefined;
  /** Our own script runs, and may ask the page's own origin. */
  readonly script?: boolean | undefined;
}

// Ours, constant, and hashed into the policy: what is not escaped. Not part of the page’s template,
// since a formatter may put spaces into that, and the hash would be another.
const styleElement = new Html(`<style>${stylesheet}</style>`);
const scriptElement = new Html(`<script>${pageScript}</script>`);

let hashes: Promise<readonly [style: string, script: string]> | undefined;

async function hashOf(text: string): Promise<string> {
  const digest = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(text));
  return btoa(String.fromCharCode(...new Uint8Array(digest)));
}

/** Headers of every page: nothing runs but our own few lines, nothing is framed, nothing is kept, nothing is told to the next site. */
async function pageHeaders({
  forms = false,
  script = false,
}: PageAllowances): Promise<Record<string, string>> {
  hashes ??= Promise.all([hashOf(stylesheet), hashOf(pageScript)] as const);
  const [styleHash, scriptHash] = await hashes;
  const scripts = script ? ` script-src 'sha256-${scriptHash}'; connect-src 'self';` : '';
  return {
    'content-type': 'text/html; charset=utf-8',
    'content-security-policy': `default-src 'none'; style-src 'sha256-${styleHash}';${scripts} base-uri 'none'; form-action ${forms ? "'self'" : "'none'"}; frame-ancestors 'none'`,
    'cache-control': 'no-store',
    'cross-origin-opener-policy': 'same-origin',
    // Under no-referrer a browser sends its own forms with `Origin: null`, like a stranger's.
    'referrer-policy': forms ? 'same-origin' : 'no-referrer',
    'x-content-type-options': 'nosniff',
    'x-frame-options': 'DENY',
  };
}

/** One page, whole: it loads nothing from anywhere. */
export async function page(
  status: number,
  content: PageContent,
  headers: Record<string, string> = {},
  allowances: PageAllowances = {},
): Promise<Response> {
  return new Response(render(content, allowances).toString(), {
    status,
    headers: { ...(await pageHeaders(allowances)), ...headers },
  });
}

/** Escaping does not help against a link that is a script. */
function isWebLink(href: string): boolean {
  const url = URL.parse(href, 'https://own.invalid');
  return url?.protocol === 'https:' || url?.protocol === 'http:';
}

function render(content: PageContent, { script = false }: PageAllowances): Html {
  const { tone, title, text, code, body, watch } = content;
  const action = content.action !== undefined && isWebLink(content.action.href) ? content.action : undefined;
  // In one piece, so that a page that watches nothing has no space for it.
  const attributes =
    watch === undefined ? html`class="${tone}"` : html`class="${tone}" data-watch="${watch}"`;
  return html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="robots" content="noindex" />
        ${content.goesOn === true && action && html`<meta http-equiv="refresh" content="0;url=${action.href}" />`}
        <title>${title}</title>
        ${styleElement}
      </head>
      <body>
        <main ${attributes}>
          <div role="${tone === 'bad' ? 'alert' : 'status'}">
            <h1>${title}</h1>
            <p>${text}</p>
          </div>
          ${body}
          ${action && html`<p><a class="act" href="${action.href}">${action.label}</a></p>`}${
            code && html`<p class="dim">${code}</p>`
          }
        </main>
        ${script && scriptElement}
      </body>
    </html>`;
}
