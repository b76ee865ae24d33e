import { errorCodes, type PosternErrorCode } from '../../core/error-codes.ts';
import { errorOfEnd, type PendingKind, type PendingStatus } from '../../pending/pending.ts';
import type { Html } from '../../web/html.ts';
import { page, type PageContent } from '../../web/page.ts';

const notValid = [
  'This link is not valid',
  'It is unknown, it has expired, or it was made for somebody else, or for another of your accounts. Nothing was saved. Ask for a new one where you got it.',
] as const;

/** What a person is told. Fixed text: nothing that came with a request or from another server is repeated. */
const texts: Partial<Record<PosternErrorCode, readonly [title: string, text: string]>> = {
  ERR_POSTERN_AUTH_STATE_UNKNOWN: notValid,
  ERR_POSTERN_AUTH_STATE_USED: [
    'Already used',
    'This answer was already used, and nothing came of it. Try again.',
  ],
  ERR_POSTERN_AUTH_CALLBACK_INVALID: ['This answer cannot be read', 'Nothing was saved. Try again.'],
  ERR_POSTERN_AUTH_BROWSER_MISMATCH: [
    'Another browser',
    'This was started in another browser. Go on there, or open the link again here.',
  ],
  ERR_POSTERN_AUTH_WRONG_USER: [
    'Another account',
    'You consented with another account than the one that was asked for, or than before. Nothing was saved.',
  ],
  ERR_POSTERN_AUTH_UNVERIFIED: [
    'Not just now',
    'It could not be found out who you are. Nothing was saved. Try again in a moment.',
  ],
  ERR_POSTERN_AUTH_REQUIRED: [
    'Sign in first',
    'Sign in to the application that gave you this link, then open the link again.',
  ],
  ERR_POSTERN_AUTH_DENIED: ['Declined', 'You declined, and nothing was saved. You can close this page.'],
  ERR_POSTERN_AUTH_REFUSED_BY_ORGANISATION: [
    'Not allowed by your organisation',
    'Your organisation does not let you use this with your account there. Nothing was saved, and trying again will not help. Ask its administrator to allow it, then ask for a new link where you got this one.',
  ],
  ERR_POSTERN_PENDING_NOT_FOUND: notValid,
  ERR_POSTERN_PENDING_EXPIRED: [
    'This link has expired',
    'Nothing was saved. Ask for a new one where you got it.',
  ],
  ERR_POSTERN_PENDING_CANCELLED: [
    'No longer needed',
    'This was withdrawn, and nothing was saved. You can close this page.',
  ],
  ERR_POSTERN_PENDING_ALREADY_FINISHED: [
    'Already done',
    'This had been finished before. What you sent just now was not used.',
  ],
  ERR_POSTERN_OAUTH_ISSUER_MISMATCH: [
    'Not connected',
    'The answer came from somewhere else than you were sent to. Nothing was saved.',
  ],
  ERR_POSTERN_OAUTH_UNREACHABLE: ['Not connected yet', 'The service did not answer. Nothing was saved.'],
  ERR_POSTERN_OAUTH_REQUEST_FAILED: [
    'Not connected yet',
    'The service answered with an error. Nothing was saved.',
  ],
  ERR_POSTERN_OAUTH_REQUEST_REFUSED: [
    'This cannot be finished',
    'The service refuses what the application asks of it, and would refuse it again. Nothing was saved. You cannot change that: whoever runs the application has to, and finds the reason in its log.',
  ],
  ERR_POSTERN_OAUTH_CLIENT_REJECTED: [
    'This cannot be finished',
    'The service does not know the application, or does not let it ask. Nothing was saved. You cannot change that: whoever runs the application has to, and finds the reason in its log.',
  ],
  ERR_POSTERN_OOB_FORM_REFUSED: [
    'Form refused',
    'The form was not sent from this page, or not whole. Nothing was saved. Open the link again.',
  ],
  ERR_POSTERN_OOB_LIMIT: [
    'Too many tries',
    'This link was followed too many times. Nothing was saved. When it has expired, ask for a new one where you got it.',
  ],
  ERR_POSTERN_OOB_SECRET_REJECTED: [
    'Refused too often',
    'The service refused what was entered too many times. Nothing was saved. Ask for a new link where you got this one.',
  ],
  ERR_POSTERN_STORAGE_UNAVAILABLE: ['Not saved', 'Something on our side is not working. Nothing was saved.'],
};

