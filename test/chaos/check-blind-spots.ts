import type { Violation } from './checker.ts';
import { History } from './history.ts';
import type { LogEvent, RecordKind } from './operation-log.ts';

/** What cannot have happened without a record that the log tells of: a log that does not see it proves nothing. */
const recordsBehind: readonly { readonly op: string; readonly kinds: readonly RecordKind[] }[] = [
  { op: 'login', kinds: ['attempt', 'pending', 'grant'] },
  { op: 'as-refresh', kinds: ['grant', 'refresh-lease'] },
  { op: 'park', kinds: ['continuation'] },
  { op: 'resume', kinds: ['continuation', 'claim'] },
];

/** Of a whole run: in a part of one, what is missing was left out. */
export function checkBlindSpots(events: readonly LogEvent[]): Violation[] {
  const { changes } = new History(events);
  const seen = new Set(changes.map(({ kind }) => kind));
  return recordsBehind.flatMap(({ op, kinds }) =>
    events.some((event) => event.op === op && event.k === 'ok')
      ? kinds
          .filter((kind) => !seen.has(kind))
          .map((kind) => ({
            count: 'blindSpots' as const,
            id: `${op} ${kind}`,
            what: `there was a ${op}, and no ${kind} is in the log`,
          }))
      : [],
  );
}
