import type { CheckOptions, Violation } from './checker.ts';
import type { History } from './history.ts';
import type { LogEvent } from './operation-log.ts';

/** Every request that was parked is resumed or given up, and by one process at a time. */
export function checkContinuations(history: History, options: CheckOptions): Violation[] {
  const starts = Map.groupBy(
    history.events.filter(({ op, k }) => (op === 'resume' || op === 'abandon') && k === 'invoke'),
    ({ request }) => request ?? '',
  );
  return [...checkLost(history, starts), ...checkDoubled(history, starts, options)];
}

function checkLost(history: History, starts: ReadonlyMap<string, readonly LogEvent[]>): Violation[] {
  const found: Violation[] = [];
  const states = new Map(
    history.events.filter(({ op }) => op === 'final-continuation').map(({ id, status }) => [id, status]),
  );
  // A history that was cut short says nothing about how its requests ended.
  if (!history.events.some(({ op }) => op === 'final')) return found;
  for (const { op, k, request, ns } of history.events) {
    if (op !== 'park' || k !== 'ok' || request === undefined) continue;
    const report = (what: string): number =>
      found.push({
        count: 'lostContinuations',
        id: `continuation ${request}`,
        ns,
        what: `the parked request ${request} ${what}`,
      });
    const status = states.get(request);
    if (status === 'done') {
      const ran = (starts.get(request) ?? []).some(
        (start) => start.op === 'resume' && history.endsOf(start).some((end) => end.k === 'ok'),
      );
      if (!ran) report('is done, and nobody resumed it');
    } else if (status !== 'abandoned') {
      report(`was acknowledged and is ${status ?? 'gone'} at the end`);
    }
  }
  return found;
}

function checkDoubled(
  history: History,
  starts: ReadonlyMap<string, readonly LogEvent[]>,
  { leaseMs }: CheckOptions,
): Violation[] {
  const found: Violation[] = [];
  for (const [request, group] of starts) {
    for (let index = 1; index < group.length; index++) {
      const first = group[index - 1];
      const second = group[index];
      if (first === undefined || second === undefined) continue;
      const report = (what: string): number =>
        found.push({
          count: 'doubledContinuations',
          id: `continuation ${request}`,
          ns: second.ns,
          what: `the parked request ${request} ran in ${first.p} and in ${second.p}: ${what}`,
        });
      const [end] = history.endsOf(first);
      if (end?.k === 'fail' && end.t < second.t) continue;
      const claim = history.leaseOf('claim', second.ns, second.p, second.t, request);
      const taken = claim && history.acquisitionOf(claim);
      const done = history.changes.find(
        ({ kind, key, status }) =>
          kind === 'continuation' && key.endsWith(request) && (status === 'done' || status === 'abandoned'),
      );
      if (taken === undefined) report('the second without a claim');
      else if (done !== undefined && done.ackedAt < taken.sentAt) report('the second after it was done');
      else if (history.isHeld(taken.key, first.p, taken.ackedAt, leaseMs)) report('both under a claim');
    }
  }
  return found;
}
