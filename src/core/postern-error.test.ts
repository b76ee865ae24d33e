import { Console } from 'node:console';
import { Writable } from 'node:stream';
import { inspect } from 'node:util';
import { describe, expect, test } from 'vitest';
import type * as PosternErrorModule from './postern-error.ts';
import { findPosternError, isPosternError, PosternError } from './postern-error.ts';

const canary = 'CNRY_token_41d8cd98';

function leaky(): Error {
  const cause = new TypeError(`refresh failed: {"refresh_token":"${canary}"}\n    at secret (${canary}:1:1)`);
  return Object.assign(cause, { body: canary, code: canary, cause: new Error(canary) });
}

function printed(value: unknown): string {
  let text = '';
  const stream = new Writable({
    write(chunk: Buffer, _encoding, done) {
      text += chunk.toString();
      done();
    },
  });
  new Console(stream, stream).error('failed', value, { value });
  return text;
}

/** Another copy of the module, as a program with two versions of the package has one. */
async function secondCopy(): Promise<typeof PosternErrorModule> {
  const url = new URL('./postern-error.ts?copy=2', import.meta.url).href;
  return import(/* @vite-ignore */ url) as Promise<typeof PosternErrorModule>;
}

describe('PosternError', () => {
  test('carries code, message, hint, cause and the facts of its code', () => {
    const cause = new Error('below');
    const error = new PosternError('ERR_POSTERN_LEASE_LOST', 'what failed', { cause, hint: 'Try again.' });
    expect(error).toBeInstanceOf(Error);
    expect(error).toMatchObject({
      name: 'PosternError',
      code: 'ERR_POSTERN_LEASE_LOST',
      hint: 'Try again.',
      cause,
    });
    expect(error.facts).toMatchObject({ retry: true, fixedBy: 'operator', http: 503 });
  });

  test('has no cause of its own when none was given', () => {
    expect('cause' in new PosternError('ERR_POSTERN_LEASE_LOST', 'lost')).toBe(false);
  });

  test('becomes JSON of name, code, message, hint and who must act, and nothing of its cause', () => {
    const error = new PosternError('ERR_POSTERN_AUTH_REVOKED', 'ended', { cause: leaky(), hint: 'Sign in.' });
    expect(JSON.parse(JSON.stringify(error))).toEqual({
      name: 'PosternError',
      code: 'ERR_POSTERN_AUTH_REVOKED',
      message: 'ended',
      hint: 'Sign in.',
      actor: 'person',
    });
    expect(
      JSON.stringify({ deep: [new PosternError('ERR_POSTERN_AUTH_REVOKED', 'ended', { cause: leaky() })] }),
    ).not.toContain(canary);
  });

  test.each([
    ['util.inspect', (error: unknown) => inspect(error, { depth: 20, showHidden: true })],
    ['util.inspect of what holds it', (error: unknown) => inspect({ a: [error] }, { depth: 20 })],
    ['console.error', printed],
    ['a template string', (error: unknown) => `${error as Error}`],
    ['stack', (error: unknown) => (error as Error).stack ?? ''],
  ])('shows no text of a cause from elsewhere through %s', (_name, show) => {
    const error = new PosternError('ERR_POSTERN_OAUTH_REQUEST_FAILED', 'the refresh failed', {
      cause: leaky(),
    });
    expect(show(error)).toContain('the refresh failed');
    expect(show(error)).not.toContain(canary);
  });

  test('prints code, hint, frames, and the type and conventional code of its causes', () => {
    const socket = Object.assign(new Error(canary), { code: 'ECONNRESET' });
    const middle = new PosternError('ERR_POSTERN_OAUTH_UNREACHABLE', 'no answer', { cause: socket });
    const text = inspect(
      new PosternError('ERR_POSTERN_AUTH_REVOKED', 'ended', { cause: middle, hint: 'Sign in.' }),
    );
    expect(text).toMatch(/^PosternError \[ERR_POSTERN_AUTH_REVOKED\]: ended\n {2}hint: Sign in\.\n {4}at /u);
    expect(text).toContain('caused by PosternError [ERR_POSTERN_OAUTH_UNREACHABLE]: no answer');
    expect(text).toContain('caused by Error [ECONNRESET]\n    at ');
  });

  test('prints a cause that is no error, or leads back to itself', () => {
    expect(inspect(new PosternError('ERR_POSTERN_LEASE_LOST', 'lost', { cause: canary }))).toContain(
      'caused by a thrown string',
    );
    const loop = new Error('a');
    loop.cause = loop;
    expect(inspect(new PosternError('ERR_POSTERN_LEASE_LOST', 'lost', { cause: loop })).length).toBeLessThan(
      50_000,
    );
  });
});

describe('isPosternError', () => {
  test('recognises an error made by another copy of the package, in both directions', async () => {
    const other = await secondCopy();
    expect(other.PosternError).not.toBe(PosternError);
    const theirs = new other.PosternError('ERR_POSTERN_LEASE_LOST', 'lost');
    const ours = new PosternError('ERR_POSTERN_LEASE_LOST', 'lost');
    expect(theirs).not.toBeInstanceOf(PosternError);
    expect(isPosternError(theirs, 'ERR_POSTERN_LEASE_LOST')).toBe(true);
    expect(other.isPosternError(ours, 'ERR_POSTERN_LEASE_LOST')).toBe(true);
    expect(findPosternError(new Error('around', { cause: theirs }))).toBe(theirs);
  });

  test('tells codes apart', () => {
    const error: unknown = new PosternError('ERR_POSTERN_LEASE_LOST', 'lost');
    expect(isPosternError(error)).toBe(true);
    expect(isPosternError(error, 'ERR_POSTERN_LEASE_TIMEOUT')).toBe(false);
  });

  test.each([
    undefined,
    null,
    'ERR_POSTERN_LEASE_LOST',
    7,
    {},
    new Error('x'),
    { name: 'PosternError', code: 'ERR_POSTERN_LEASE_LOST' },
  ])('refuses %s', (value) => {
    expect(isPosternError(value)).toBe(false);
  });
});

describe('findPosternError', () => {
  const inner = new PosternError('ERR_POSTERN_STORAGE_UNAVAILABLE', 'down');

  test('finds the outermost one through causes of other types', () => {
    const outer = new PosternError('ERR_POSTERN_AUTH_REQUIRED', 'sign in', { cause: inner });
    expect(findPosternError(inner)).toBe(inner);
    expect(findPosternError(new TypeError('a', { cause: { cause: outer } }))).toBe(outer);
  });

  test('gives up on a chain without one, a chain too long, and a chain that leads back to itself', () => {
    const loop: { cause?: unknown } = {};
    loop.cause = loop;
    let deep: unknown = inner;
    for (let depth = 0; depth < 20; depth++) deep = new Error('around', { cause: deep });
    expect([undefined, 'text', new Error('a', { cause: 'b' }), loop, deep].map(findPosternError)).toEqual([
      undefined,
      undefined,
      undefined,
      undefined,
      undefined,
    ]);
  });
});
