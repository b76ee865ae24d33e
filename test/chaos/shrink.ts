import { checkHistory, type CheckOptions, type Violation } from './checker.ts';
import type { LogEvent } from './operation-log.ts';

/** How many times the checker is asked at most. */
const maxChecks = 400;

/**
 * The smallest part of a history that was found to show one violation.
 *
 * First one namespace, then the shortest beginning, then without every operation that can be left out. An operation
 * goes as a whole, and so does everything of one commit: nothing is shown that did not happen.
 */
export function shrinkHistory(
  events: readonly LogEvent[],
  violation: Violation,
  options: CheckOptions,
): LogEvent[] {
  let checks = 0;
  const shows = (part: readonly LogEvent[]): boolean =>
    ++checks <= maxChecks &&
    checkHistory(part, options).some(
      ({ id, count, what }) => id === violation.id && count === violation.count && what === violation.what,
    );

  const ofOne = events.filter(({ ns }) => ns === undefined || ns === violation.ns);
  let kept: readonly LogEvent[] = violation.ns !== undefined && shows(ofOne) ? ofOne : events;
  kept = shortestBeginning(kept, shows);

  const groups = [...new Set(kept.map(groupOf))];
  for (
    let size = Math.ceil(groups.length / 2);
    size >= 1 && checks < maxChecks;
    size = size > 1 ? Math.ceil(size / 2) : 0
  ) {
    for (let start = 0; start < groups.length && checks < maxChecks;) {
      const without = new Set(groups.slice(start, start + size));
      const part = kept.filter((event) => !without.has(groupOf(event)));
      if (shows(part)) {
        kept = part;
        groups.splice(start, size);
      } else {
        start += size;
      }
    }
  }
  return [...kept];
}

/** By halves: what a beginning shows, every longer one shows too, but for the states found at the end. */
function shortestBeginning(
  events: readonly LogEvent[],
  shows: (part: readonly LogEvent[]) => boolean,
): readonly LogEvent[] {
  let tooShort = 0;
  let enough = events.length;
  while (enough - tooShort > 1) {
    const middle = Math.floor((tooShort + enough) / 2);
    if (shows(events.slice(0, middle))) enough = middle;
    else tooShort = middle;
  }
  return events.slice(0, enough);
}

function groupOf({ p, op, id }: LogEvent): string {
  return `${p} ${op} ${id}`;
}
