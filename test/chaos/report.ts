import { countNames, countViolations, type CountName, type Violation } from './checker.ts';
import type { LogEvent } from './operation-log.ts';

/** What a run has come to. */
export interface ChaosReport extends Record<CountName, number> {
  readonly backend: string;
  readonly seed: number;
  readonly seconds: number;
  /** Operations that ended, of whatever kind. */
  readonly operations: number;
  /** How many of each operation ended so: `call ok`, `call ERR_POSTERN_…`. */
  readonly outcomes: Readonly<Record<string, number>>;
  readonly faults: Readonly<Record<string, number>>;
  /** Planned work that was not begun, by why: a run that skips much has shown little. */
  readonly skipped: Readonly<Record<string, number>>;
}

const operations = new Set(['call', 'park', 'wait', 'login', 'logout', 'resume', 'abandon', 'final-call']);

export function reportOn(
  run: { readonly backend: string; readonly seed: number; readonly seconds: number },
  events: readonly LogEvent[],
  violations: readonly Violation[],
): ChaosReport {
  const ended = events.filter(({ k, op }) => (k === 'ok' || k === 'fail') && operations.has(op));
  return {
    ...run,
    operations: ended.length,
    ...countViolations(violations),
    outcomes: tally(ended.map(({ op, k, code, status }) => `${op} ${k === 'ok' ? (status ?? 'ok') : code}`)),
    skipped: tally(events.filter(({ op }) => op === 'skipped').map(({ what }) => what ?? '')),
    faults: tally(events.filter(({ op }) => ['fault', 'freeze'].includes(op)).map(({ what }) => what ?? '')),
  };
}

export function formatReport(report: ChaosReport, violations: readonly Violation[]): string {
  const { backend, seed, seconds, outcomes, faults, skipped } = report;
  const list = (counts: Readonly<Record<string, number>>): string =>
    Object.entries(counts)
      .map(([name, count]) => `  ${String(count).padStart(6)}  ${name}`)
      .join('\n');
  return [
    `${backend}, seed ${seed}, ${seconds} s: ${report.operations} operations`,
    list(outcomes),
    'Faults',
    list(faults),
    'Skipped',
    list(skipped),
    'What must not happen',
    list(Object.fromEntries(countNames.map((name) => [name, report[name]]))),
    ...violations.slice(0, 20).map(({ count, what }) => `  ${count}: ${what}`),
  ].join('\n');
}

export function isClean(report: ChaosReport): boolean {
  return countNames.every((name) => report[name] === 0);
}

function tally(names: readonly string[]): Record<string, number> {
  const counts = new Map<string, number>();
  for (const name of names) counts.set(name, (counts.get(name) ?? 0) + 1);
  return Object.fromEntries([...counts].toSorted(([a], [b]) => a.localeCompare(b)));
}
