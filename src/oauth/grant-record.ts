import * as z from 'zod';
import type { ZodType } from 'zod';
import { tokenEndpointFields, type TokenEndpoint } from './token-endpoint.ts';

/** Tokens, and everything they are bound to. */
export interface Grant extends TokenEndpoint {
  readonly accessToken: string;
  readonly tokenType: 'bearer' | 'dpop';
  /** Left out: the server did not say. */
  readonly expiresAtMs?: number | undefined;
  /** When the access token ends by its own text, where that can be read and is sooner. Only ever a reason to renew sooner. */
  readonly likelyEndMs?: number | undefined;
  readonly refreshToken?: string | undefined;
  /** Left out: the server did not say. */
  readonly refreshExpiresAtMs?: number | undefined;
  /** Since when the refresh tokens of this grant have ended at that time. Left out: from the beginning. */
  readonly refreshIssuedAtMs?: number | undefined;
  /** The `sub` of a validated ID token. */
  readonly subject?: string | undefined;
  /** What the person calls the account, by a validated ID token: an address or a name. It decides nothing. */
  readonly account?: string | undefined;
  readonly obtainedAtMs: number;
  readonly refreshedAtMs?: number | undefined;
}

export const grantSchema: ZodType<Grant> = z.lazy(() =>
  z.looseObject({
    ...tokenEndpointFields,
    accessToken: z.string(),
    tokenType: z.enum(['bearer', 'dpop']),
    expiresAtMs: z.number().optional(),
    likelyEndMs: z.number().optional(),
    refreshToken: z.string().optional(),
    refreshExpiresAtMs: z.number().optional(),
    refreshIssuedAtMs: z.number().optional(),
    subject: z.string().optional(),
    account: z.string().optional(),
    obtainedAtMs: z.number(),
    refreshedAtMs: z.number().optional(),
  }),
);

/** Whether a grant has a refresh token that has not ended by its own account. */
export function canRefresh(
  { refreshToken, refreshExpiresAtMs }: Pick<Grant, 'refreshToken' | 'refreshExpiresAtMs'>,
  nowMs: number,
): boolean {
  return refreshToken !== undefined && !(refreshExpiresAtMs !== undefined && refreshExpiresAtMs <= nowMs);
}
