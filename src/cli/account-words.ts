import type { KeptCredential } from '../interaction/credentials/kept-credential.ts';

/** Whose an account is, as its issuer names them. */
export function whoseAccount({ account }: Pick<KeptCredential, 'account'>): string | undefined {
  return account?.name ?? account?.subject;
}

/** A time as people read it, in the time zone of whoever reads it: without the day where that is today. */
export function clockTime(atMs: number, nowMs: number = Date.now()): string {
  const time = new Date(atMs);
  const two = (part: number): string => String(part).padStart(2, '0');
  const day = `${time.getFullYear()}-${two(time.getMonth() + 1)}-${two(time.getDate())}`;
  const hour = `${two(time.getHours())}:${two(time.getMinutes())}`;
  return time.toDateString() === new Date(nowMs).toDateString() ? hour : `${day} ${hour}`;
}

/** Until when an account is good, and whether somebody has to do something then. */
export function howLong(kept: KeptCredential): string {
  if (kept.condition === 'over') return 'over';
  const { personNeededAtMs, renewable, endsAtMs } = kept;
  if (personNeededAtMs !== undefined) return `until ${clockTime(personNeededAtMs)}`;
  if (renewable) return 'renewed by itself';
  return endsAtMs === undefined ? 'no end is said' : `until ${clockTime(endsAtMs)}`;
}
