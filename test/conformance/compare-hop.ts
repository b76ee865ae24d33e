import type { Loss } from './not-carried.ts';
import type { ScenarioResult } from './scenario-result.ts';

/** How a scenario went through a hop, beside how it goes without. */
export interface HopOutcome {
  readonly scenario: string;
  /** Checks that passed without the hop, and through it. */
  readonly direct: number;
  readonly passed: number;
  readonly failures: readonly string[];
  /** Whether it is as it should be: nothing is lost, or just what is known to be. */
  readonly ok: boolean;
  readonly loss?: Loss;
}

type Results = ReadonlyMap<string, ScenarioResult>;

/**
 * Compares a run through a hop with a run of the same server without one, check by check.
 *
 * A loss that is known must be as large as it is known to be: one that is gone is a list that is wrong.
 */
export function compareHop(
  scenarios: readonly string[],
  direct: Results,
  through: Results,
  losses: ReadonlyMap<string, Loss>,
): HopOutcome[] {
  return scenarios.map((scenario) => {
    const before = direct.get(scenario);
    const after = through.get(scenario);
    const passed = after?.passed ?? 0;
    const failures = (after?.failures ?? []).filter((failure) => !(before?.failures ?? []).includes(failure));
    const loss = losses.get(scenario);
    const lost = (before?.passed ?? 0) - passed;
    const ok =
      loss === undefined
        ? lost <= 0 && failures.length === 0 && passed > 0
        : lost === loss.checks && lost > 0;
    return { scenario, direct: before?.passed ?? 0, passed, failures, ok, ...(loss && { loss }) };
  });
}

/** Whether everything is carried but what is known not to be, and that list names nothing else. */
export function isCarried(outcomes: readonly HopOutcome[], losses: ReadonlyMap<string, Loss>): boolean {
  const known = new Set(outcomes.map(({ scenario }) => scenario));
  return (
    outcomes.length > 0 &&
    outcomes.every(({ ok }) => ok) &&
    [...losses.keys()].every((scenario) => known.has(scenario))
  );
}

/** The comparison as a table, with what went wrong below it. */
export function formatHop(title: string, outcomes: readonly HopOutcome[]): string {
  const width = Math.max(...outcomes.map(({ scenario }) => scenario.length));
  const rows = outcomes.map(({ scenario, direct, passed, ok, loss }) => {
    const verdict = ok ? (loss === undefined ? 'ok' : 'lost') : 'FAIL';
    const counts = `${String(passed).padStart(4)} of ${String(direct).padStart(3)} checks`;
    return `${verdict.padEnd(5)} ${scenario.padEnd(width)} ${counts}  ${loss?.reason ?? ''}`.trimEnd();
  });
  const wrong = outcomes
    .filter(({ ok }) => !ok)
    .map(({ scenario, failures }) => `${scenario}\n${failures.map((line) => `    ${line}`).join('\n')}\n`);
  const count = (of: 'direct' | 'passed'): number => outcomes.reduce((total, each) => total + each[of], 0);
  const carried = outcomes.filter(({ ok, loss }) => ok && loss === undefined).length;
  return [
    ...rows,
    '',
    ...wrong,
    `${title}: ${carried}/${outcomes.length} scenarios as without it, ${count('passed')} of ${count('direct')} checks`,
  ].join('\n');
}
