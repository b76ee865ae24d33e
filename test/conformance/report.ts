import { answered } from './expected-outcomes.ts';
import type { RequirementSet } from './requirement-set.ts';
import { hasPassed, type ScenarioResult } from './scenario-result.ts';

/** A run in figures. Scenarios and checks are the required ones. */
export interface Report {
  readonly requirements: string;
  readonly required: number;
  readonly scenarios: {
    readonly passed: number;
    readonly failed: number;
    readonly noChecks: readonly string[];
  };
  readonly checks: { readonly passed: number; readonly failed: number };
  /** What the suite runs and does not score. Unless it is optional, here it must pass all the same. */
  readonly extensions: Readonly<
    Record<
      string,
      { readonly reason: string; readonly ok: boolean; readonly passed: number; readonly failed: number }
    >
  >;
}

type Results = ReadonlyMap<string, ScenarioResult>;

export function createReport(set: RequirementSet, results: Results): Report {
  const scored = set.required.map((scenario) => results.get(scenario) ?? nothing(scenario));
  const passed = scored.filter(hasPassed).length;
  return {
    requirements: set.revision,
    required: set.required.length,
    scenarios: {
      passed,
      failed: scored.length - passed,
      noChecks: scored.filter(hasNoChecks).map(({ scenario }) => scenario),
    },
    checks: {
      passed: sum(scored.map((result) => result.passed)),
      failed: sum(scored.map(({ failures }) => failures.length)),
    },
    extensions: Object.fromEntries(
      [...set.unscored].map(([scenario, reason]) => {
        const result = results.get(scenario) ?? nothing(scenario);
        return [
          scenario,
          { reason, ok: hasPassed(result), passed: result.passed, failed: result.failures.length },
        ];
      }),
    ),
  };
}

export function isGreen({ optional }: RequirementSet, { scenarios, extensions }: Report): boolean {
  return (
    scenarios.failed === 0 &&
    Object.entries(extensions).every(([scenario, { ok }]) => ok || optional.has(scenario))
  );
}

/** The run as a table, with what went wrong below it. */
export function formatReport(set: RequirementSet, results: Results, report: Report): string {
  const names = [...set.required, ...set.unscored.keys()];
  const width = Math.max(...names.map((name) => name.length));
  const rows = names.map((name) => {
    const result = results.get(name) ?? nothing(name);
    const failed = set.optional.has(name) ? 'no' : 'FAIL';
    const verdict = hasNoChecks(result) ? 'NONE' : hasPassed(result) ? 'ok' : failed;
    const counts = `${String(result.passed).padStart(4)} passed ${String(result.failures.length).padStart(3)} failed`;
    const outcome = result.ended?.outcome ?? answered;
    const ended = outcome === answered ? '' : outcome;
    return `${verdict.padEnd(5)} ${name.padEnd(width)} ${counts}  ${set.unscored.get(name) ?? ''} ${ended}`.trimEnd();
  });
  const problems = names
    .filter((name) => !set.optional.has(name))
    .map((name) => results.get(name) ?? nothing(name))
    .filter((result) => !hasPassed(result))
    .map(explain);
  const { scenarios, checks, required } = report;
  return [
    ...rows,
    '',
    ...problems,
    `${set.revision}: ${scenarios.passed}/${required} required scenarios, ` +
      `${checks.passed} checks passed, ${checks.failed} failed; ` +
      `${Object.values(report.extensions).filter(({ ok }) => ok).length}/${set.unscored.size} of the others`,
  ].join('\n');
}

function explain(result: ScenarioResult): string {
  const { scenario, failures, ended, stderr } = result;
  const lines = hasNoChecks(result) ? ['it ran no check', ...failures] : [...failures];
  if (ended !== undefined && ended.outcome !== ended.expected) {
    lines.push(`the client ended with ${ended.outcome}, not with ${ended.expected}`);
  }
  lines.push(...stderr.trim().split('\n').slice(0, 12));
  return `${scenario}\n${lines.map((line) => `    ${line}`).join('\n')}\n`;
}

function hasNoChecks({ checked, failures }: ScenarioResult): boolean {
  return !checked && failures.length === 0;
}

function nothing(scenario: string): ScenarioResult {
  return { scenario, passed: 0, checked: false, failures: [], stderr: '' };
}

function sum(figures: readonly number[]): number {
  return figures.reduce((total, figure) => total + figure, 0);
}
