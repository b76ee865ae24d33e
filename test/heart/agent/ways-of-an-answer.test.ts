import { connect } from 'node:net';
import { describe, expect, test } from 'vitest';
import { findPosternError } from '../../../src/core/postern-error.ts';
import { codeOn, openStage, textOf, withParams, type Stage } from '../../support/stage.ts';
import { cookiesOf, tokenOf } from '../../support/flow-visits.ts';
import type { CookieBrowser, Page } from '../../support/cookie-browser.ts';
import { openPage, paste, refusalOf } from '../set-ups/callback-answer.ts';
import { walkToCallback } from '../walk.ts';

/** One way for an answer to come back, with everything between the person and the exchange. */
interface WayBack {
  readonly name: string;
  readonly bring: (browser: CookieBrowser, link: string, address: string) => Promise<Page>;
}

const ways: readonly WayBack[] = [
  { name: 'by the callback', bring: (browser, _link, address) => browser.open(address) },
  { name: 'pasted', bring: paste },
];

async function openComingBack(
  options: Parameters<typeof openStage>[0] = {},
): Promise<{ stage: Stage; browser: CookieBrowser; link: string; callback: URL }> {
  const stage = await openStage(options);
  const { url: link } = await stage.linkOf('alice');
  stage.as.approveAs('alice');
  const browser = await stage.host.openBrowser('alice');
  return { stage, browser, link, callback: await walkToCallback(browser, link) };
}

async function outcomeOf({ managers }: Stage, user = 'alice', host = 0): Promise<string> {
  const client = await managers[host]?.getClient(user);
  if (client === undefined) throw new RangeError('there is no such host');
  return client
    .callTool('whoami')
    .then(textOf, (error: unknown) => findPosternError(error)?.code ?? 'no code');
}

/** What must not reach a person: whoever sends it decides what a page says, or looks like one of ours. */
const hostile = [
  '<img src=x onerror=alert(1)>',
  '"><svg/onload=1>',
  "' onmouseover=1 '",
  '\0',
  '\u202E',
  'x'.repeat(10_000),
];

