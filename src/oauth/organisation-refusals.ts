import { codesOf, type ErrorAnswer } from './error-answer.ts';
import type { IssuerProfile } from './profiles/issuer-profile.ts';
import { providers } from './profiles/providers.ts';

/** The signs of every known provider: tenants under a domain of their own answer with them, too. */
const known: ReadonlySet<string> = new Set(
  providers.flatMap(({ profile }) => profile.organisationErrors ?? []).map(plain),
);

/**
 * Whether an error is an organisation's policy, and no "no" of the person. An error without a sign of that is none. Codes
 * are compared with codes; where a provider has none, with the whole description.
 */
export function isOrganisationRefusal(
  answer: ErrorAnswer,
  profile?: Pick<IssuerProfile, 'organisationErrors'>,
): boolean {
  const own = profile?.organisationErrors?.map(plain);
  return [...codesOf(answer), descriptionOf(answer)]
    .filter((sign) => sign !== undefined)
    .map(plain)
    .some((sign) => known.has(sign) || own?.includes(sign) === true);
}

function descriptionOf({ error_description: description }: ErrorAnswer): string | undefined {
  return typeof description === 'string' && description.length < 500 ? description : undefined;
}

/** Without what a revision of a text changes first. */
function plain(text: string): string {
  return text.trim().replace(/\.$/u, '').replaceAll(/\s+/gu, ' ').toLowerCase();
}
