import { expect, test } from 'vitest';
import { backends, namespaceNames, planSchedule, type ScheduleOptions } from './schedule.ts';

const options: ScheduleOptions = {
  seed: 7,
  seconds: 60,
  backend: 'redis',
  hosts: 3,
  namespaces: 200,
  leaseMs: 1_500,
  operationsPerSecond: 40,
};

const planned = (changes: Partial<ScheduleOptions> = {}): string => {
  const schedule = planSchedule({ ...options, ...changes });
  const { operations, faults } = schedule;
  const people = namespaceNames(20).map((ns) => [schedule.personOf(ns, 0), schedule.personOf(ns, 1)]);
  return JSON.stringify({ operations, faults, people });
};

test('the same seed plans the same work, the same faults and the same people', () => {
  expect(planned()).toBe(planned());
  expect(planned({ seed: 8 })).not.toBe(planned());
});

test('a longer run begins as a shorter one does', () => {
  const long = planSchedule(options);
  const short = planSchedule({ ...options, seconds: 20 });
  expect(long.operations.slice(0, short.operations.length)).toEqual(short.operations);
  expect(long.faults.slice(0, short.faults.length)).toEqual(short.faults);
});

test.each(backends)('a minute on %s has every fault that can be done to it', (backend) => {
  const { faults } = planSchedule({ ...options, backend, seconds: 300 });
  const kinds = [...new Set(faults.map(({ kind }) => kind))].toSorted();
  const ofNetwork = ['store-black-hole', 'store-cut', 'store-cut-reply', 'store-delay', 'store-refuse'];
  const always = [
    'clock',
    'corrupt-record',
    'freeze',
    'kill',
    'store-restart',
    'web-black-hole',
    'web-cut-reply',
  ];
  expect(kinds).toEqual([...always, ...(backend === 'sqlite' ? [] : ofNetwork)].toSorted());
});

test('who is frozen stays so for longer than a lease', () => {
  const freezes = planSchedule(options).faults.filter(({ kind }) => kind === 'freeze');
  expect(freezes.length).toBeGreaterThan(0);
  expect(freezes.every(({ lengthMs }) => lengthMs > options.leaseMs)).toBe(true);
});

test('every namespace has a name of its own', () => {
  expect(new Set(namespaceNames(200)).size).toBe(200);
});