for (const { name, bring } of ways) {
  describe(`an answer that comes back ${name}`, () => {
    test('without a state, or with one that nobody gave out, is sent to nobody (A1, A2)', async () => {
      const { stage, browser, link, callback } = await openComingBack();
      const pages: Page[] = [];
      for (const state of [undefined, 'x'.repeat(43)])
        pages.push(await bring(browser, link, withParams(callback, { state })));
      expect(pages.map(({ status }) => status >= 400)).toEqual([true, true]);
      expect([stage.as.count('token'), await outcomeOf(stage)]).toEqual([0, 'ERR_POSTERN_AUTH_REQUIRED']);
      expect((await bring(browser, link, callback.href)).status).toBe(200);
      expect(await outcomeOf(stage)).toBe('alice');
    });

    test('of another person is told the same as one that nobody gave out, and both sign-ins go on (A2)', async () => {
      const { stage, browser, link, callback } = await openComingBack();
      const { url: theirLink } = await stage.linkOf('bob');
      const theirs = await stage.host.openBrowser('bob');
      stage.as.approveAs('bob');
      const theirCallback = await walkToCallback(theirs, theirLink);
      const foreign = await bring(browser, link, theirCallback.href);
      const unknown = await bring(browser, link, withParams(callback, { state: 'y'.repeat(32) }));
      expect([foreign.status, strip(foreign.html)]).toEqual([unknown.status, strip(unknown.html)]);
      expect(stage.as.count('token')).toBe(0);
      expect((await bring(theirs, theirLink, theirCallback.href)).status).toBe(200);
      expect((await bring(browser, link, callback.href)).status).toBe(200);
      expect([await outcomeOf(stage), await outcomeOf(stage, 'bob')]).toEqual(['alice', 'bob']);
    });

    test('fifty times at once, over two processes, is sent once (A6)', async () => {
      const { stage, browser, link, callback } = await openComingBack({ hosts: 2 });
      await openPage(browser, link);
      await Promise.all(
        Array.from({ length: 50 }, () => bring(browser, link, callback.href).catch(() => {})),
      );
      expect([stage.as.count('token'), await outcomeOf(stage)]).toEqual([1, 'alice']);
    });

    test('and says that the person declined ends the sign-in, and is sent to nobody (A7)', async () => {
      const { stage, browser, link, callback } = await openComingBack();
      await bring(browser, link, refusalOf(callback).href);
      expect([stage.as.count('token'), await outcomeOf(stage)]).toEqual([0, 'ERR_POSTERN_AUTH_DENIED']);
    });

    test('has nothing of what it describes an error with on any page, and no markup of it in any log (A8)', async () => {
      for (const text of hostile) {
        const { stage, browser, link, callback } = await openComingBack();
        const refusal = withParams(refusalOf(callback), { error_description: `described ${text}` });
        const page = await bring(browser, link, refusal);
        expect(page.html).not.toContain('described');
        expect(stage.logger.lines.filter((line) => /[<>\0\u202e]/u.test(line))).toEqual([]);
      }
    });

    test('without the issuer that always names itself, or from another, is sent to nobody (A10, A12)', async () => {
      for (const iss of [undefined, 'https://evil.example', 'http://127.0.0.1:1/']) {
        const { stage, browser, link, callback } = await openComingBack();
        const page = await bring(browser, link, withParams(callback, { iss }));
        expect([page.status, codeOn(page)]).toEqual([400, 'ERR_POSTERN_OAUTH_ISSUER_MISMATCH']);
        expect(stage.as.count('token')).toBe(0);
      }
    });

    test('to another process than the one that sent its browser out is finished there (A14)', async () => {
      const { stage, browser, link, callback } = await openComingBack({ hosts: 2 });
      const [, other] = stage.host.handlers;
      stage.host.handlers.splice(0, Infinity, other!);
      expect((await bring(browser, link, callback.href)).status).toBe(200);
      expect(await outcomeOf(stage, 'alice', 1)).toBe('alice');
    });

    test('from another browser of the same person is sent to nobody, and the first goes on (A15)', async () => {
      const { stage, browser, link, callback } = await openComingBack();
      const other = await stage.host.openBrowser('alice');
      const page = await bring(other, link, callback.href);
      expect(page.status).toBeGreaterThanOrEqual(400);
      expect([stage.as.count('token'), await outcomeOf(stage)]).toEqual([0, 'ERR_POSTERN_AUTH_REQUIRED']);
      expect((await bring(browser, link, callback.href)).status).toBe(200);
    });

    test('twice is used once (A5)', async () => {
      const { stage, browser, link, callback } = await openComingBack();
      expect((await bring(browser, link, callback.href)).status).toBe(200);
      await bring(browser, link, callback.href);
      expect([stage.as.count('token'), await outcomeOf(stage)]).toEqual([1, 'alice']);
    });

    test('with a parameter twice is sent to nobody', async () => {
      const { stage, browser, link, callback } = await openComingBack();
      const code = callback.searchParams.get('code') ?? '';
      const page = await bring(browser, link, withParams(callback, { code: [code, 'x'] }));
      expect([page.status >= 400, stage.as.count('token')]).toEqual([true, 0]);
      expect((await bring(browser, link, callback.href)).status).toBe(200);
    });
  });
}

