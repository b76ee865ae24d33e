import { decodeJwt } from 'jose';
import { numberOf } from './number-of.ts';

const maxSeconds = 10 * 365 * 86_400;
/** A token whose own text gives it less than this says nothing that can be planned with: clocks differ by as much. */
const minLikelyMs = 60_000;

/**
 * How long something lasts by a reply of a token endpoint, in seconds; text is accepted.
 *
 * `undefined` when the reply does not say, or says what cannot be meant: servers write 0 for what never ends, and a date
 * for a lifetime. What has ended as it arrives would be asked for again for ever.
 */
export function statedSeconds(value: unknown): number | undefined {
  const whole = Math.floor(numberOf(value));
  return whole > 0 && whole <= maxSeconds ? whole : undefined;
}

/**
 * When an access token ends by its own text, where it happens to be one that can be read.
 *
 * The text is the resource server's to judge, so this is good for renewing sooner, and for nothing else.
 */
export function likelyEndMs(accessToken: string, sentAtMs: number): number | undefined {
  try {
    const { exp, iat } = decodeJwt(accessToken);
    if (exp === undefined) return undefined;
    // A lifetime, where there is one: the issuer's clock need not be ours.
    const endMs = iat === undefined ? exp * 1000 : sentAtMs + (exp - iat) * 1000;
    return endMs - sentAtMs >= minLikelyMs ? endMs : undefined;
  } catch {
    return undefined;
  }
}
