import { expect, test } from 'vitest';
import { checkHistory } from './checker.ts';
import { HistoryBuilder } from './history-builder.ts';
import { shrinkHistory } from './shrink.ts';

const options = { leaseMs: 1_000 };

test('what remains of a long history shows the same violation, and nothing that is not part of it', () => {
  const history = new HistoryBuilder();
  for (let index = 0; index < 200; index++)
    history.operation({ p: 'h0.1', op: 'call', ns: `tenant-${index % 20}` });
  history.operation({ p: 'main', op: 'login', id: 'login', ns: 'tenant-3' });
  for (let index = 0; index < 200; index++)
    history.operation({ p: 'h0.1', op: 'call', ns: `tenant-${index % 20}` });
  history.operation(
    { p: 'h1.1', op: 'call', id: 'refused', ns: 'tenant-3' },
    { k: 'fail', code: 'ERR_POSTERN_AUTH_REQUIRED' },
  );
  for (let index = 0; index < 200; index++)
    history.operation({ p: 'h0.1', op: 'call', ns: `tenant-${index % 20}` });

  const [violation] = checkHistory(history.events, options);
  const shortest = shrinkHistory(history.events, violation!, options);
  expect(shortest.map(({ op, k, id }) => `${op} ${k} ${id}`)).toEqual([
    'login invoke login',
    'login ok login',
    'call invoke refused',
    'call fail refused',
  ]);
  expect(checkHistory(shortest, options)).toEqual([violation]);
});

test('nothing is shown by what was left out: a request that was resumed does not look lost', () => {
  const history = new HistoryBuilder();
  for (const request of ['resumed', 'lost']) {
    history.operation({ p: 'h0.1', op: 'park', ns: 'alice' }, { request });
  }
  history.take('h0.1', 'alice', 'claim', 'client:alice/claim/resumed');
  history.operation({ p: 'h0.1', op: 'resume', ns: 'alice', request: 'resumed' });
  history.say('info', { p: 'main', op: 'final-continuation', id: 'resumed', ns: 'alice', status: 'done' });
  history.say('info', { p: 'main', op: 'final-continuation', id: 'lost', ns: 'alice', status: 'waiting' });
  history.say('info', { p: 'main', op: 'final' });

  const violations = checkHistory(history.events, options);
  expect(violations.map(({ id }) => id)).toEqual(['continuation lost']);
  const shortest = shrinkHistory(history.events, violations[0]!, options);
  expect(checkHistory(shortest, options).map(({ id }) => id)).toEqual(['continuation lost']);
});
