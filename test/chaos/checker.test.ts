import { describe, expect, test } from 'vitest';
import { checkBlindSpots } from './check-blind-spots.ts';
import { checkHistory, countNames, countViolations, type CountName } from './checker.ts';
import { HistoryBuilder } from './history-builder.ts';

const leaseMs = 1_000;
const a = 'h0.1';
const b = 'h1.1';
const ns = 'alice';
const lease = 'client:alice/renewing/web';
const claim = 'client:alice/claim/parked';
const continuation = 'client:alice/continuation/parked';

/** The counts that are not zero. */
function countsOf({ events }: HistoryBuilder): Partial<Record<CountName, number>> {
  const counts = countViolations(checkHistory(events, { leaseMs }));
  return Object.fromEntries(Object.entries(counts).filter(([, count]) => count > 0));
}

const history = (): HistoryBuilder => new HistoryBuilder();

test('every count is zero in a history of nothing', () => {
  expect(countViolations(checkHistory([], { leaseMs }))).toEqual(
    Object.fromEntries(countNames.map((name) => [name, 0])),
  );
});

describe('a double consumption', () => {
  test('is one version that was replaced twice', () => {
    const change = {
      key: 'client:alice/pending/x',
      kind: 'pending' as const,
      expect: 'v1',
      status: 'pending',
    };
    const once = history().commit(a, ns, { ...change, version: 'v2' });
    expect(countsOf(once)).toEqual({});
    expect(countsOf(once.commit(b, ns, { ...change, version: 'v3' }))).toEqual({ doubleConsumptions: 1 });
  });

  test('is an attempt that was taken twice, whatever was replaced', () => {
    const change = { key: 'client:alice/attempt/x', kind: 'attempt' as const, status: 'taken' };
    const once = history().commit(a, ns, { ...change, expect: 'v1', version: 'v2' });
    expect(countsOf(once)).toEqual({});
    expect(countsOf(once.commit(b, ns, { ...change, expect: 'v2', version: 'v3' }))).toEqual({
      doubleConsumptions: 1,
    });
  });

  test('is a pending that ended twice', () => {
    const change = { key: 'client:alice/pending/x', kind: 'pending' as const };
    const once = history().commit(a, ns, { ...change, expect: 'v1', version: 'v2', status: 'completed' });
    expect(countsOf(once)).toEqual({});
    const twice = once.commit(b, ns, { ...change, expect: 'v2', version: 'v3', status: 'cancelled' });
    expect(countsOf(twice)).toEqual({ doubleConsumptions: 1 });
  });

  test('is a code that was presented twice', () => {
    const once = history().say('info', { p: 'main', op: 'as-exchange', id: '1', ns, token: 'code' });
    expect(countsOf(once)).toEqual({});
    expect(countsOf(once.say('info', { p: 'main', op: 'as-exchange', id: '2', ns, token: 'code' }))).toEqual({
      doubleConsumptions: 1,
    });
  });

  test('is not a commit that nobody was told of', () => {
    const change = {
      key: 'client:alice/attempt/x',
      kind: 'attempt' as const,
      status: 'taken',
      expect: 'v1',
      version: 'v2',
    };
    const unknown = history().commit(a, ns, change).operation({ p: b, op: 'commit', ns }, { k: 'fail' });
    expect(countsOf(unknown)).toEqual({});
  });
});

