import { expect, test } from 'vitest';
import { errorCodes, type PosternErrorCode } from '../../core/error-codes.ts';
import { Pages } from './pages.ts';

const shown = new Pages();

const codes = Object.keys(errorCodes) as PosternErrorCode[];

test('every code has a page with its status, its name and no script', async () => {
  for (const code of codes) {
    const page = await shown.failure(code);
    const html = await page.text();
    expect(page.status, code).toBe(errorCodes[code].http);
    expect(html, code).toContain(code);
    expect(html, code).not.toContain('<script');
  }
});

test('every page is kept by nobody, framed by nobody and says nothing to the next site', async () => {
  const pages = [
    shown.failure('ERR_POSTERN_AUTH_DENIED'),
    shown.end({ status: 'completed' }),
    shown.alreadyDone(),
    shown.missing(),
    shown.elsewhere(),
  ];
  for (const { headers } of await Promise.all(pages)) {
    expect(headers.get('cache-control')).toBe('no-store');
    expect(headers.get('referrer-policy')).toBe('no-referrer');
    expect(headers.get('x-content-type-options')).toBe('nosniff');
    const policy = headers.get('content-security-policy') ?? '';
    for (const rule of [
      "default-src 'none'",
      "base-uri 'none'",
      "form-action 'none'",
      "frame-ancestors 'none'",
    ]) {
      expect(policy).toContain(rule);
    }
    expect(policy).not.toContain('unsafe');
  }
});

test('a way on is offered only where there is one, and never to a script', async () => {
  const link = 'https://bot.example/postern/connect/x';
  expect(await (await shown.failure('ERR_POSTERN_OAUTH_UNREACHABLE', { retry: link })).text()).toContain(
    `href="${link}"`,
  );
  expect(await (await shown.failure('ERR_POSTERN_OAUTH_UNREACHABLE')).text()).not.toContain('href');
  const script = 'javascript:alert(1)';
  expect(
    await (await shown.failure('ERR_POSTERN_OAUTH_UNREACHABLE', { retry: script })).text(),
  ).not.toContain('href');
});
