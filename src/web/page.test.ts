import { createHash } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { page, type PageContent } from './page.ts';
import { html } from './html.ts';
import { pageScript } from './page-script.ts';
import { stylesheet } from './stylesheet.ts';

const content: PageContent = { tone: 'good', title: 'You are signed in', text: 'You can close this page.' };

async function textOf(change: Partial<PageContent>): Promise<string> {
  return (await page(200, { ...content, ...change })).text();
}

describe('page', () => {
  test('answers with the given status, and headers that let it run, frame, keep and tell nothing', async () => {
    const response = await page(410, content);
    expect(response.status).toBe(410);
    const style = createHash('sha256').update(stylesheet).digest('base64');
    expect(Object.fromEntries(response.headers)).toEqual({
      'content-type': 'text/html; charset=utf-8',
      'content-security-policy': `default-src 'none'; style-src 'sha256-${style}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`,
      'cache-control': 'no-store',
      'cross-origin-opener-policy': 'same-origin',
      'referrer-policy': 'no-referrer',
      'x-content-type-options': 'nosniff',
      'x-frame-options': 'DENY',
    });
  });

  test('has one style element, whose text is the one its policy names by hash', async () => {
    const response = await page(200, content);
    const styles = [...(await response.text()).matchAll(/<style>([\s\S]*?)<\/style>/gu)].map(
      ([, text]) => text ?? '',
    );
    expect(styles).toHaveLength(1);
    const hash = createHash('sha256').update(styles[0]!).digest('base64');
    expect(response.headers.get('content-security-policy')).toContain(`style-src 'sha256-${hash}'`);
  });

  test('names no other site, and asks for nothing: no URL, script, image, import or inline handler', async () => {
    const text = await textOf({
      code: 'ERR_POSTERN_PENDING_EXPIRED',
      action: { href: '/postern/connect/abc', label: 'Try again' },
    });
    expect(text).not.toMatch(/https?:|\/\/|<script|<img|<link|<iframe|<form|@import|url\(|\son\w+=|style=/iu);
  });

  test('adds the headers of its caller without giving up its own', async () => {
    const response = await page(200, content, {
      headers: { 'set-cookie': '__Host-postern-a=b', 'content-security-policy-report-only': 'x' },
    });
    expect(response.headers.get('set-cookie')).toBe('__Host-postern-a=b');
    expect(response.headers.get('content-security-policy')).toContain("default-src 'none'");
  });

  test.each([
    '</title><script>alert(1)</script>',
    '"onfocus=x autofocus',
    "'><svg onload=1>",
    '</style><script>1</script>',
  ])('shows %s as text, wherever it is put', async (text) => {
    const plain = await textOf({ code: 'x', action: { href: '/x', label: 'x' } });
    const hostile = await textOf({
      title: text,
      text,
      code: text,
      action: { href: `/?q=${text}`, label: text },
    });
    const tags = (markup: string): string[] =>
      markup.match(/<[^>]*>/gu)?.map((tag) => tag.replace(/ href="[^"]*"/u, '')) ?? [];
    expect(tags(hostile)).toEqual(tags(plain));
  });

  test.each([
    'javascript:alert(1)',
    ' JaVaScRiPt:alert(1)',
    'java\nscript:alert(1)',
    'data:text/html,<b>',
    'vbscript:x',
    'file:///etc/passwd',
    'blob:x',
    'http://[',
  ])('leaves out an action that leads to %j', async (href) => {
    const text = await textOf({ action: { href, label: 'Go on' } });
    expect(text).not.toContain('<a ');
    expect(text).not.toContain('Go on');
  });

  test.each(['https://as.example/authorize?a=1&b=2', 'http://127.0.0.1:8080/', '/connect/abc', 'abc'])(
    'offers an action that leads to %j, escaped',
    async (href) => {
      await expect(textOf({ action: { href, label: 'Go on' } })).resolves.toContain(
        `href="${href.replaceAll('&', '&amp;')}">Go on</a>`,
      );
    },
  );

  test('calls a failure an alert, to those who listen to the page', async () => {
    await expect(textOf({ tone: 'bad' })).resolves.toMatch(/<main class="bad">\s*<div role="alert">/u);
    await expect(textOf({ tone: 'plain' })).resolves.toMatch(/<main class="plain">\s*<div role="status">/u);
  });

  test('with forms lets them go to its own origin only, and has the browser say where they come from', async () => {
    const { headers } = await page(200, content, { forms: true });
    expect(headers.get('content-security-policy')).toContain("form-action 'self';");
    // Under no-referrer the page’s own forms would come with `Origin: null`.
    expect(headers.get('referrer-policy')).toBe('same-origin');
  });

  test('with a script has the one its policy names by hash, which may ask its own origin only', async () => {
    const response = await page(
      200,
      { ...content, watch: '/status', body: html`<p></p>` },
      { script: 'watch' },
    );
    const hash = createHash('sha256').update(pageScript).digest('base64');
    expect(response.headers.get('content-security-policy')).toContain(
      `script-src 'sha256-${hash}'; connect-src 'self';`,
    );
    const text = await response.text();
    expect([...text.matchAll(/<script>([\s\S]*?)<\/script>/gu)].map(([, script]) => script)).toEqual([
      pageScript,
    ]);
    expect(text).toContain('<main class="good" data-watch="/status">');
  });

  test('goes on by itself to where its link leads, and nowhere without one', async () => {
    const href = 'https://as.example/authorize?a=1&b="2"';
    const text = await textOf({ goesOn: true, action: { href, label: 'Go on' } });
    expect(text).toContain(
      '<meta http-equiv="refresh" content="0;url=https://as.example/authorize?a=1&amp;b=&quot;2&quot;" />',
    );
    await expect(textOf({ goesOn: true })).resolves.not.toContain('http-equiv');
    await expect(
      textOf({ goesOn: true, action: { href: 'javascript:alert(1)', label: 'x' } }),
    ).resolves.not.toContain('http-equiv');
    await expect(textOf({ action: { href, label: 'x' } })).resolves.not.toContain('http-equiv');
  });
});
