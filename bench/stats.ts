/** The value that a share `at` (0 to 1) of the values do not exceed, between neighbours by proportion. */
function quantile(values: readonly number[], at: number): number {
  if (values.length === 0) throw new RangeError('no values');
  const sorted = values.toSorted((a, b) => a - b);
  const position = (sorted.length - 1) * at;
  const below = sorted[Math.floor(position)] ?? 0;
  const above = sorted[Math.ceil(position)] ?? 0;
  return below + (above - below) * (position % 1);
}

export function median(values: readonly number[]): number {
  return quantile(values, 0.5);
}

/** What 95 in 100 values do not exceed. */
export function p95(values: readonly number[]): number {
  return quantile(values, 0.95);
}

/** The middle half: where a repetition would most likely fall. */
export function middleHalf(values: readonly number[]): readonly [low: number, high: number] {
  return [quantile(values, 0.25), quantile(values, 0.75)];
}

/** Each value of one series divided by that of the same round of another. */
export function ratios(of: readonly number[], to: readonly number[]): number[] {
  return of.map((value, round) => value / (to[round] ?? Number.NaN));
}
