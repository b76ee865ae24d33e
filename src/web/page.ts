import { html, type Html } from './html.ts';
import { Inline } from './inline.ts';
import { plainLook, type Look } from './look.ts';
import { pageScript, revealScript } from './page-script.ts';
import { english } from './texts/english.ts';
import type { Texts } from './texts/texts.ts';

/** One thing that a person should know before they go on. */
export interface PageFact {
  readonly label: string;
  readonly values: readonly (string | Html)[];
}

/** What a page says: its tone shows at a glance, its title says it in words. */
export interface PageContent {
  readonly tone: 'good' | 'bad' | 'plain';
  readonly title: string;
  readonly text: string;
  /** Who asks, for whom, for what, until when. */
  readonly facts?: readonly PageFact[] | undefined;
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

export interface PageOptions {
  /** Its forms may be sent to the page's own origin. The browser then says where they come from. */
  readonly forms?: boolean | undefined;
  /** Our own script runs: one that may ask the page's own origin, or one that can reach nothing and shows what is typed. */
  readonly script?: 'watch' | 'reveal' | undefined;
  readonly headers?: Readonly<Record<string, string>> | undefined;
  readonly look?: Look | undefined;
  readonly texts?: Texts | undefined;
}

const scripts = {
  watch: new Inline('script', pageScript),
  reveal: new Inline('script', revealScript),
} as const;

/** Headers of every page: nothing runs but our own few lines, nothing is framed, nothing is kept, nothing is told to the next site. */
async function pageHeaders({
  forms = false,
  script,
  look = plainLook,
}: PageOptions): Promise<Record<string, string>> {
  const policy = [
    "default-src 'none'",
    `style-src ${await look.style.source()}`,
    ...(look.logo === undefined ? [] : [`img-src ${look.logo.startsWith('data:') ? 'data:' : look.logo}`]),
    ...(script === undefined ? [] : [`script-src ${await scripts[script].source()}`]),
    ...(script === 'watch' ? ["connect-src 'self'"] : []),
    "base-uri 'none'",
    `form-action ${forms ? "'self'" : "'none'"}`,
    "frame-ancestors 'none'",
  ];
  return {
    'content-type': 'text/html; charset=utf-8',
    'content-security-policy': policy.join('; '),
    'cache-control': 'no-store',
    'cross-origin-opener-policy': 'same-origin',
    // Under no-referrer a browser sends its own forms with `Origin: null`, like a stranger's.
    'referrer-policy': forms ? 'same-origin' : 'no-referrer',
    'x-content-type-options': 'nosniff',
    'x-frame-options': 'DENY',
  };
}

/** One page, whole: it loads nothing from anywhere, but for the logo of whoever runs it. */
export async function page(
  status: number,
  content: PageContent,
  options: PageOptions = {},
): Promise<Response> {
  return new Response(render(content, options).toString(), {
    status,
    headers: { ...(await pageHeaders(options)), ...options.headers },
  });
}

/** Escaping does not help against a link that is a script. */
function isWebLink(href: string): boolean {
  const url = URL.parse(href, 'https://own.invalid');
  return url?.protocol === 'https:' || url?.protocol === 'http:';
}

function render(content: PageContent, { script, look = plainLook, texts = english }: PageOptions): Html {
  const { tone, title, text, facts = [], code, body, watch } = content;
  const action = content.action !== undefined && isWebLink(content.action.href) ? content.action : undefined;
  // In one piece, so that a page that watches nothing has no space for it.
  const attributes =
    watch === undefined ? html`class="${tone}"` : html`class="${tone}" data-watch="${watch}"`;
  return html`<!doctype html>
    <html lang="${texts.language}">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="robots" content="noindex" />
        ${content.goesOn === true && action && html`<meta http-equiv="refresh" content="0;url=${action.href}" />`}
        <title>${title}</title>
        ${look.style.element}
      </head>
      <body>
        <main ${attributes}>
          ${renderSender(look)}
          <div role="${tone === 'bad' ? 'alert' : 'status'}">
            <h1>${title}</h1>
            <p>${text}</p>
          </div>
          ${facts.length > 0 && renderFacts(facts)} ${body}
          ${action && html`<p><a class="act" href="${action.href}">${action.label}</a></p>`}${
            code && html`<p class="dim">${code}</p>`
          }${
            look.support !== undefined &&
            html`<p class="dim"><a href="${look.support}">${texts['action.support']}</a></p>`
          }
        </main>
        ${script && scripts[script].element}
      </body>
    </html>`;
}

function renderSender({ name, logo }: Look): Html | undefined {
  if (name === undefined && logo === undefined) return undefined;
  const picture = logo !== undefined && html`<img src="${logo}" alt="" height="28" />`;
  return html`<p class="sender">${picture}${name}</p>`;
}

function renderFacts(facts: readonly PageFact[]): Html {
  const rows = facts.map(
    ({ label, values }) =>
      html`<dt>${label}</dt>
        ${values.map((value) => html`<dd>${value}</dd>`)}`,
  );
  return html`<dl>${rows}</dl>`;
}
