import { describe, expect, test } from 'vitest';
import { errorCodes, type PosternErrorCode } from './error-codes.ts';
import { explain, type Audience } from './explain.ts';
import { PosternError } from './postern-error.ts';
import { untilAskedAgain, untilRetry } from './retry-after.ts';

const codes = Object.keys(errorCodes) as PosternErrorCode[];
const audiences: readonly Audience[] = ['person', 'model', 'operator'];
const link = 'https://bot.example/postern/connect/p-1';
const interaction = {
  pendingId: 'p-1',
  kind: 'oauth_redirect',
  url: link,
  message: 'Sign in to calendar',
  expiresAtMs: 0,
} as const;
const carriers = ['ERR_POSTERN_AUTH_REQUIRED', 'ERR_POSTERN_OOB_INTERACTION_REQUIRED'];

/** What invites somebody to type a secret where a model reads it. */
const invitation =
  /\b(?:ask|tell|have|let|request|prompt)\b[^.]*\b(?:password|api key|secret|token|credential|code)s?\b|\b(?:paste|type|enter|send|share|provide)\b[^.]*\b(?:here|chat|conversation|me)\b/iu;

describe.each(codes)('%s is explained', (code) => {
  test('to the person in plain words: no code, no jargon, and what to do next', () => {
    const words = explain(new PosternError(code, 'wire-text'), { for: 'person' });
    expect(words).toMatch(/^[A-Z][^.]+\. [A-Z].+\.$/u);
    expect(words).not.toMatch(
      /ERR_|wire-text|\b(?:oauth|token|grant|pkce|issuer|http|json|scope|client|server|session)\b/iu,
    );
  });

  test('to the model with who must act and what to do, and with no invitation to a secret', () => {
    const words = explain(new PosternError(code, 'wire-text'), { for: 'model' });
    expect(words).toMatch(/Who must act: (?:the user|whoever .+)\./u);
    expect(words).toMatch(/[Rr]epeat/u);
    expect(words).not.toMatch(/ERR_|wire-text/u);
    expect(words.replaceAll(/“[^”]*”/gu, '')).not.toMatch(invitation);
    expect(words).not.toMatch(/\b(?:paste|type) (?:it|them) (?:here|into)/iu);
  });

  test('to the operator with its code, its meaning, what was at hand, and who puts it right', () => {
    const { meaning, fixedBy } = errorCodes[code];
    const words = explain(new PosternError(code, 'wire-text', { hint: 'Do this.' }), { for: 'operator' });
    expect(words).toContain(`${code}: ${meaning}`);
    expect(words).toContain('wire-text. Do this.');
    expect(words).toMatch(new RegExp(`put right by the (?:other )?${fixedBy}`, 'u'));
  });

  test('to nobody with a link, unless it is there to carry one', () => {
    const told = audiences.map((audience) =>
      explain(Object.assign(new PosternError(code, 'm'), { interaction }), { for: audience }).includes(link),
    );
    expect(told).toEqual(carriers.includes(code) ? [true, true, false] : [false, false, false]);
  });

  test('from its JSON as from itself', () => {
    const error = new PosternError(code, 'm', { hint: 'h', evidence: { mayHaveRun: true, exit: 3 } });
    const json = JSON.stringify(error);
    for (const audience of audiences) {
      const words = explain(error, { for: audience });
      expect(explain(JSON.parse(json), { for: audience })).toBe(words);
      expect(explain(json, { for: audience })).toBe(words);
    }
  });
});

test('an error of ours is found where others have wrapped it', () => {
  const own = new PosternError('ERR_POSTERN_AUTH_REVOKED', 'm');
  const wrapped = new Error('outer', { cause: new TypeError('fetch failed', { cause: own }) });
  for (const audience of audiences)
    expect(explain(wrapped, { for: audience })).toBe(explain(own, { for: audience }));
});