describe('a double refresh', () => {
  const grant = { key: 'client:alice/credential/web', kind: 'grant' as const };

  test('is a token that was redeemed again after its successor was saved', () => {
    const found = history()
      .take(a, ns, 'refresh-lease', lease)
      .refresh(a, ns, 't1', 't2')
      .commit(a, ns, { ...grant, expect: 'v1', version: 'v2', token: 't2' })
      .giveBack(a, ns, 'refresh-lease', lease)
      .take(b, ns, 'refresh-lease', lease)
      .refresh(b, ns, 't1', 't3');
    expect(countsOf(found)).toEqual({ doubleRefreshes: 1 });
  });

  test('is a token that two processes redeem, each under a lease', () => {
    const found = history()
      .take(a, ns, 'refresh-lease', lease)
      .refresh(a, ns, 't1', 't2')
      .wait(300)
      .take(b, ns, 'refresh-lease', lease)
      .refresh(b, ns, 't1', 't3');
    expect(countsOf(found)).toEqual({ doubleRefreshes: 1 });
  });

  test('is a token that is redeemed again without a lease', () => {
    const found = history()
      .take(a, ns, 'refresh-lease', lease)
      .refresh(a, ns, 't1', 't2')
      .refresh(b, ns, 't1', 't3');
    expect(countsOf(found)).toEqual({ doubleRefreshes: 1 });
  });

  test('is not one that follows when the lease of a killed process has run out', () => {
    const found = history()
      .take(a, ns, 'refresh-lease', lease)
      .refresh(a, ns, 't1', 't2')
      .kill(a)
      .wait(leaseMs)
      .take(b, ns, 'refresh-lease', lease)
      .refresh(b, ns, 't1', 't3');
    expect(countsOf(found)).toEqual({});
  });

  test('is not one that follows when the first failed', () => {
    const found = history().take(a, ns, 'refresh-lease', lease);
    found.say('invoke', { p: a, op: 'refresh', id: 'r', request: 'r', token: 't1' });
    found.say('ok', {
      p: 'main',
      op: 'as-refresh',
      id: 'r',
      request: 'r',
      ns,
      token: 't1',
      successor: 't2',
      host: a,
    });
    found.say('fail', { p: a, op: 'refresh', id: 'r', request: 'r', token: 't1', code: 'unreachable' });
    found
      .giveBack(a, ns, 'refresh-lease', lease)
      .take(b, ns, 'refresh-lease', lease)
      .refresh(b, ns, 't1', 't3');
    expect(countsOf(found)).toEqual({});
  });

  test('is not two tokens, each redeemed once', () => {
    const found = history()
      .take(a, ns, 'refresh-lease', lease)
      .refresh(a, ns, 't1', 't2')
      .giveBack(a, ns, 'refresh-lease', lease)
      .take(b, ns, 'refresh-lease', lease)
      .refresh(b, ns, 't2', 't3');
    expect(countsOf(found)).toEqual({});
  });
});

describe('a lost grant', () => {
  const login = { p: 'main', op: 'login', ns };
  const asked = { k: 'fail', code: 'ERR_POSTERN_AUTH_REQUIRED' } as const;

  test('is one that the authorization server ended because a dead token came', () => {
    expect(
      countsOf(history().take(a, ns, 'refresh-lease', lease).refresh(a, ns, 't1', undefined, true)),
    ).toEqual({
      lostGrants: 1,
    });
    // Of a grant that somebody ended on purpose.
    expect(countsOf(history().take(a, ns, 'refresh-lease', lease).refresh(a, ns, 't1', undefined))).toEqual(
      {},
    );
  });

  test('is a call that needs a login after one', () => {
    const signedIn = history().operation(login).wait(10);
    expect(countsOf(signedIn)).toEqual({});
    expect(countsOf(signedIn.operation({ p: a, op: 'call', ns }, asked))).toEqual({ lostGrants: 1 });
  });

  test('is not a call before the login, after a logout, or of another tenant', () => {
    const found = history()
      .operation({ p: a, op: 'call', ns }, asked)
      .operation(login)
      .wait(10)
      .operation({ p: a, op: 'call', ns: 'bob' }, asked)
      .operation({ p: b, op: 'logout', ns })
      .wait(10)
      .operation({ p: a, op: 'call', ns }, asked);
    expect(countsOf(found)).toEqual({});
  });

  test('is not a call beside a logout, however long that takes, or that was killed', () => {
    const found = history().operation(login).wait(10).say('invoke', { p: b, op: 'logout', id: 'l', ns });
    expect(countsOf(found.wait(10).operation({ p: a, op: 'call', ns }, asked).kill(b))).toEqual({});
    expect(
      countsOf(found.wait(10).operation(login).wait(10).operation({ p: a, op: 'call', ns }, asked)),
    ).toEqual({
      lostGrants: 1,
    });
  });

  test('is a last call that fails, whatever the error', () => {
    const found = history().operation(login).wait(10);
    found.operation({ p: a, op: 'call', ns }, { k: 'fail', code: 'ERR_POSTERN_STORAGE_UNAVAILABLE' });
    expect(countsOf(found)).toEqual({});
    found.operation({ p: a, op: 'final-call', ns }, { k: 'fail', code: 'ERR_POSTERN_STORAGE_UNAVAILABLE' });
    expect(countsOf(found)).toEqual({ lostGrants: 1 });
  });
});

