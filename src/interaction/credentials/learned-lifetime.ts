import type { StoredCredential } from './credential-store.ts';

/** What is refused sooner than this after it was given says something of its server, and nothing of how long it lasts. */
const minLifetimeMs = 60_000;

/** Why a credential is renewed: its service has refused it, or it is well ahead of its end, or past it. */
export type RenewalCause = 'refused' | 'due' | 'over';

/**
 * How long the credentials of a place last that do not say: by what has become of one that is renewed.
 *
 * One that was refused lasted no longer than that. One that was renewed ahead of a learned end may have lasted longer,
 * and the next is tried for a tenth more: what was revoked once is not renewed early for ever.
 */
export function learnedLifetime(
  { learnedLifetimeMs: known, obtainedAtMs, renewedAtMs = obtainedAtMs }: StoredCredential,
  cause: RenewalCause,
  nowMs: number,
): Pick<StoredCredential, 'learnedLifetimeMs'> {
  const ageMs = nowMs - renewedAtMs;
  if (cause === 'refused' && ageMs >= minLifetimeMs)
    return { learnedLifetimeMs: Math.min(ageMs, known ?? ageMs) };
  if (known === undefined) return {};
  return { learnedLifetimeMs: cause === 'due' ? Math.round(known * 1.1) : known };
}
