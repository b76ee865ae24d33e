/**
 * A number that a reply gives as such or, as some servers do, as text; `NaN` for anything else.
 *
 * `Number` would do neither: it makes nought of `null` and of nothing, and throws for an object that cannot be one.
 */
export function numberOf(value: unknown): number {
  if (typeof value === 'number') return value;
  return typeof value === 'string' && /^-?\d+(?:\.\d+)?$/u.test(value) ? Number(value) : Number.NaN;
}
