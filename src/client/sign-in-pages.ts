import type { PosternErrorCode } from '../core/error-codes.ts';
import { errorCodes } from '../core/error-codes.ts';
import { page } from '../web/page.ts';

/** What a person is told. Fixed text: nothing that came with a request or from another server is ever repeated. */
const texts: Partial<Record<PosternErrorCode, readonly [title: string, text: string]>> = {
  ERR_POSTERN_AUTH_STATE_UNKNOWN: [
    'This link is not valid',
    'It is unknown, or it has expired. Go back to where you got it and ask for a new one.',
  ],
  ERR_POSTERN_AUTH_STATE_USED: ['Already used', 'This answer was already used. You can close this page.'],
  ERR_POSTERN_AUTH_CALLBACK_INVALID: [
    'This answer cannot be read',
    'The sign-in is still open: go back and try again.',
  ],
  ERR_POSTERN_AUTH_BROWSER_MISMATCH: [
    'Another browser',
    'This sign-in was started in another browser. Open the link there, or open it again here.',
  ],
  ERR_POSTERN_AUTH_WRONG_USER: [
    'Another account',
    'This link was made for somebody else, or for another of your accounts. Nothing was connected.',
  ],
  ERR_POSTERN_AUTH_REQUIRED: [
    'Sign in first',
    'Sign in to the application that gave you this link, then open the link again.',
  ],
  ERR_POSTERN_AUTH_DENIED: ['Declined', 'You declined, and nothing was connected. You can close this page.'],
  ERR_POSTERN_PENDING_NOT_FOUND: [
    'This link is not valid',
    'It is unknown, or it has expired. Go back to where you got it and ask for a new one.',
  ],
  ERR_POSTERN_PENDING_EXPIRED: [
    'This link has expired',
    'Go back to where you got it and ask for a new one.',
  ],
  ERR_POSTERN_PENDING_CANCELLED: ['Declined', 'Nothing was connected. You can close this page.'],
  ERR_POSTERN_STORAGE_UNAVAILABLE: [
    'Not saved',
    'Something on our side is not working. Nothing was connected.',
  ],
  ERR_POSTERN_OAUTH_UNREACHABLE: ['The other service does not answer', 'Nothing was connected yet.'],
  ERR_POSTERN_OAUTH_ISSUER_MISMATCH: [
    'Refused',
    'The answer came from another service than the one that was asked. Nothing was connected.',
  ],
};

/** The page for a failure: a dull sentence, the code to quote, and a way on where there is one. */
export function failurePage(
  code: PosternErrorCode,
  options: { retry?: string | undefined; headers?: Record<string, string> } = {},
): Promise<Response> {
  const [title, text] = texts[code] ?? ['That did not work', 'Nothing was connected.'];
  const action = options.retry === undefined ? undefined : { href: options.retry, label: 'Try again' };
  return page(errorCodes[code].http, { tone: 'bad', title, text, code, action }, options.headers);
}

export function signedInPage(headers?: Record<string, string>): Promise<Response> {
  return page(
    200,
    { tone: 'good', title: 'You are signed in', text: 'You can close this page and go back.' },
    headers,
  );
}

export function alreadyDonePage(): Promise<Response> {
  return page(400, {
    tone: 'plain',
    title: 'Already done',
    text: 'This sign-in was already finished. You can close this page.',
    code: 'ERR_POSTERN_AUTH_STATE_USED',
  });
}

export function notFoundPage(): Promise<Response> {
  return page(404, { tone: 'plain', title: 'Nothing here', text: 'There is no page at this address.' });
}
