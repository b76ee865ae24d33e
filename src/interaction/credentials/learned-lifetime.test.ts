import { expect, test } from 'vitest';
import { learnedLifetime } from './learned-lifetime.ts';

const minuteMs = 60_000;
const stored = (learnedLifetimeMs?: number) => ({
  kind: 'oauth_grant',
  scopes: [],
  obtainedAtMs: 0,
  renewedAtMs: 100 * minuteMs,
  learnedLifetimeMs,
  credential: {},
});
const learnt = (known: number | undefined, cause: 'refused' | 'due' | 'over', ageMs: number) =>
  learnedLifetime(stored(known), cause, 100 * minuteMs + ageMs).learnedLifetimeMs;

test('what is refused has lasted from when it was issued', () => {
  expect(learnt(undefined, 'refused', 60 * minuteMs)).toBe(60 * minuteMs);
});

test('a refusal in the first minute teaches nothing', () => {
  expect([learnt(undefined, 'refused', 59_999), learnt(5 * minuteMs, 'refused', 59_999)]).toEqual([
    undefined,
    5 * minuteMs,
  ]);
});

test('what nobody used for a night does not make the lifetime longer', () => {
  expect(learnt(60 * minuteMs, 'refused', 8 * 60 * minuteMs)).toBe(60 * minuteMs);
});

test('one that ended early once is not renewed early for ever', () => {
  let lifetimeMs = learnt(60 * minuteMs, 'refused', 2 * minuteMs);
  expect(lifetimeMs).toBe(2 * minuteMs);
  for (let renewals = 0; renewals < 40; renewals++) lifetimeMs = learnt(lifetimeMs, 'due', 0);
  expect(lifetimeMs).toBeGreaterThan(60 * minuteMs);
});