/** What is final where it ends an interaction, and yet may go better the next time in one that goes on. */
const introducedAnew = [
  'Not connected yet',
  'The service did not accept the application as it introduced itself. Nothing was saved. Try again: it will introduce itself anew.',
] as const;
const goesOn: typeof texts = {
  ERR_POSTERN_OAUTH_CLIENT_REJECTED: introducedAnew,
  ERR_POSTERN_OAUTH_REQUEST_REFUSED: introducedAnew,
};

interface FailurePageOptions {
  /** Leads to the page of the link. */
  readonly retry?: string | undefined;
  /** Where the person came from: of an interaction that has ended. */
  readonly back?: string | undefined;
  /** Another than the code's own. */
  readonly status?: number | undefined;
}

const wayBack = (href: string | undefined): PageContent['action'] =>
  href === undefined ? undefined : { href, label: 'Go back' };

export function failurePage(
  code: PosternErrorCode,
  { retry, back, status = errorCodes[code].http }: FailurePageOptions = {},
): Promise<Response> {
  const [title, text] = (retry === undefined ? undefined : goesOn[code]) ??
    texts[code] ?? ['That did not work', 'Nothing was saved.'];
  const action = retry === undefined ? wayBack(back) : { href: retry, label: 'Try again' };
  return page(status, { tone: 'bad', title, text, code, action });
}

/** The page of an interaction that has ended, however often it is opened. */
export function endPage(end: {
  readonly kind?: PendingKind;
  readonly status: PendingStatus;
  readonly failure?: PosternErrorCode | undefined;
  readonly returnTo?: string | undefined;
}): Promise<Response> {
  const code = errorOfEnd(end)?.code;
  if (code !== undefined) return failurePage(code, { back: end.returnTo });
  const isSignIn = end.kind === 'oauth_redirect' || end.kind === 'device_code';
  const title = isSignIn ? 'You are signed in' : 'Done';
  const action = wayBack(end.returnTo);
  return page(200, { tone: 'good', title, text: 'You can close this page and go back.', action });
}

/** What came after the end: a form that was not used, or an answer that had been taken already. The person is told so. */
export function alreadyDonePage(
  code:
    | 'ERR_POSTERN_PENDING_ALREADY_FINISHED'
    | 'ERR_POSTERN_AUTH_STATE_USED' = 'ERR_POSTERN_PENDING_ALREADY_FINISHED',
): Promise<Response> {
  if (code === 'ERR_POSTERN_PENDING_ALREADY_FINISHED') return failurePage(code);
  return page(errorCodes[code].http, {
    tone: 'plain',
    title: 'Already done',
    text: 'This was already finished. You can close this page.',
    code,
  });
}

/** A page of a flow that another process of this machine, or of this deployment, carries on. Nothing is consumed. */
export function elsewherePage(): Promise<Response> {
  return page(503, {
    tone: 'plain',
    title: 'This is finishing elsewhere',
    text: 'The program that asked for this is not the one that answers here. Wait a moment, then open the link again.',
  });
}

export function missingPage(): Promise<Response> {
  return page(404, { tone: 'plain', title: 'Nothing here', text: 'There is no page at this address.' });
}

/** Something broke that has no code. */
export function brokenPage(): Promise<Response> {
  return page(500, {
    tone: 'bad',
    title: 'That did not work',
    text: 'Something on our side is broken. Nothing was saved.',
  });
}

/** A page with a form of its own on it. */
export function formPage(
  status: number,
  content: { title: string; text: string; body: Html; watch?: string | undefined },
): Promise<Response> {
  return page(
    status,
    { tone: 'plain', ...content },
    {},
    { forms: true, script: content.watch !== undefined },
  );
}

/**
 * Sends the browser to another site after a form.
 *
 * A page in between: a browser holds the redirects after a form, whole chains of them, to the form's own policy.
 */
export function departurePage(url: string): Promise<Response> {
  const { host } = new URL(url);
  return page(200, {
    tone: 'plain',
    title: 'One moment',
    text: `You are being sent to ${host}.`,
    action: { href: url, label: `Go on to ${host}` },
    goesOn: true,
  });
}

/** Sends the browser back to the page of a link, so that neither a form nor a code stays in its history. */
export function seePage(url: string): Response {
  return new Response(null, {
    status: 303,
    headers: { location: url, 'cache-control': 'no-store', 'referrer-policy': 'no-referrer' },
  });
}
