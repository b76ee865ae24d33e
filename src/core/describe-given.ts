/** What stands in the place of an option, as an error may say it: of a text no letter, since it may be a secret. */
export function describeGiven(value: unknown): string {
  switch (typeof value) {
    case 'undefined':
      return 'missing';
    case 'string':
      return value === '' ? 'empty' : 'a text';
    case 'number':
    case 'boolean':
      return String(value);
    case 'object':
      return value === null ? 'null' : Array.isArray(value) ? 'a list' : 'an object';
    default:
      return `a ${typeof value}`;
  }
}

/** {@link describeGiven}, of what should have been an address: how it begins. */
export function describeGivenAddress(value: unknown): string {
  if (typeof value !== 'string' || value === '') return describeGiven(value);
  const { scheme } = /^(?<scheme>[a-z]{1,12}:)/u.exec(value)?.groups ?? {};
  if (scheme !== undefined && URL.canParse(value))
    return `an address that begins with ${JSON.stringify(scheme)}`;
  // A path that follows a variable which is not set.
  if (/^\/[a-z/-]{0,40}$/u.test(value)) return JSON.stringify(value);
  return value.includes('://') ? 'a text that is no address' : 'a text without "https://" in front';
}
