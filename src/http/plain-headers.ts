/**
 * Headers as a record of their own, by names in lower case: what costs least to make, to copy and to send. They are not
 * judged; whatever sends them does that.
 */
export function plainHeaders(headers: HeadersInit | undefined): Record<string, string> {
  if (headers === undefined) return {};
  if (Symbol.iterator in headers) {
    return Object.fromEntries(headers instanceof Headers ? headers : new Headers([...headers]));
  }
  const plain: Record<string, string> = {};
  for (const given of Object.keys(headers)) {
    const value = headers[given];
    if (value === undefined) continue;
    const name = given.toLowerCase();
    plain[name] = Object.hasOwn(plain, name) ? `${plain[name]}, ${value}` : value;
  }
  return plain;
}
