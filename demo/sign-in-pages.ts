import { createHash } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { errors, type Provider } from './provider.ts';

/** What each scope lets a program do, in the words of the consent page. */
export const calendarScopes: Readonly<Record<string, string>> = {
  'calendar:read': 'See your events',
  'calendar:write': 'Add events',
  'calendar:share': 'Share your calendar with others',
};

interface InteractionRules {
  readonly provider: Provider;
  readonly issuer: string;
  readonly users: ReadonlySet<string>;
  readonly requireConsent: boolean;
}

/** Shows the sign-in or consent page, or takes its answer. */
export async function interact(
  { provider, issuer, users, requireConsent }: InteractionRules,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const show = (status: number, title: string, body: string): void => {
    response.writeHead(status, pageHeaders).end(page(title, body));
  };
  try {
    const posted = request.method === 'POST';
    if (posted && (request.headers.origin ?? issuer) !== issuer) {
      return show(403, 'Refused', '<p>This form was sent from another site.</p>');
    }
    const { prompt, params, session } = await provider.interactionDetails(request, response);
    const form = posted ? await readForm(request) : new URLSearchParams();
    const finish = (result: object): Promise<void> => provider.interactionFinished(request, response, result);

    if (prompt.name === 'login') {
      const user = form.get('user')?.trim().toLowerCase() ?? '';
      if (users.has(user)) return await finish({ login: { accountId: user } });
      return show(posted ? 400 : 200, 'Sign in', loginForm(users, posted ? user : undefined));
    }

    if (posted && form.get('decision') === 'deny') {
      return await finish({ error: 'access_denied', error_description: 'The person declined' });
    }
    const { missingOIDCScope = [], missingResourceScopes = {} } = prompt.details;
    if (!requireConsent || (posted && form.get('decision') === 'allow')) {
      const grant = new provider.Grant({ accountId: session?.accountId ?? '', clientId: params.client_id });
      grant.addOIDCScope(missingOIDCScope.join(' '));
      for (const [resource, scopes] of Object.entries(missingResourceScopes)) {
        grant.addResourceScope(resource, scopes.join(' '));
      }
      return await finish({ consent: { grantId: await grant.save() } });
    }
    const client = await provider.Client.find(params.client_id);
    const scopes = Object.values(missingResourceScopes).flat();
    const name = client?.clientName ?? 'A program';
    return show(
      200,
      'Allow access?',
      consentForm(name, session?.accountId ?? '', new URL(params.redirect_uri).host, scopes),
    );
  } catch (error) {
    if (response.headersSent) return void response.destroy();
    const known = error instanceof errors.OIDCProviderError;
    return show(
      known ? 400 : 500,
      'This sign-in cannot go on',
      '<p>Go back to where you came from and start again.</p>',
    );
  }
}

async function readForm(request: IncomingMessage): Promise<URLSearchParams> {
  let text = '';
  for await (const chunk of request) {
    text += String(chunk);
    if (text.length > 4_096) throw new RangeError('a form of more than 4096 characters');
  }
  return new URLSearchParams(text);
}

function loginForm(users: ReadonlySet<string>, unknown: string | undefined): string {
  const names = [...users].slice(0, 5).map((name) => `<b>${escapeHtml(name)}</b>`);
  const complaint =
    unknown === undefined ? '' : `<p role="alert">Nobody here is called “${escapeHtml(unknown)}”.</p>`;
  return `<form method="post">${complaint}
<label for="user">Your name</label>
<input id="user" name="user" required autofocus autocapitalize="none" autocomplete="username" spellcheck="false">
<p class="note">This is a demo without passwords. Try ${names.join(', ')}.</p>
<div class="row"><button>Sign in</button></div></form>`;
}

function consentForm(client: string, user: string, host: string, scopes: readonly string[]): string {
  const wishes = scopes.map(
    (scope) => `<li>${escapeHtml(calendarScopes[scope] ?? scope)}<code>${escapeHtml(scope)}</code></li>`,
  );
  return `<form method="post">
<p><b>${escapeHtml(client)}</b> asks to use the calendar of <b>${escapeHtml(user)}</b>.</p>
<ul>${wishes.join('') || '<li>Know who you are</li>'}</ul>
<p class="note">You will be sent back to <b>${escapeHtml(host)}</b>.</p>
<div class="row"><button name="decision" value="allow">Allow</button>
<button name="decision" value="deny" class="quiet">Deny</button></div></form>`;
}

const style = `:root{color-scheme:light dark;--ink:light-dark(#1d2430,#e8ebf0);--dim:light-dark(#5b6575,#9aa5b5);
--card:light-dark(#fff,#1c222c);--edge:light-dark(#d5dae2,#38414f);--act:light-dark(#1f5fbf,#8ab4ff);--on:light-dark(#fff,#0e1420)}
*{box-sizing:border-box}body{margin:0;min-height:100vh;display:grid;place-items:center;padding:16px;color:var(--ink);
background:light-dark(#f1f3f6,#11151b);font:16px/1.5 system-ui,sans-serif}
main{width:100%;max-width:25rem;padding:clamp(20px,6vw,32px);background:var(--card);border:1px solid var(--edge);border-radius:12px}
header{color:var(--dim);font-size:.875rem}h1{margin:.2em 0 .7em;font-size:1.5rem;line-height:1.25}p{overflow-wrap:anywhere}
label{display:block;margin-bottom:4px;font-weight:600}input{width:100%;padding:10px 12px;font:inherit;color:inherit;
background:transparent;border:1px solid light-dark(#7d8796,#7a8698);border-radius:8px}ul{margin:0;padding:0;list-style:none;border-top:1px solid var(--edge)}
li{padding:8px 0;border-bottom:1px solid var(--edge)}code{display:block;color:var(--dim);font-size:.8125rem}.note{color:var(--dim);font-size:.875rem}
[role=alert]{color:light-dark(#a3231b,#ff9c94)}.row{display:flex;flex-wrap:wrap;gap:12px;margin-top:20px}
button{flex:1 1 8rem;padding:11px 16px;font:inherit;font-weight:600;color:var(--on);background:var(--act);border:1px solid var(--act);border-radius:8px;cursor:pointer}
.quiet{color:var(--act);background:transparent}:focus-visible{outline:3px solid var(--act);outline-offset:2px}`;

const pageHeaders = {
  'content-type': 'text/html; charset=utf-8',
  'cache-control': 'no-store',
  // Not no-referrer: under it a browser sends `Origin: null` with the page's own form.
  'referrer-policy': 'same-origin',
  'x-content-type-options': 'nosniff',
  // No form-action: Chromium applies it to redirects too, and the consent form ends at the client's own origin.
  'content-security-policy': `default-src 'none'; style-src 'sha256-${createHash('sha256').update(style).digest('base64')}'; base-uri 'none'; frame-ancestors 'none'`,
};

export function page(title: string, body: string): string {
  return `<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1">
<title>${escapeHtml(title)}</title><style>${style}</style></head>
<body><main><header>Demo accounts</header><h1>${escapeHtml(title)}</h1>${body}</main></body></html>`;
}

export function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}
