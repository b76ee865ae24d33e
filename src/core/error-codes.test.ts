import { describe, expect, expectTypeOf, test } from 'vitest';
import { errorCodes, type ErrorCodeFacts, type PosternErrorCode } from './error-codes.ts';

const rows = Object.entries(errorCodes) as [PosternErrorCode, ErrorCodeFacts][];

describe('errorCodes', () => {
  test('holds exactly these codes, sorted, with who can fix it, retry, HTTP status and exit code', () => {
    const table = rows
      .map(
        ([code, { fixedBy, retry, http, exit }]) =>
          `${code} ${fixedBy} ${retry ? 'retry' : 'final'} ${http} ${exit}`,
      )
      .toSorted();
    expect(table).toMatchInlineSnapshot(`
      [
        "ERR_POSTERN_AUTH_ACCOUNT_UNKNOWN person final 404 3",
        "ERR_POSTERN_AUTH_BROWSER_MISMATCH person final 403 3",
        "ERR_POSTERN_AUTH_CALLBACK_INVALID server final 400 3",
        "ERR_POSTERN_AUTH_CREDENTIAL_REFUSED operator final 502 4",
        "ERR_POSTERN_AUTH_DENIED person final 403 4",
        "ERR_POSTERN_AUTH_REFUSED_BY_ORGANISATION operator final 403 4",
        "ERR_POSTERN_AUTH_REJECTED server final 502 4",
        "ERR_POSTERN_AUTH_RENEWED developer retry 503 1",
        "ERR_POSTERN_AUTH_REQUIRED person retry 401 3",
        "ERR_POSTERN_AUTH_REVOKED person final 401 3",
        "ERR_POSTERN_AUTH_STATE_UNKNOWN person final 400 3",
        "ERR_POSTERN_AUTH_STATE_USED person final 400 3",
        "ERR_POSTERN_AUTH_UNVERIFIED operator retry 503 5",
        "ERR_POSTERN_AUTH_WRONG_USER person final 403 4",
        "ERR_POSTERN_CLIENT_CLOSED developer final 503 1",
        "ERR_POSTERN_CLIENT_CONNECTION_FAILED server retry 502 5",
        "ERR_POSTERN_CLIENT_NOT_CONNECTED developer retry 503 1",
        "ERR_POSTERN_CLIENT_PERSON_NOT_TOLD developer retry 504 1",
        "ERR_POSTERN_CLIENT_PORT_IN_USE operator final 500 2",
        "ERR_POSTERN_CLIENT_SERVER_UNKNOWN developer final 404 2",
        "ERR_POSTERN_CLIENT_SESSION_LOST server retry 502 1",
        "ERR_POSTERN_CLIENT_TOOL_AMBIGUOUS developer final 409 1",
        "ERR_POSTERN_CLIENT_TOOL_NOT_FOUND developer final 404 1",
        "ERR_POSTERN_CLIENT_TRANSITION_ILLEGAL developer final 500 1",
        "ERR_POSTERN_CLIENT_UNREACHABLE server retry 504 5",
        "ERR_POSTERN_CLIENT_VERSION_REFUSED operator final 502 2",
        "ERR_POSTERN_CONFIG_MISCONFIGURED developer final 500 2",
        "ERR_POSTERN_EXPOSE_CHILD_FAILED operator retry 502 1",
        "ERR_POSTERN_EXPOSE_LIMIT operator retry 503 1",
        "ERR_POSTERN_LEASE_LOST operator retry 503 1",
        "ERR_POSTERN_LEASE_TIMEOUT operator retry 503 1",
        "ERR_POSTERN_NAMESPACE_CLOSED operator retry 503 1",
        "ERR_POSTERN_NAMESPACE_INVALID developer final 400 2",
        "ERR_POSTERN_NAMESPACE_UNVERIFIED person final 401 3",
        "ERR_POSTERN_NETWORK_FORBIDDEN operator final 502 1",
        "ERR_POSTERN_NETWORK_LIMIT server final 502 1",
        "ERR_POSTERN_NETWORK_REDIRECT operator final 502 1",
        "ERR_POSTERN_OAUTH_CLIENT_REJECTED operator final 502 4",
        "ERR_POSTERN_OAUTH_DISCOVERY_FAILED server retry 502 1",
        "ERR_POSTERN_OAUTH_GRANT_INVALID person final 502 3",
        "ERR_POSTERN_OAUTH_ISSUER_MISMATCH server final 400 1",
        "ERR_POSTERN_OAUTH_METADATA_INVALID server final 502 1",
        "ERR_POSTERN_OAUTH_PKCE_UNSUPPORTED server final 502 1",
        "ERR_POSTERN_OAUTH_REGISTRATION_REJECTED operator final 502 4",
        "ERR_POSTERN_OAUTH_REGISTRATION_REQUIRED operator final 502 2",
        "ERR_POSTERN_OAUTH_REQUEST_FAILED server retry 502 5",
        "ERR_POSTERN_OAUTH_REQUEST_REFUSED operator final 502 4",
        "ERR_POSTERN_OAUTH_RESOURCE_MISMATCH server final 502 1",
        "ERR_POSTERN_OAUTH_RESPONSE_INVALID server final 502 1",
        "ERR_POSTERN_OAUTH_SCOPE_INSUFFICIENT person final 403 4",
        "ERR_POSTERN_OAUTH_UNREACHABLE server retry 504 5",
        "ERR_POSTERN_OAUTH_URL_FORBIDDEN server final 502 1",
        "ERR_POSTERN_OOB_CLIENT_SILENT person retry 504 1",
        "ERR_POSTERN_OOB_FORM_REFUSED person final 403 3",
        "ERR_POSTERN_OOB_INTERACTION_REQUIRED person retry 401 3",
        "ERR_POSTERN_OOB_LIMIT person retry 429 1",
        "ERR_POSTERN_OOB_LOGIN_INVALID person final 400 1",
        "ERR_POSTERN_OOB_SECRET_REJECTED person retry 422 4",
        "ERR_POSTERN_OOB_SECRET_UNVERIFIED server retry 503 5",
        "ERR_POSTERN_OOB_STATE_INVALID developer final 400 1",
        "ERR_POSTERN_OOB_UNSUPPORTED person final 400 1",
        "ERR_POSTERN_PENDING_ALREADY_FINISHED developer final 409 1",
        "ERR_POSTERN_PENDING_CANCELLED person final 410 4",
        "ERR_POSTERN_PENDING_EXPIRED person final 410 3",
        "ERR_POSTERN_PENDING_FAILED person final 410 1",
        "ERR_POSTERN_PENDING_NOT_FOUND person final 404 1",
        "ERR_POSTERN_PENDING_SUPERSEDED person retry 410 3",
        "ERR_POSTERN_PENDING_WAIT_TIMEOUT person retry 504 3",
        "ERR_POSTERN_RESUME_GAVE_UP developer final 500 1",
        "ERR_POSTERN_RESUME_HANDLER_UNKNOWN developer retry 500 1",
        "ERR_POSTERN_RESUME_PAYLOAD_INVALID developer final 400 1",
        "ERR_POSTERN_STORAGE_CONFLICT operator retry 503 1",
        "ERR_POSTERN_STORAGE_CORRUPT operator final 500 1",
        "ERR_POSTERN_STORAGE_KEYCHAIN_UNAVAILABLE person retry 503 3",
        "ERR_POSTERN_STORAGE_KEYRING_INVALID operator final 500 2",
        "ERR_POSTERN_STORAGE_KEY_INVALID developer final 400 1",
        "ERR_POSTERN_STORAGE_KEY_UNAVAILABLE operator final 500 1",
        "ERR_POSTERN_STORAGE_SCHEMA_UNSUPPORTED operator final 500 2",
        "ERR_POSTERN_STORAGE_TAMPERED operator final 500 1",
        "ERR_POSTERN_STORAGE_UNAVAILABLE operator retry 503 1",
        "ERR_POSTERN_STORAGE_VALUE_TOO_LARGE developer final 413 1",
      ]
    `);
  });

  test('names every code ERR_POSTERN_<AREA>_<CONDITION>, with an area of the design', () => {
    const form =
      /^ERR_POSTERN_(?:CONFIG|NAMESPACE|STORAGE|LEASE|PENDING|RESUME|AUTH|OAUTH|NETWORK|CLIENT|OOB|EXPOSE|GATEWAY)(?:_[A-Z]+)+$/u;
    expect(rows.map(([code]) => code).filter((code) => !form.test(code))).toEqual([]);
  });

  test('gives every code a meaning that is a sentence, and no two codes the same', () => {
    const meanings = rows.map(([, { meaning }]) => meaning);
    expect(meanings.filter((meaning) => !/^[A-Z].{10,}\.$/u.test(meaning))).toEqual([]);
    expect(new Set(meanings).size).toBe(meanings.length);
  });

  test('answers a browser with an HTTP error, and a shell with a failure', () => {
    expect(rows.filter(([, { http }]) => http < 400 || http > 599).map(([code]) => code)).toEqual([]);
    expect(rows.filter(([, { exit }]) => exit < 1 || exit > 5).map(([code]) => code)).toEqual([]);
  });

  test('answers 5xx for whatever invites a retry, except where a person has to act first', () => {
    const odd = rows.filter(([, { retry, http, fixedBy }]) => retry && http < 500 && fixedBy !== 'person');
    expect(odd.map(([code]) => code)).toEqual([]);
  });

  test('is a union of literal codes, and no mere string', () => {
    expectTypeOf<PosternErrorCode>().not.toEqualTypeOf<string>();
    expectTypeOf<'ERR_POSTERN_LEASE_LOST'>().toExtend<PosternErrorCode>();
    expectTypeOf<'ERR_POSTERN_NO_SUCH_CODE'>().not.toExtend<PosternErrorCode>();
  });
});
