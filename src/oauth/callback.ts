import { PosternError } from '../core/postern-error.ts';
import { describeUrl, quoteIssuer } from './describe-url.ts';
import { requestRefused } from './oauth-errors.ts';
import type { IssuerProfile } from './profiles/issuer-profile.ts';

/** What an attempt knows about who may answer it. */
export interface CallbackExpectation {
  readonly issuer: string;
  readonly statedIssuer?: string | undefined;
  readonly issParameterSupported: boolean;
  readonly profile?: IssuerProfile | undefined;
}

/**
 * Reads the code out of the parameters that came back to the redirect URI.
 *
 * The caller has found the attempt by `state`; that is not looked at again. Who answered is settled before
 * anything else in the answer is: when the issuer is wrong, even its error is a stranger's word. Of an
 * error only a registered code is repeated; its description goes to the operator's log.
 *
 * @throws {PosternError} ERR_POSTERN_AUTH_CALLBACK_INVALID when a parameter is repeated, or there is not
 * exactly one of a code and an error.
 * @throws {PosternError} ERR_POSTERN_OAUTH_ISSUER_MISMATCH when `iss` is another issuer, or missing although promised.
 * @throws {PosternError} ERR_POSTERN_AUTH_DENIED when the person declined.
 * @throws {PosternError} ERR_POSTERN_AUTH_REFUSED_BY_ORGANISATION when their organisation's policy did.
 * @throws {PosternError} ERR_POSTERN_OAUTH_CLIENT_REJECTED when the client may not ask.
 * @throws {PosternError} ERR_POSTERN_OAUTH_REQUEST_FAILED when the answer is `server_error` or `temporarily_unavailable`.
 * @throws {PosternError} ERR_POSTERN_OAUTH_REQUEST_REFUSED when it is any other error: the same would be refused again.
 * @see RFC 9207 §2.4
 */
export function validateCallback(
  attempt: CallbackExpectation,
  parameters: URLSearchParams,
): { readonly code: string } {
  const names = [...parameters.keys()];
  if (new Set(names).size !== names.length) throw invalid('repeats a parameter');
  checkIssuer(attempt, parameters.get('iss'));
  // RFC 6749 §3.1: a parameter without a value counts as left out.
  const code = parameters.get('code') || undefined;
  const error = parameters.get('error') || undefined;
  if (code !== undefined && error !== undefined) throw invalid('carries both a code and an error');
  if (error !== undefined) throw refused(attempt, parameters);
  if (code === undefined) throw invalid('carries neither a code nor an error');
  return { code };
}

/** Whether the issuer is one of the other names that its profile knows it by. */
export function isStatedOtherwise(
  { issuer, statedIssuer, profile }: CallbackExpectation,
  iss: string | null,
): boolean {
  if (iss === null || iss === (statedIssuer ?? issuer)) return false;
  return profile?.statedIssuers?.includes(iss) === true;
}

/** Compared as plain text: any normalisation is a way to look like another issuer. */
function checkIssuer(attempt: CallbackExpectation, iss: string | null): void {
  if (iss === (attempt.statedIssuer ?? attempt.issuer)) return;
  if (isStatedOtherwise(attempt, iss)) return;
  if (iss === null && !attempt.issParameterSupported) return;
  const expected = quoteIssuer(attempt.statedIssuer ?? attempt.issuer);
  throw new PosternError(
    'ERR_POSTERN_OAUTH_ISSUER_MISMATCH',
    iss === null
      ? `the callback does not say that it comes from ${expected}, which always says so`
      : `the callback comes from another issuer than ${expected}`,
    { hint: 'Start the sign-in again. If this repeats, do not go on: the answer came from somebody else.' },
  );
}

function refused({ issuer, profile }: CallbackExpectation, parameters: URLSearchParams): PosternError {
  return requestRefused({
    what: `the authorization endpoint of ${describeUrl(issuer)}`,
    answer: Object.fromEntries(parameters),
    profile,
    secrets: [parameters.get('state') ?? undefined],
  });
}

function invalid(what: string): PosternError {
  return new PosternError('ERR_POSTERN_AUTH_CALLBACK_INVALID', `the callback ${what}`, {
    hint: 'Start the sign-in again.',
  });
}
