import { canRefresh, type Grant } from '../../oauth/grant-record.ts';
import type { Account, CredentialFacts, CredentialState } from '../credential-kind.ts';

/** A token this close to its end is always renewed; one that lasts less than ten times as long, in the last tenth of its life. */
const latestMs = 60_000;
/** How much sooner some are, so that those that were given out together are not renewed together. */
const spreadMs = 4 * 60_000;
/** A person is to hear of it this long before they are needed, or in the last fifth of what does not last as long. */
const warnMs = 3 * 86_400_000;

/** A grant, and what is known of it beside. */
export interface GrantView {
  readonly grant: Grant;
  /** By the store's time. */
  readonly nowMs: number;
  /** How long tokens of this place have lasted before, where the issuer does not say. */
  readonly learnedLifetimeMs?: number | undefined;
  /** It is replaced without its person, refresh token or not. */
  readonly needsNobody?: boolean | undefined;
}

export function grantState(view: GrantView): CredentialState {
  const { grant, nowMs } = view;
  if (grant.expiresAtMs !== undefined && grant.expiresAtMs <= nowMs) return 'over';
  const dueAtMs = isRenewable(view) ? renewalTime(view) : undefined;
  return dueAtMs !== undefined && dueAtMs <= nowMs ? 'due' : 'good';
}

/** @param asked the scopes it was asked for with. */
export function grantFacts(view: GrantView, asked: readonly string[] = []): CredentialFacts {
  const { grant, nowMs } = view;
  const renewable = isRenewable(view);
  const personNeededAtMs = view.needsNobody
    ? undefined
    : renewable
      ? grant.refreshExpiresAtMs
      : grant.expiresAtMs;
  const sinceMs = (renewable ? grant.refreshIssuedAtMs : grant.refreshedAtMs) ?? grant.obtainedAtMs;
  return {
    condition: conditionOf(personNeededAtMs, sinceMs, nowMs),
    endsAtMs: grant.expiresAtMs,
    renewable,
    personNeededAtMs,
    ...(isOfflineDenied(view, asked) && { offlineDenied: true }),
    account: accountOf(grant),
  };
}

export function accountOf({ issuer, subject, account }: Grant): Account {
  return { issuer, subject, name: account };
}

/** Some are asked by a scope, and some by a parameter. */
function isOfflineDenied({ grant, needsNobody }: GrantView, asked: readonly string[]): boolean {
  if (needsNobody === true || grant.refreshToken !== undefined) return false;
  return asked.includes('offline_access') || grant.profile?.authorizeParams?.['access_type'] === 'offline';
}

function conditionOf(
  endMs: number | undefined,
  sinceMs: number,
  nowMs: number,
): CredentialFacts['condition'] {
  if (endMs === undefined) return 'good';
  if (endMs <= nowMs) return 'over';
  return endMs - nowMs < Math.min(warnMs, (endMs - sinceMs) / 5) ? 'expiring' : 'good';
}

function isRenewable({ grant, nowMs, needsNobody }: GrantView): boolean {
  return needsNobody === true || canRefresh(grant, nowMs);
}

/** From when on a grant is better renewed. */
function renewalTime({ grant, learnedLifetimeMs }: GrantView): number | undefined {
  const { accessToken, obtainedAtMs, refreshedAtMs: issuedAtMs = obtainedAtMs, expiresAtMs } = grant;
  const learnedEndMs =
    expiresAtMs === undefined && learnedLifetimeMs !== undefined ? issuedAtMs + learnedLifetimeMs : undefined;
  const endMs = Math.min(expiresAtMs ?? Infinity, grant.likelyEndMs ?? Infinity, learnedEndMs ?? Infinity);
  return endMs === Infinity ? undefined : renewAtMs(accessToken, issuedAtMs, endMs);
}

/** From when on a token is better replaced. The same in every process: it depends on what is stored alone. */
export function renewAtMs(token: string, issuedAtMs: number, endMs: number): number {
  const tenthMs = Math.max(0, endMs - issuedAtMs) / 10;
  return endMs - Math.min(latestMs, tenthMs) - Math.min(spreadMs, tenthMs) * fraction(token);
}

/** A number from 0 to 1 that is the same for the same text, and as good as chance for another (FNV-1a, mixed once more). */
function fraction(text: string): number {
  let hash = 0x811c9dc5;
  for (let index = 0; index < text.length; index++)
    hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193);
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash ^= hash >>> 13;
  return (hash >>> 0) / 0x1_0000_0000;
}