describe('a lost continuation', () => {
  const park = { p: a, op: 'park', ns };
  const parked = (): HistoryBuilder => history().operation(park, { request: 'parked' });
  const resume = { p: b, op: 'resume', ns, request: 'parked' };
  const final = (found: HistoryBuilder, status?: string): HistoryBuilder => {
    if (status !== undefined)
      found.say('info', { p: 'main', op: 'final-continuation', id: 'parked', ns, status });
    return found.say('info', { p: 'main', op: 'final' });
  };

  test('is one that was acknowledged and is neither done nor given up at the end', () => {
    expect(countsOf(final(parked(), 'waiting'))).toEqual({ lostContinuations: 1 });
    expect(countsOf(final(parked(), 'running'))).toEqual({ lostContinuations: 1 });
    expect(countsOf(final(parked()))).toEqual({ lostContinuations: 1 });
    expect(countsOf(final(parked(), 'abandoned'))).toEqual({});
  });

  test('is one that is done although nobody resumed it', () => {
    expect(countsOf(final(parked(), 'done'))).toEqual({ lostContinuations: 1 });
    const failed = parked().take(b, ns, 'claim', claim).operation(resume, { k: 'fail' });
    expect(countsOf(final(failed, 'done'))).toEqual({ lostContinuations: 1 });
    const resumed = parked().take(b, ns, 'claim', claim).operation(resume);
    expect(countsOf(final(resumed, 'done'))).toEqual({});
  });

  test('is not one whose caller was told that it is not parked', () => {
    expect(
      countsOf(final(history().operation(park, { k: 'fail', code: 'ERR_POSTERN_STORAGE_UNAVAILABLE' }))),
    ).toEqual({});
  });
});

describe('a doubled continuation', () => {
  const run = (p: string): { p: string; op: string; ns: string; request: string } => ({
    p,
    op: 'resume',
    ns,
    request: 'parked',
  });
  const done = {
    key: continuation,
    kind: 'continuation' as const,
    expect: 'v1',
    version: 'v2',
    status: 'done',
  };

  test('is one that runs in two processes, each under a claim', () => {
    const found = history()
      .take(a, ns, 'claim', claim)
      .operation(run(a))
      .take(b, ns, 'claim', claim)
      .operation(run(b));
    expect(countsOf(found)).toEqual({ doubledContinuations: 1 });
  });

  test('is one that runs again after it was done', () => {
    const found = history()
      .take(a, ns, 'claim', claim)
      .operation(run(a))
      .commit(a, ns, done)
      .giveBack(a, ns, 'claim', claim)
      .take(b, ns, 'claim', claim)
      .operation(run(b));
    expect(countsOf(found)).toEqual({ doubledContinuations: 1 });
  });

  test('is one that runs again without a claim, also when it is given up', () => {
    const found = history()
      .take(a, ns, 'claim', claim)
      .operation(run(a))
      .operation({ ...run(b), op: 'abandon' });
    expect(countsOf(found)).toEqual({ doubledContinuations: 1 });
  });

  test('is not one that runs again because it failed', () => {
    const found = history()
      .take(a, ns, 'claim', claim)
      .operation(run(a), { k: 'fail' })
      .giveBack(a, ns, 'claim', claim)
      .take(b, ns, 'claim', claim)
      .operation(run(b));
    expect(countsOf(found)).toEqual({});
  });

  test('is not one that runs again when the claim of a process that was killed, or frozen, has run out', () => {
    for (const lose of ['kill', 'freeze'] as const) {
      const found = history()
        .take(a, ns, 'claim', claim)
        .say('invoke', { ...run(a), id: 'r' });
      if (lose === 'kill') found.kill(a);
      else found.freeze(a, 2 * leaseMs);
      found.wait(leaseMs).take(b, ns, 'claim', claim).operation(run(b));
      expect(countsOf(found)).toEqual({});
    }
  });
});

