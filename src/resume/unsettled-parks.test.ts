import { afterEach, expect, test, vi } from 'vitest';
import { UnsettledParks } from './unsettled-parks.ts';

afterEach(() => void vi.useRealTimers());

test('each park that failed is taken up once, the oldest first', () => {
  const parks = new UnsettledParks();
  parks.add('request', '1');
  parks.add('another', '2');
  parks.add('request', '3');
  expect(['request', 'request', 'request', 'another'].map((name) => parks.take(name))).toEqual([
    '1',
    '3',
    undefined,
    '2',
  ]);
});

test('one that failed ten minutes ago is another request', () => {
  vi.useFakeTimers({ toFake: ['performance'] });
  const parks = new UnsettledParks();
  parks.add('request', '1');
  vi.advanceTimersByTime(5 * 60_000);
  parks.add('request', '2');
  vi.advanceTimersByTime(5 * 60_000);
  expect(parks.take('request')).toBe('2');
});

test('a store that is away for long fills no memory', () => {
  const parks = new UnsettledParks();
  for (let index = 0; index <= 10_000; index++) parks.add(`request ${index}`, `${index}`);
  expect([parks.take('request 0'), parks.take('request 1'), parks.take('request 10000')]).toEqual([
    undefined,
    '1',
    '10000',
  ]);
});
