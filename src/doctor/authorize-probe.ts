import { allowPkceUnadvertised } from '../oauth/allowed.ts';
import { createAttempt } from '../oauth/attempt.ts';
import type { ClientIdentity } from '../oauth/client-identity.ts';
import type { Discovery } from '../oauth/discovery.ts';
import type { ErrorAnswer } from '../oauth/error-answer.ts';
import { readJsonBody } from '../oauth/json-body.ts';
import { registeredError } from '../oauth/oauth-errors.ts';
import { layered } from '../oauth/profiles/find-profile.ts';
import type { IssuerProfile } from '../oauth/profiles/issuer-profile.ts';
import type { AuthorizeOutcome } from './authorize-outcome.ts';
import { purposeHeader } from './recording.ts';
import type { Step } from './step.ts';

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