describe('a stuck wait', () => {
  const wait = { p: a, op: 'wait', ns, id: 'w', limitMs: 1_000 };

  test('is one that ends late, never, or twice', () => {
    expect(countsOf(history().operation(wait, { ms: 2_500 }))).toEqual({ stuckWaits: 1 });
    expect(countsOf(history().say('invoke', wait))).toEqual({ stuckWaits: 1 });
    expect(
      countsOf(
        history()
          .operation(wait)
          .say('ok', { ...wait, limitMs: undefined }),
      ),
    ).toEqual({ stuckWaits: 1 });
  });

  test('is not one that ends in its time, with whatever error', () => {
    expect(countsOf(history().operation(wait, { ms: 1_500, k: 'fail' }))).toEqual({});
  });

  test('is not one whose process was killed, or frozen for the rest', () => {
    expect(countsOf(history().say('invoke', wait).wait(500).kill(a).wait(10_000).kill(b))).toEqual({});
    expect(countsOf(history().freeze(a, 1_500).operation(wait, { ms: 2_500 }))).toEqual({});
  });
});

test('a canary of another tenant is counted, wherever it turns up', () => {
  expect(countsOf(history().operation({ p: a, op: 'call', ns }, { owner: ns }))).toEqual({});
  expect(countsOf(history().operation({ p: a, op: 'call', ns }, { owner: 'bob' }))).toEqual({
    crossTenantCanaries: 1,
  });
  expect(
    countsOf(history().operation({ p: a, op: 'resume', ns, request: 'x' }, { owner: 'nobody' })),
  ).toEqual({
    crossTenantCanaries: 1,
  });
});

test('a process that ended by itself is counted, and one that was killed is not', () => {
  const killed = history().kill(a);
  expect(countsOf(killed)).toEqual({});
  expect(
    countsOf(killed.say('info', { p: 'main', op: 'crash', id: b, host: b, what: 'exit code 1' })),
  ).toEqual({ crashes: 1 });
});

test('a secret that was found is counted', () => {
  const found = history().say('info', { p: 'main', op: 'secret', id: 'h0.log', what: 'a token or code' });
  expect(countsOf(found)).toEqual({ secretsInLogs: 1 });
});

describe('a blind spot', () => {
  const blindSpotsOf = ({ events }: HistoryBuilder): number => checkBlindSpots(events).length;
  const login = (): HistoryBuilder => history().operation({ p: 'main', op: 'login', ns });

  test('is something that happened, and of which no record is in the log', () => {
    expect(blindSpotsOf(login())).toBe(3);
    expect(blindSpotsOf(history().refresh(a, ns, 't1', 't2'))).toBe(2);
  });

  test('is not what the log tells of, and not what failed', () => {
    const seen = login();
    for (const kind of ['attempt', 'pending', 'grant'] as const)
      seen.commit(a, ns, { key: `client:alice/${kind}/x`, kind, expect: 'absent', version: 'v1' });
    expect(blindSpotsOf(seen)).toBe(0);
    expect(blindSpotsOf(history().refresh(a, ns, 't1', undefined))).toBe(0);
  });
});
