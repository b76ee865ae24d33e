import { expect, test } from 'vitest';
import { createReport, formatReport, isGreen } from './report.ts';
import type { RequirementSet } from './requirement-set.ts';
import type { ScenarioResult } from './scenario-result.ts';

const passing: Omit<ScenarioResult, 'scenario'> = { passed: 2, checked: true, failures: [], stderr: '' };

function verdict(
  result: Partial<ScenarioResult> | undefined,
  set: Partial<RequirementSet> & Pick<RequirementSet, 'side'>,
): { green: boolean; table: string } {
  const whole = {
    revision: '2026-07-28',
    required: ['ping'],
    unscored: new Map<string, string>(),
    optional: new Set<string>(),
    ...set,
  } as const;
  const scenario = whole.required[0] ?? [...whole.unscored.keys()][0] ?? '';
  const results = new Map(result === undefined ? [] : [[scenario, { scenario, ...passing, ...result }]]);
  const report = createReport(whole, results);
  return { green: isGreen(whole, report), table: formatReport(whole, results, report) };
}

test('a required scenario with passed checks alone is green', () => {
  expect(verdict({}, { side: 'server' }).green).toBe(true);
});

test.each([
  ['failed a check', { failures: ['FAILURE ping: no'] }],
  ['was warned', { failures: ['WARNING ping: hardly'] }],
  ['passed the check of its messages alone', { passed: 1, checked: false }],
  ['passed no check', { passed: 0 }],
  ['left no result', undefined],
])('a required scenario that %s fails the run', (_what, result) => {
  expect(verdict(result, { side: 'server' }).green).toBe(false);
});

test('a client that did not end as it must fails the run', () => {
  const ended = { outcome: 'ERR_POSTERN_AUTH_DENIED', expected: 'answered' };
  expect(verdict({ ended }, { side: 'client' }).green).toBe(false);
  expect(verdict({ ended: { ...ended, outcome: 'answered' } }, { side: 'client' }).green).toBe(true);
});

test.each([
  ['is optional', ['tasks-lifecycle'], true],
  ['is not', [], false],
] as const)(
  'where an unscored scenario %s, %j, its failure leaves the run green: %s',
  (_what, names, green) => {
    const set = {
      side: 'server',
      required: [],
      unscored: new Map([['tasks-lifecycle', 'extension']]),
    } as const;
    const failed = { failures: ['FAILURE tasks: no'] };
    const found = verdict(failed, { ...set, optional: new Set(names) });
    expect(found.green).toBe(green);
    expect(found.table).toMatch(green ? /^no +tasks-lifecycle/mu : /^FAIL +tasks-lifecycle/mu);
  },
);
