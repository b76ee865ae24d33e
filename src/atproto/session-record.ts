import * as z from 'zod';
import type { ZodType } from 'zod';
import { systemClock } from '../core/clock.ts';

/** A session as the official client keeps it. Only what is looked at here is said of it. */
export interface SavedSession {
  readonly tokenSet: {
    readonly iss: string;
    readonly sub: string;
    readonly aud: string;
    readonly scope: string;
    readonly access_token: string;
    readonly refresh_token?: string;
    readonly expires_at?: string;
  };
  readonly dpopJwk: object;
  /** How the application proved itself, and by which key. */
  readonly authMethod?: unknown;
}

interface SessionRecord {
  readonly did: string;
  /** As its DID document had it at the login, checked both ways. */
  readonly handle?: string | undefined;
  /** Where requests go. */
  readonly pdsUrl: string;
  readonly scopes: readonly string[];
  readonly issuedAtMs: number;
  /** Left out: it is not said. */
  readonly expiresAtMs?: number | undefined;
}

/** Of a person's consent at their own server. */
export interface OAuthSessionRecord extends SessionRecord {
  readonly method: 'oauth';
  readonly issuer: string;
  readonly clientId: string;
  /** As the official client keeps it: tokens, and the key that they are bound to. */
  readonly session: SavedSession;
}

/** Of an app password. */
export interface AppPasswordSessionRecord extends SessionRecord {
  readonly method: 'app-password';
  readonly accessJwt: string;
  /** Left out of what callers get. */
  readonly refreshJwt?: string | undefined;
}

/** A session as it is stored: sealed with the store, never sent to a client. */
export type AtprotoSessionRecord = OAuthSessionRecord | AppPasswordSessionRecord;

const common = {
  did: z.string(),
  handle: z.string().optional(),
  pdsUrl: z.string(),
  scopes: z.array(z.string()),
  issuedAtMs: z.number(),
  expiresAtMs: z.number().optional(),
};

const tokenSet = z.looseObject({
  sub: z.string(),
  aud: z.string(),
  iss: z.string(),
  access_token: z.string(),
});

export const atprotoSessionRecord: ZodType<AtprotoSessionRecord> = z.discriminatedUnion('method', [
  z.looseObject({
    ...common,
    method: z.literal('oauth'),
    issuer: z.string(),
    clientId: z.string(),
    session: z.custom<SavedSession>((value) => {
      const { success } = z.looseObject({ tokenSet, dpopJwk: z.looseObject({}) }).safeParse(value);
      return success;
    }),
  }),
  z.looseObject({
    ...common,
    method: z.literal('app-password'),
    accessJwt: z.string(),
    refreshJwt: z.string().optional(),
  }),
]);

/** What the official client has got, as it is stored. */
export function toRecord(
  session: SavedSession,
  known: { readonly clientId: string; readonly handle: string | undefined; readonly nowMs: number },
): OAuthSessionRecord {
  const { sub, aud, iss, scope, expires_at: end } = session.tokenSet;
  const endMs = end === undefined ? Number.NaN : Date.parse(end);
  return {
    method: 'oauth',
    did: sub,
    ...(known.handle !== undefined && { handle: known.handle }),
    pdsUrl: aud,
    issuer: iss,
    scopes: scope.split(' '),
    issuedAtMs: known.nowMs,
    // The official client counts by this machine's clock, and all processes by the store's.
    ...(!Number.isNaN(endMs) && { expiresAtMs: known.nowMs + Math.max(0, endMs - systemClock()) }),
    clientId: known.clientId,
    session,
  };
}