test.each([
  new Error('token=CANARY'),
  new TypeError('CANARY'),
  Object.assign(new Error('x'), { name: 'CANARY is here', code: 'CANARY' }),
  'CANARY',
  '{"code":"CANARY"}',
  { code: 'toString', message: 'CANARY' },
  { code: 'ERR_POSTERN_NO_SUCH', message: 'CANARY' },
  undefined,
  null,
  7,
])('what is none of ours is explained to everybody, and not quoted: %s', (error) => {
  for (const audience of audiences) {
    const words = explain(error, { for: audience });
    expect(words).toMatch(/^[A-Z].+\.$/u);
    expect(words).not.toContain('CANARY');
  }
});

test('a call that may have been carried out is not said to be safe to repeat', () => {
  const lost = (mayHaveRun: boolean): PosternError =>
    new PosternError('ERR_POSTERN_CLIENT_CONNECTION_FAILED', 'm', { evidence: { mayHaveRun } });
  expect(explain(lost(true), { for: 'model' })).toContain('find out before you repeat it');
  expect(explain(lost(true), { for: 'person' })).toContain('look before you repeat it');
  expect(explain(lost(true), { for: 'operator' })).toContain('may have been carried out');
  expect(explain(lost(false), { for: 'model' })).toContain('You may repeat the call once');
});

test('what an error brings of a process is shown to the operator alone, and moves no cursor', () => {
  const error = new PosternError('ERR_POSTERN_CLIENT_CONNECTION_FAILED', 'm', {
    evidence: { exit: 3, stderr: 'no \u001b[31mlicence\u202e\nfound' },
  });
  expect(explain(error, { for: 'operator' })).toContain(
    'Its process ended with 3. Its last words: no \\u{1b}[31mlicence\\u{202e}\\nfound',
  );
  for (const audience of ['person', 'model'] as const)
    expect(explain(error, { for: audience })).not.toContain('licence');
});

test('JSON that somebody has made up brings no link of theirs, and no text without a bound', () => {
  const made = {
    code: 'ERR_POSTERN_AUTH_REQUIRED',
    message: 'x'.repeat(100_000),
    interaction: { url: 'javascript:alert(1)' },
    evidence: { stderr: 'y'.repeat(100_000), supportedVersions: 'no list', httpStatus: '200' },
  };
  for (const audience of audiences) {
    const words = explain(made, { for: audience });
    expect(words).not.toContain('javascript:');
    expect(words.length).toBeLessThan(6_000);
  }
});

describe('a decline of a moment ago is explained with how long nobody is asked', () => {
  const declined = new PosternError('ERR_POSTERN_AUTH_DENIED', 'm', untilAskedAgain(100_000));
  const at = (nowMs: number) => audiences.map((audience) => explain(declined, { for: audience, nowMs }));

  test('to the person, the model and the operator', () => {
    const [person, model, operator] = at(59_500);
    expect(person).toBe(
      'Access was not granted a moment ago: you declined, or your account may not have it. If you want it after all, ask for it again in 41 seconds.',
    );
    expect(model).toContain('repeat the call only if they want it after all, in 41 seconds.');
    expect(operator).toContain(
      'They are not asked again before 1970-01-01 00:01:40 UTC, unless they want that themselves.',
    );
    expect(operator).toMatch(/That is in 41 seconds\.$/u);
  });

  test('and no longer once that is over', () => {
    const [person, model, operator] = at(100_000);
    expect(person).toBe(explain(new PosternError('ERR_POSTERN_AUTH_DENIED', 'm'), { for: 'person' }));
    expect(model).not.toMatch(/seconds|moment ago/u);
    expect(operator).toMatch(/That time has come\.$/u);
  });
});

test('who asked to be left alone is said to be tried after that, for as long as it is to come', () => {
  const busy = new PosternError('ERR_POSTERN_OAUTH_UNREACHABLE', 'm', untilRetry(600_000));
  const told = (nowMs: number) => explain(busy, { for: 'person', nowMs });
  expect(told(0)).toContain('Try again in 10 minutes.');
  expect(told(599_000)).toContain('Try again in 1 second.');
  expect(told(600_000)).not.toMatch(/\bin \d/u);
});
