import type { IssuerProfile } from './profiles/issuer-profile.ts';

/** An error of an authorization server, as it came: in a redirect, or in the body of a reply. */
export type ErrorAnswer = Readonly<Record<string, unknown>>;

/** Where providers put codes of their own. @see RFC 6749 §8.5 */
const codeFields = ['error', 'error_code', 'error_subcode', 'error_subtype', 'suberror'] as const;
/** How Entra writes its codes into a description. No other provider's begin like that. */
const writtenCode = /\bAADSTS\d{4,8}\b/gu;

/**
 * What means that an organisation does not let a person in, whatever the issuer is called. Codes are compared with codes;
 * where a provider has none, with the whole description.
 */
const organisationErrors: ReadonlySet<string> = new Set([
  // Google Workspace: the administrator has not allowed the application, or it is for one organisation alone.
  'access_not_configured',
  'admin_policy_enforced',
  'org_internal',
  // Microsoft Entra ID: an administrator has to consent.
  'AADSTS90093',
  'AADSTS90094',
  'AADSTS90095',
  'AADSTS650051',
  'AADSTS650052',
  'AADSTS650056',
  'AADSTS900941',
  // … the application is switched off for the tenant.
  'AADSTS7000112',
  // … the person is not assigned to it, or not of the tenant.
  'AADSTS50020',
  'AADSTS50105',
  // … Conditional Access, which the person cannot change.
  'AADSTS53000',
  'AADSTS53001',
  'AADSTS53002',
  'AADSTS53003',
  // Okta puts a code into its own log, and a sentence into the answer.
  'user_not_assigned',
  'user is not assigned to the client application',
  'policy evaluation failed for this request, please check the policy configurations',
]);

/** Whether an error is an organisation's policy, and no "no" of the person. An error without a sign of that is none. */
export function isOrganisationRefusal(
  answer: ErrorAnswer,
  profile?: Pick<IssuerProfile, 'organisationErrors'>,
): boolean {
  const own = profile?.organisationErrors?.map(plain);
  return [...codesOf(answer), descriptionOf(answer)].some(
    (sign) => sign !== undefined && (organisationErrors.has(sign) || own?.includes(plain(sign)) === true),
  );
}

/** Every code that an error carries, in whichever of its fields. */
export function codesOf(answer: ErrorAnswer): string[] {
  const fields = codeFields.map((name) => answer[name]).filter((code) => typeof code === 'string');
  const { error_codes: numbers, error_description: description } = answer;
  const numbered = Array.isArray(numbers) ? numbers.map((number) => `AADSTS${String(number)}`) : [];
  const written = typeof description === 'string' ? description.slice(0, 4_000).match(writtenCode) : null;
  return [...fields, ...numbered, ...(written ?? [])];
}

function descriptionOf({ error_description: description }: ErrorAnswer): string | undefined {
  return typeof description === 'string' && description.length < 500 ? plain(description) : undefined;
}

/** Without what a revision of a text changes first. */
function plain(text: string): string {
  return text.trim().replace(/\.$/u, '').replaceAll(/\s+/gu, ' ').toLowerCase();
}
