/** Parameters that are this module's to set, on whichever request. Another value for one would undo what it guards. */
export const guardedParameters: ReadonlySet<string> = new Set([
  'assertion',
  'client_assertion',
  'client_assertion_type',
  'client_id',
  'client_secret',
  'code',
  'code_challenge',
  'code_challenge_method',
  'code_verifier',
  'device_code',
  'dpop_jkt',
  'grant_type',
  'redirect_uri',
  'refresh_token',
  'request',
  'request_uri',
  'response_type',
  'state',
  'subject_token',
  'token',
]);

/** Those that a profile says otherwise: by `resource`, `omitResource` and what scopes are asked for. */
const saidElsewhere: readonly string[] = ['resource', 'scope'];

/** Whether a parameter may be added to a request from outside. */
export function isFreeParameter(name: string): boolean {
  return !guardedParameters.has(name) && !saidElsewhere.includes(name);
}
