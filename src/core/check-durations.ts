import { describeGiven } from './describe-given.ts';
import { PosternError } from './postern-error.ts';

/** The longest a timer runs; one that is set for longer ends at once. */
const longestMs = 2 ** 31 - 1;

/**
 * Refuses durations that are none: options of a host, by their names. What was left out has a default.
 *
 * @param atLeastMs 0 where "not at all" means something.
 * @throws {PosternError} ERR_POSTERN_CONFIG_MISCONFIGURED
 */
export function checkDurations(
  durations: Readonly<Record<string, number | undefined>>,
  atLeastMs: 0 | 1 = 1,
): void {
  for (const [name, ms] of Object.entries(durations)) {
    if (ms === undefined || (typeof ms === 'number' && ms >= atLeastMs && ms <= longestMs)) continue;
    throw new PosternError(
      'ERR_POSTERN_CONFIG_MISCONFIGURED',
      `${JSON.stringify(name)} is ${describeGiven(ms)}, and must be ${atLeastMs} to ${longestMs} milliseconds`,
    );
  }
}
