import { describe, expect, test } from 'vitest';
import type { Grant } from '../../oauth/grant-record.ts';
import { grantFacts, grantState } from './grant-life.ts';

const issuedMs = 1_700_000_000_000;
const hourMs = 3_600_000;
const dayMs = 24 * hourMs;

const grantOf = (more: Partial<Grant>): Grant => ({
  accessToken: 'at',
  tokenType: 'bearer',
  refreshToken: 'rt',
  issuer: 'https://as.example',
  tokenEndpoint: 'https://as.example/token',
  client: {
    issuer: 'https://as.example',
    clientId: 'c',
    tokenEndpointAuthMethod: 'none',
    source: 'dynamic',
    redirectUris: [],
  },
  resource: 'https://mcp.example',
  obtainedAtMs: issuedMs,
  ...more,
});

/** How long before its end a grant is renewed, to the second. */
function aheadSeconds(grant: Grant, endMs: number, more: { learnedLifetimeMs?: number } = {}): number {
  for (let nowMs = issuedMs; nowMs < endMs; nowMs += 1_000)
    if (grantState({ grant, nowMs, ...more }) === 'due') return (endMs - nowMs) / 1_000;
  return 0;
}

describe('when a grant is renewed', () => {
  const expiresAtMs = issuedMs + hourMs;

  test('of a hundred given out at once each has its own time, one to five minutes ahead of the end', () => {
    const ahead = Array.from({ length: 100 }, (_, index) =>
      aheadSeconds(grantOf({ accessToken: `at-${index}`, expiresAtMs }), expiresAtMs),
    );
    expect(Math.min(...ahead)).toBeGreaterThanOrEqual(60);
    expect(Math.max(...ahead)).toBeLessThanOrEqual(301);
    const inEachMinute = [1, 2, 3, 4].map(
      (minute) => ahead.filter((s) => Math.floor(s / 60) === minute).length,
    );
    expect(Math.min(...inEachMinute)).toBeGreaterThan(10);
  });

  test('one grant has the same time wherever it is read', () => {
    const stored = JSON.stringify(grantOf({ accessToken: 'at-7', expiresAtMs }));
    const times = [1, 2, 3].map(() => aheadSeconds(JSON.parse(stored) as Grant, expiresAtMs));
    expect(new Set(times).size).toBe(1);
  });

  test('what its text gives less is renewed by that, and sent all the same until its stated end', () => {
    const grant = grantOf({ expiresAtMs, likelyEndMs: issuedMs + hourMs / 2 });
    expect(aheadSeconds(grant, issuedMs + hourMs / 2)).toBeGreaterThanOrEqual(60);
    expect(grantState({ grant, nowMs: issuedMs + hourMs - 1 })).toBe('due');
  });

  test('what is only likely to have ended and cannot be renewed is good', () => {
    const grant = grantOf({ refreshToken: undefined, likelyEndMs: issuedMs + hourMs });
    expect(grantState({ grant, nowMs: issuedMs + dayMs })).toBe('good');
  });

  test('one that does not say how long it lasts is renewed ahead of what those before it lasted', () => {
    const nowMs = issuedMs + 58 * 60_000;
    expect(grantState({ grant: grantOf({}), nowMs })).toBe('good');
    expect(
      aheadSeconds(grantOf({}), issuedMs + hourMs, { learnedLifetimeMs: hourMs }),
    ).toBeGreaterThanOrEqual(60);
  });

  test('one that does say is not renewed by what others lasted', () => {
    const view = { grant: grantOf({ expiresAtMs }), nowMs: issuedMs + hourMs / 2 };
    expect(grantState({ ...view, learnedLifetimeMs: 60_000 })).toBe('good');
  });

  test('a machine’s needs no refresh token to be renewed', () => {
    const view = { grant: grantOf({ refreshToken: undefined, expiresAtMs }), nowMs: expiresAtMs - 30_000 };
    expect([grantState(view), grantState({ ...view, needsNobody: true })]).toEqual(['good', 'due']);
  });

  test('with a refresh token that has ended by its own account it is not', () => {
    const grant = grantOf({ expiresAtMs, refreshExpiresAtMs: expiresAtMs - 40_000 });
    expect(grantState({ grant, nowMs: expiresAtMs - 30_000 })).toBe('good');
  });
});

describe('what is said of a grant before its person is needed', () => {
  const expiresAtMs = issuedMs + hourMs;
  const conditionAt = (grant: Grant, afterMs: number): string =>
    grantFacts({ grant, nowMs: issuedMs + afterMs }).condition;

  test.each([
    [86 * dayMs, 'good'],
    [87.5 * dayMs, 'expiring'],
    [90 * dayMs, 'over'],
  ])('with a refresh token of ninety days, after %i ms: %s', (afterMs, condition) => {
    const grant = grantOf({
      expiresAtMs: issuedMs + 100 * dayMs,
      refreshedAtMs: issuedMs + 80 * dayMs,
      refreshExpiresAtMs: issuedMs + 90 * dayMs,
    });
    // Past the end of its refresh token it is good for as long as its access token.
    expect(conditionAt(grant, afterMs)).toBe(condition === 'over' ? 'good' : condition);
  });

  test('a refresh token of half an hour that every refresh extends is no cause for alarm', () => {
    const refreshedAtMs = issuedMs + 10 * dayMs;
    const grant = grantOf({
      expiresAtMs: refreshedAtMs + 300_000,
      refreshedAtMs,
      refreshIssuedAtMs: refreshedAtMs,
      refreshExpiresAtMs: refreshedAtMs + hourMs / 2,
    });
    expect(conditionAt(grant, 10 * dayMs + 60_000)).toBe('good');
    expect(conditionAt(grant, 10 * dayMs + 28 * 60_000)).toBe('expiring');
  });

  test('without a refresh token its person is needed when it ends', () => {
    const grant = grantOf({ refreshToken: undefined, expiresAtMs });
    expect(grantFacts({ grant, nowMs: issuedMs })).toMatchObject({
      condition: 'good',
      renewable: false,
      personNeededAtMs: expiresAtMs,
    });
    expect(conditionAt(grant, hourMs - 60_000)).toBe('expiring');
    expect(conditionAt(grant, hourMs)).toBe('over');
  });

  test('of what is replaced without anybody nothing is ever said', () => {
    const grant = grantOf({ refreshToken: undefined, expiresAtMs });
    expect(grantFacts({ grant, nowMs: expiresAtMs, needsNobody: true })).toMatchObject({
      condition: 'good',
      renewable: true,
      personNeededAtMs: undefined,
    });
  });

  test('nothing of it is a token', () => {
    const grant = grantOf({ accessToken: 'CNRY-at', refreshToken: 'CNRY-rt', expiresAtMs, subject: 's' });
    expect(JSON.stringify(grantFacts({ grant, nowMs: issuedMs }))).not.toContain('CNRY');
  });
});
