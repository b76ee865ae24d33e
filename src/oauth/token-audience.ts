import { decodeJwt } from 'jose';

/**
 * Whom an access token is for by its own text, where it happens to be one that can be read; `undefined` where it is not, or
 * does not say. The text is the resource server's to judge: this is good for telling people, and for nothing else.
 */
export function statedAudiences(accessToken: string): readonly string[] | undefined {
  try {
    const { aud } = decodeJwt(accessToken);
    const named = typeof aud === 'string' ? [aud] : aud;
    return Array.isArray(named) ? named.filter((each) => typeof each === 'string') : undefined;
  } catch {
    return undefined;
  }
}
