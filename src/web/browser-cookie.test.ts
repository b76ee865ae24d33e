import { describe, expect, test } from 'vitest';
import { hashId, randomId } from '../core/random.ts';
import { BrowserCookie } from './browser-cookie.ts';

const pendingHash = await hashId('pending-1');
const cookie = new BrowserCookie(pendingHash, true);

const request = (header?: string): Request =>
  new Request('https://bot.example/callback', header === undefined ? {} : { headers: { cookie: header } });

/** What a browser sends back of a Set-Cookie header. */
const sentBack = (setCookie: string): string => setCookie.split(';')[0] ?? '';

describe('BrowserCookie', () => {
  test('on https is a __Host- cookie that no script reads and no other site’s form sends', async () => {
    const { setCookie } = await cookie.bind(request(), 600_000);
    expect(setCookie).toMatch(
      new RegExp(
        `^__Host-postern-${pendingHash.slice(0, 16)}=[\\w-]{32}; Max-Age=600; Path=/; HttpOnly; SameSite=Lax; Secure$`,
        'u',
      ),
    );
    expect(setCookie).not.toContain('Domain');
  });

  test('on plain loopback http has neither the prefix nor Secure, which a browser would refuse there', async () => {
    const { setCookie } = await new BrowserCookie(pendingHash, false).bind(request(), 600_000);
    expect(setCookie).toMatch(/^postern-[\w-]{16}=[\w-]{32}; Max-Age=600; Path=\/; HttpOnly; SameSite=Lax$/u);
  });

  test('is recognised when it comes back, among others', async () => {
    const { setCookie, hash } = await cookie.bind(request(), 600_000);
    await expect(cookie.matches(request(`a=b; ${sentBack(setCookie)}; c=d=e`), hash)).resolves.toBe(true);
  });

  test('gives the host only a hash to remember', async () => {
    const { setCookie, hash } = await cookie.bind(request(), 600_000);
    const [, value] = sentBack(setCookie).split('=');
    expect(hash).toBe(await hashId(value!));
    expect(setCookie).not.toContain(hash);
  });

  test('keeps its value when the same browser opens the link again', async () => {
    const first = await cookie.bind(request(), 600_000);
    const second = await cookie.bind(request(sentBack(first.setCookie)), 300_000);
    expect(second.hash).toBe(first.hash);
    expect(second.setCookie).toContain('Max-Age=300;');
  });

  test('is another for another browser and for another pending', async () => {
    const mine = await cookie.bind(request(), 600_000);
    const theirs = await cookie.bind(request(), 600_000);
    expect(theirs.hash).not.toBe(mine.hash);
    const other = new BrowserCookie(await hashId('pending-2'), true);
    await expect(other.matches(request(sentBack(mine.setCookie)), mine.hash)).resolves.toBe(false);
  });

  test.each([
    ['no cookie', (): string => ''],
    ['an empty value', (name: string): string => `${name}=`],
    ['a value of another form', (name: string): string => `${name}=${'x'.repeat(31)}`],
    ['a guessed value', (name: string): string => `${name}=${randomId()}`],
    [
      'a value under a name that only begins alike',
      (name: string, value: string): string => `${name}x=${value}`,
    ],
    [
      'a value under a name without the prefix',
      (name: string, value: string): string => `${name.replace('__Host-', '')}=${value}`,
    ],
    [
      'a header too long to be read',
      (name: string, value: string): string => `a=${'x'.repeat(17_000)}; ${name}=${value}`,
    ],
  ])('does not match %s', async (_name, header) => {
    const { setCookie, hash } = await cookie.bind(request(), 600_000);
    const [name, value] = sentBack(setCookie).split('=');
    await expect(cookie.matches(request(header(name!, value!)), hash)).resolves.toBe(false);
  });

  test('replaces a planted value of another form by one of its own', async () => {
    const name = `__Host-postern-${pendingHash.slice(0, 16)}`;
    const { setCookie } = await cookie.bind(request(`${name}=planted"; Domain=evil.example`), 600_000);
    expect(setCookie).not.toContain('planted');
    expect(setCookie).not.toContain('evil');
  });

  test('never lives for no time at all', async () => {
    const lives = await Promise.all(
      [-5, 0, 1, 1_001].map(async (ms) => (await cookie.bind(request(), ms)).setCookie),
    );
    expect(lives.map((header) => /Max-Age=(\d+)/u.exec(header)?.[1])).toEqual(['1', '1', '1', '2']);
  });

  test('reads a header of 16 KiB of separators in no noticeable time', async () => {
    const started = performance.now();
    for (let index = 0; index < 100; index++) await cookie.matches(request(';= '.repeat(5_000)), 'x');
    expect(performance.now() - started).toBeLessThan(2_000);
  });

  test('has a token for forms, which is no cookie, and which no other browser or pending has', async () => {
    const mine = await cookie.bind(request(), 600_000);
    const theirs = await cookie.bind(request(), 600_000);
    const other = new BrowserCookie(await hashId('pending-2'), true);
    const { setCookie, formToken } = await other.bind(request(), 600_000);
    const both = request(`${sentBack(mine.setCookie)}; ${sentBack(setCookie)}`);
    expect(new Set([mine.formToken, theirs.formToken, formToken, mine.hash]).size).toBe(4);
    expect(mine.setCookie).not.toContain(mine.formToken);
    await expect(cookie.tookForm(both, mine.formToken)).resolves.toBe(true);
    for (const wrong of [theirs.formToken, formToken, mine.hash, '', null]) {
      await expect(cookie.tookForm(both, wrong)).resolves.toBe(false);
    }
    await expect(cookie.tookForm(request(), mine.formToken)).resolves.toBe(false);
  });
});
