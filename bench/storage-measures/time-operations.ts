/**
 * The microseconds that each of `count` operations takes, `inFlight` at a time.
 *
 * @throws {Error} when one of them did not do what it was asked.
 */
export async function timeOperations(
  operate: (at: number) => Promise<boolean>,
  count: number,
  inFlight: number,
): Promise<number> {
  let next = 0;
  let failures = 0;
  const work = async (): Promise<void> => {
    for (let at = next++; at < count; at = next++) {
      if (!(await operate(at))) failures++;
    }
  };
  const before = performance.now();
  await Promise.all(Array.from({ length: inFlight }, work));
  const us = ((performance.now() - before) * 1_000) / count;
  if (failures > 0) throw new Error(`${failures} of ${count} operations did not do what they were asked`);
  return us;
}

/** As many operations of such a duration as fill a slice of a round, within bounds. */
export function countFor(us: number, sliceMs: number, [least, most]: readonly [number, number]): number {
  return Math.min(most, Math.max(least, Math.round((sliceMs * 1_000) / us)));
}
