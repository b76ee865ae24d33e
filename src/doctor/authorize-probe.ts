import { allowPkceUnadvertised } from '../oauth/allowed.ts';
import { createAttempt } from '../oauth/attempt.ts';
import type { ClientIdentity } from '../oauth/client-identity.ts';
import type { Discovery } from '../oauth/discovery.ts';
import type { ErrorAnswer } from '../oauth/error-answer.ts';
import { readJsonBody } from '../oauth/json-body.ts';
import { registeredError } from '../oauth/oauth-errors.ts';
import { layered } from '../oauth/profiles/find-profile.ts';
import type { IssuerProfile } from '../oauth/profiles/issuer-profile.ts';
import { purposeHeader } from './recording.ts';
import type { Step } from './step.ts';

/**
 * What an authorization endpoint makes of a request, before anybody has logged in:
 *
 * - `onward`: it leads on, to a login; `page`: it answers with a page, which may say anything; `approved`: it comes back
 *   with a code at once;
 * - `error`: it comes back with an error, so it accepts client and redirect URI;
 * - `refused`, `failing`: it answers by itself, with 4xx or 5xx.
 */
export type AuthorizeOutcome =
  | {
      readonly kind: 'onward' | 'page' | 'approved';
      readonly status: number;
      readonly iss?: string | undefined;
    }
  | {
      readonly kind: 'error';
      readonly status: number;
      /** A registered code, or `undefined` for another. */
      readonly error: string | undefined;
      readonly answer: ErrorAnswer;
      readonly iss?: string | undefined;
    }
  | { readonly kind: 'refused' | 'failing'; readonly status: number; readonly answer: ErrorAnswer };

/** What differs from the request that a sign-in would send. */
export interface ProbeVariation {
  /** In the report. */
  readonly purpose: string;
  readonly redirectUri?: string | undefined;
  readonly scopes?: readonly string[] | undefined;
  readonly profile?: IssuerProfile | undefined;
  readonly extraAuthorizeParams?: Readonly<Record<string, string>> | undefined;
}

/**
 * Sends an authorization request as a browser would that nobody is logged in with, and looks where it leads. It follows
 * no redirect, and drops the code where one comes.
 *
 * @throws {PosternError} as {@link createAttempt}, and when there is no answer.
 */
export async function probeAuthorize(
  step: Step,
  at: { readonly discovery: Discovery; readonly client: ClientIdentity },
  { purpose, redirectUri = step.redirectUri, scopes, profile = {}, extraAuthorizeParams }: ProbeVariation,
): Promise<AuthorizeOutcome> {
  const { http, known, options } = step;
  const { url, state } = await createAttempt(
    {
      ...at,
      redirectUri,
      scopes: scopes ?? known.scopes,
      profile: layered(known.profile, profile),
      extraAuthorizeParams: { ...options.auth?.authorizeParams, ...extraAuthorizeParams },
      // Whether it is advertised is another question than whether the rest would be accepted.
      [allowPkceUnadvertised]: true,
    },
    http,
  );
  const response = await http.fetch(url, {
    method: 'GET',
    headers: { accept: 'text/html', [purposeHeader]: purpose },
  });
  const { status } = response;
  const location = response.headers.get('location');
  if (status >= 300 && status < 400 && location !== null) {
    const target = URL.canParse(location, url) ? new URL(location, url) : undefined;
    if (target === undefined || !isBack(target, redirectUri)) return { kind: 'onward', status };
    return readReturn(target.searchParams, status, state);
  }
  if (status < 400) return { kind: 'page', status };
  const answer = (await readJsonBody(response)).object ?? {};
  return { kind: status >= 500 ? 'failing' : 'refused', status, answer };
}

function isBack(target: URL, redirectUri: string): boolean {
  const own = new URL(redirectUri);
  return target.origin === own.origin && target.pathname === own.pathname;
}

function readReturn(parameters: URLSearchParams, status: number, state: string): AuthorizeOutcome {
  const iss = parameters.get('iss') ?? undefined;
  // What does not bring our state back is not about our request.
  const isOurs = parameters.get('state') === state;
  if (parameters.has('code')) return { kind: 'approved', status, iss };
  const answer: ErrorAnswer = isOurs ? Object.fromEntries(parameters) : {};
  return { kind: 'error', status, error: registeredError(answer['error']), answer, iss };
}
