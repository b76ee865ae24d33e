/**
 * Whether two texts name one issuer: they are equal, or they have no path and differ by the one slash that RFC 8414 §3.1
 * takes away before it looks anything up.
 */
export function isSameIssuer(one: string, other: string): boolean {
  return one === other || (bare(one) === bare(other) && isPathless(one));
}

function bare(issuer: string): string {
  return issuer.endsWith('/') ? issuer.slice(0, -1) : issuer;
}

function isPathless(issuer: string): boolean {
  if (!URL.canParse(issuer)) return false;
  const { origin } = new URL(issuer);
  return bare(issuer) === origin;
}
