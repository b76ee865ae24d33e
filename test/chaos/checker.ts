import { History } from './history.ts';
import { checkContinuations } from './check-continuations.ts';
import { checkGrants } from './check-grants.ts';
import type { LogEvent } from './operation-log.ts';

/** What must not happen, by the names of the report. */
export const countNames = [
  'doubleConsumptions',
  'doubleRefreshes',
  'lostGrants',
  'lostContinuations',
  'doubledContinuations',
  'stuckWaits',
  'crossTenantCanaries',
  'secretsInLogs',
  'crashes',
  'blindSpots',
] as const;
export type CountName = (typeof countNames)[number];

/** One thing that happened and must not. */
export interface Violation {
  readonly count: CountName;
  /** The same violation has the same id in every part of a history that shows it. */
  readonly id: string;
  readonly ns?: string | undefined;
  readonly what: string;
}

export interface CheckOptions {
  /** How long leases and claims last. */
  readonly leaseMs: number;
}

/** Everything a history shows that must not happen. Depends on the history alone. */
export function checkHistory(events: readonly LogEvent[], options: CheckOptions): Violation[] {
  const history = new History(events);
  return [
    ...checkConsumptions(history),
    ...checkGrants(history, options),
    ...checkContinuations(history, options),
    ...checkWaits(history),
    ...checkTenants(history),
    ...checkSecrets(history),
    ...checkCrashes(history),
  ];
}

export function countViolations(violations: readonly Violation[]): Record<CountName, number> {
  const counts = Object.fromEntries(countNames.map((name) => [name, 0])) as Record<CountName, number>;
  for (const { count } of violations) counts[count]++;
  return counts;
}

/** A version is replaced once, an attempt is taken once, a pending ends once, a code is presented once. */
function checkConsumptions(history: History): Violation[] {
  const seen = new Map<string, number>();
  const found: Violation[] = [];
  const consume = (id: string, ns: string | undefined, what: string): void => {
    const times = (seen.get(id) ?? 0) + 1;
    seen.set(id, times);
    if (times === 2) found.push({ count: 'doubleConsumptions', id, ns, what });
  };
  for (const { key, kind, expect, status, ns } of history.changes) {
    if (expect !== undefined && expect !== 'absent') {
      consume(`version ${key} ${expect}`, ns, `the same version of ${kind} ${key} was replaced twice`);
    }
    if (kind === 'attempt' && status === 'taken')
      consume(`attempt ${key}`, ns, `the attempt ${key} was taken twice`);
    if (kind === 'pending' && status !== undefined && status !== 'pending') {
      consume(`pending ${key}`, ns, `the pending ${key} ended twice`);
    }
  }
  for (const event of history.events) {
    if (event.op === 'as-exchange') consume(`code ${event.token}`, event.ns, 'a code was presented twice');
  }
  return found;
}

/** Every operation that was begun ends once, in its time, unless its process was killed. */
function checkWaits(history: History): Violation[] {
  const found: Violation[] = [];
  const last = history.events.at(-1)?.t ?? 0;
  for (const event of history.events) {
    if (event.k !== 'invoke' || event.limitMs === undefined) continue;
    const id = `${event.op} ${event.id}`;
    const ends = history.endsOf(event);
    const [end] = ends;
    const report = (what: string): number =>
      found.push({ count: 'stuckWaits', id, ns: event.ns, what: `${event.op} ${event.id} ${what}` });
    if (ends.length > 1) report('ended twice');
    const killedAt = history.killedAt(event.p);
    const until = end?.t ?? killedAt ?? last;
    const tookMs = until - event.t - history.frozenMs(event.p, event.t, until);
    if (tookMs > event.limitMs + graceMs) report(`took ${Math.round(tookMs)} ms of ${event.limitMs}`);
    else if (end === undefined && killedAt === undefined) report('never ended');
  }
  return found;
}

const graceMs = 1_000;

function checkTenants(history: History): Violation[] {
  const found: Violation[] = [];
  for (const { owner, ns, op, id } of history.events) {
    if (owner === undefined || owner === ns) continue;
    found.push({
      count: 'crossTenantCanaries',
      id: `${op} ${id}`,
      ns,
      what: `${op} ${id} of ${ns} got data of ${owner}`,
    });
  }
  return found;
}

/** A process that ends although nobody ended it. What it was doing counts as that of a killed one, so this is all that shows it. */
function checkCrashes(history: History): Violation[] {
  return history.events
    .filter(({ op }) => op === 'crash')
    .map(({ host, what }) => ({
      count: 'crashes',
      id: `crash ${host}`,
      what: `${host} ended by itself (${what})`,
    }));
}

function checkSecrets(history: History): Violation[] {
  return history.events
    .filter(({ op }) => op === 'secret')
    .map(({ id, what }) => ({
      count: 'secretsInLogs',
      id: `secret ${id} ${what}`,
      what: `${what} is readable in ${id}`,
    }));
}
