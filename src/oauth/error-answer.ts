/** An error of an authorization server, as it came: in a redirect, or in the body of a reply. */
export type ErrorAnswer = Readonly<Record<string, unknown>>;

/** Where providers put codes of their own. @see RFC 6749 §8.5 */
const codeFields = ['error', 'error_code', 'error_subcode', 'error_subtype', 'suberror'] as const;
/** How Entra writes its codes into a description. No other provider's begin like that. */
const writtenCode = /\bAADSTS\d{4,8}\b/gu;

/** Every code that an error carries, in whichever of its fields. */
export function codesOf(answer: ErrorAnswer): string[] {
  const fields = codeFields.map((name) => answer[name]).filter((code) => typeof code === 'string');
  const { error_codes: numbers, error_description: description } = answer;
  const numbered = Array.isArray(numbers) ? numbers.map((number) => `AADSTS${String(number)}`) : [];
  const written = typeof description === 'string' ? description.slice(0, 4_000).match(writtenCode) : null;
  return [...fields, ...numbered, ...(written ?? [])];
}
