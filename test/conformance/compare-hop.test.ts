import { expect, test } from 'vitest';
import { compareHop, formatHop, isCarried } from './compare-hop.ts';
import type { Loss } from './not-carried.ts';
import type { ScenarioResult } from './scenario-result.ts';

function results(passed: number | undefined, failures: readonly string[] = []): Map<string, ScenarioResult> {
  if (passed === undefined) return new Map();
  return new Map([['ping', { scenario: 'ping', passed, checked: true, failures, stderr: '' }]]);
}

function verdict(through: Map<string, ScenarioResult>, loss?: Loss): boolean {
  const losses = new Map(loss === undefined ? [] : [['ping', loss]]);
  return isCarried(compareHop(['ping'], results(3), through, losses), losses);
}

test('a hop through which as many checks pass as without it is green', () => {
  expect(verdict(results(3))).toBe(true);
});

test.each([
  ['one check less', results(2)],
  ['a failure beside as many checks', results(3, ['FAILURE ping: no'])],
  ['no result', results(undefined)],
])('a hop through which there is %s fails the run', (_what, through) => {
  expect(verdict(through)).toBe(false);
});

test('a loss that is known must be as large as it is known to be', () => {
  const loss = { reason: 'there is no way', checks: 1 };
  expect(verdict(results(2), loss)).toBe(true);
  expect(verdict(results(1), loss)).toBe(false);
  expect(verdict(results(3), loss)).toBe(false);
});

test('a loss of a scenario that is not there fails the run', () => {
  const losses = new Map([['pong', { reason: 'there is no way', checks: 1 }]]);
  const outcomes = compareHop(['ping'], results(3), results(3), losses);
  expect(isCarried(outcomes, losses)).toBe(false);
  expect(formatHop('run', outcomes)).toContain('run: 1/1 scenarios as without it, 3 of 3 checks');
});
