import type { DeviceSignIns } from './stand-in-devices.ts';
import type { StandInState } from './stand-in.ts';

interface Pages {
  readonly accounts: readonly string[];
  readonly state: StandInState;
  readonly devices: DeviceSignIns;
}

/** What a person sees at the service; an account is signed in to by its name alone. */
export async function answerPage(
  request: Request,
  { accounts, state, devices }: Pages,
): Promise<Response | undefined> {
  const { pathname } = new URL(request.url);
  const sso = /^\/orgs\/[\w.-]+\/sso$/u.test(pathname);
  if (pathname !== '/login/device' && pathname !== '/settings/tokens' && !sso) return undefined;
  const form = new URLSearchParams(request.method === 'POST' ? (await request.text()).slice(0, 8_192) : '');
  const login = form.get('user') ?? '';
  if (request.method === 'POST' && !accounts.includes(login))
    return page('Who are you?', `<p>There is no such account.</p>`, 400);

  if (pathname === '/login/device') {
    if (request.method !== 'POST') {
      return page(
        'Enter your code',
        userForm(accounts, '<label>Code <input name="code" required></label>', ['allow', 'deny']),
      );
    }
    const decision = form.get('decision') === 'allow' ? { login } : 'denied';
    const known = devices.decide(form.get('code') ?? '', decision);
    return known
      ? page('Done', '<p>Go back to your device.</p>')
      : page('Unknown code', '<p>Check the code.</p>', 400);
  }
  if (pathname === '/settings/tokens') {
    if (request.method !== 'POST')
      return page('Make a personal access token', userForm(accounts, '', ['make']));
    return page('Your token', `<p>It is shown this once:</p><code>${state.issueToken('ghp', login)}</code>`);
  }
  if (request.method !== 'POST') return page('Single sign-on', userForm(accounts, '', ['authorize']));
  state.signedOn.add(login);
  return page('Authorized', '<p>The tokens of this account may be used with the organisation.</p>');
}

function userForm(accounts: readonly string[], fields: string, decisions: readonly string[]): string {
  const buttons = decisions.map(
    (decision) => `<button name="decision" value="${decision}">${decision}</button>`,
  );
  return `<form method="post">${fields}
<label>Account <input name="user" required placeholder="${accounts.join(', ')}"></label> ${buttons.join(' ')}</form>`;
}

function page(title: string, body: string, status = 200): Response {
  return new Response(
    `<!doctype html><html lang="en"><meta name="viewport" content="width=device-width"><title>${title}</title><h1>${title}</h1>${body}</html>`,
    {
      status,
      headers: {
        'content-type': 'text/html; charset=utf-8',
        'cache-control': 'no-store',
        'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
      },
    },
  );
}