describe('an address that is pasted', () => {
  test.each([
    ['nothing', () => '', /whole address/u],
    ['no address', () => 'I am done now', /whole address/u],
    ['an address without an answer', () => 'http://127.0.0.1/postern/callback', /whole address/u],
    ['half of one', (at: URL) => at.href.slice(0, at.href.indexOf('state=')), /whole address/u],
    [
      'the page of consent itself',
      () => 'https://as.example/authorize?client_id=c&response_type=code&state=s',
      /Consent there first/u,
    ],
    [
      'sixty thousand letters',
      () => `https://x.example/?code=c&state=${'s'.repeat(60_000)}`,
      /whole address/u,
    ],
    ['one of an older link', (at: URL) => withParams(at, { state: 'z'.repeat(32) }), /another sign-in/u],
  ])('%s is told in words what is wrong with it, and the link goes on', async (_what, mangle, words) => {
    const { stage, browser, link, callback } = await openComingBack();
    const page = await paste(browser, link, mangle(callback));
    expect([page.status, words.test(page.html)]).toEqual([422, true]);
    expect(stage.as.count('token')).toBe(0);
    expect((await paste(browser, link, callback.href)).status).toBe(200);
    expect(await outcomeOf(stage)).toBe('alice');
  });

  test.each([
    ['in lines, as a terminal breaks them', (href: string) => href.replaceAll(/(.{40})/gu, '$1\n')],
    ['in angle brackets', (href: string) => ` <${href}> `],
    ['with what follows the question mark alone', (href: string) => href.slice(href.indexOf('?'))],
    [
      'as another program has rewritten its host',
      (href: string) => href.replace(/^http:\/\/[^/]*/u, 'https://code.example/proxy/41234'),
    ],
  ])('%s is read all the same', async (_how, write) => {
    const { stage, browser, link, callback } = await openComingBack();
    expect((await paste(browser, link, write(callback.href))).status).toBe(200);
    expect(await outcomeOf(stage)).toBe('alice');
  });

  test('is in no log, on no page, and in no header', async () => {
    const { stage, browser, link, callback } = await openComingBack();
    const code = callback.searchParams.get('code') ?? '';
    const state = callback.searchParams.get('state') ?? '';
    // Going out has named the state, to the issuer alone.
    const before = stage.host.answers.length;
    await paste(browser, link, withParams(callback, { state: `${state}x` }));
    await paste(browser, link, callback.href.replace('state=', 'st='));
    await paste(browser, link, callback.href);
    const said = [
      ...stage.logger.lines,
      ...stage.host.answers.slice(before).map(({ headers, body }) => `${headers} ${body}`),
    ].filter((text) => text.includes(code) || text.includes(state));
    expect([code.length > 20, said]).toEqual([true, []]);
  });

  test.each([
    ['from a page of another site', { origin: 'https://evil.example', 'sec-fetch-site': 'cross-site' }, true],
    ['without the token of its page', {}, false],
  ])('%s takes nothing', async (_what, headers, hasToken) => {
    const { stage, browser, link, callback } = await openComingBack();
    const token = tokenOf(await openPage(browser, link));
    const response = await fetch(link, {
      method: 'POST',
      redirect: 'manual',
      headers: {
        origin: stage.host.origin,
        'sec-fetch-site': 'same-origin',
        'content-type': 'application/x-www-form-urlencoded',
        cookie: cookiesOf(stage as never, browser, 'alice'),
        ...headers,
      },
      body: new URLSearchParams({
        'form-action': 'paste',
        'pasted-address': callback.href,
        ...(hasToken && { 'form-token': token }),
      }),
    });
    expect([response.status, stage.as.count('token')]).toEqual([403, 0]);
    expect((await paste(browser, link, callback.href)).status).toBe(200);
  });

  test('whose browser goes away once it is sent is finished all the same (A19)', async () => {
    const { stage, browser, link, callback } = await openComingBack();
    const token = tokenOf(await openPage(browser, link));
    const body = new URLSearchParams({
      'form-action': 'paste',
      'pasted-address': callback.href,
      'form-token': token,
    }).toString();
    const { host, hostname, port, pathname } = new URL(link);
    const arrived = Promise.withResolvers<void>();
    const gone = Promise.withResolvers<void>();
    stage.as.on('token', async () => {
      arrived.resolve();
      await gone.promise;
      return undefined;
    });
    const socket = connect(Number(port), hostname, () =>
      socket.write(
        [
          `POST ${pathname} HTTP/1.1`,
          `Host: ${host}`,
          `Origin: ${stage.host.origin}`,
          'Sec-Fetch-Site: same-origin',
          `Cookie: ${cookiesOf(stage as never, browser, 'alice')}`,
          'Content-Type: application/x-www-form-urlencoded',
          `Content-Length: ${body.length}`,
          '',
          body,
        ].join('\r\n'),
      ),
    );
    await arrived.promise;
    socket.destroy();
    gone.resolve();
    await expect.poll(() => outcomeOf(stage), { timeout: 10_000 }).toBe('alice');
    expect(stage.as.count('token')).toBe(1);
  });
});

describe('a person who was sent out and has not come back', () => {
  test('sees the page with its other ways when they open the link again, and goes on from there', async () => {
    const { stage, browser, link } = await openComingBack();
    const page = await browser.open(link);
    expect([page.status, page.html.includes('My browser cannot come back here')]).toEqual([200, true]);
    expect(page.hops.map(({ url }) => new URL(url).pathname)).toEqual([new URL(link).pathname]);
    await walkToCallback(browser, link);
    expect(stage.as.count('authorize')).toBe(2);
  });
});

/** A page without what differs between any two. */
function strip(html: string): string {
  return html.replaceAll(/value="[^"]*"/gu, '');
}
