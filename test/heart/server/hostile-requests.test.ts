import { randomBytes } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { callbackOf, openFlowStage, redirectFlow } from '../../support/flow-stage.ts';
import { cookiesOf, isGood, passwordFlow, post, requestAs, tokenOf } from './form-stage.ts';

const mark = 'zqj7';

/** Each holds the mark, so that it can be found again however it was rewritten. */
const texts: readonly (readonly [what: string, text: string])[] = [
  ['an image', `<img src=${mark} onerror=alert(1)>`],
  ['a script', `</title><script>${mark}</script>`],
  ['a broken attribute', `"><svg/onload=${mark}>`],
  ['an event handler', `' onmouseover=${mark} '`],
  ['a script as a link', `javascript:${mark}`],
  ['another site', `https://${mark}.example/`],
  ['another site without a scheme', `//${mark}.example`],
  ['a template', `{{${mark}}}`],
  ['another header', `x\r\nset-cookie: ${mark}=1`],
  ['a line of a log', `\n{"level":"info","user":"${mark}"}`],
  ['text that runs backwards', `\u202E${mark}\u202C`],
  ['a NUL', `${mark}\u0000`],
  ['half a surrogate pair, encoded', `${mark}%ED%A0%80`],
  ['4,000 characters', mark.repeat(1_000)],
];
const places = ['state', 'code', 'error', 'error_description', 'error_uri', 'iss', 'x'] as const;

describe('a callback', () => {
  test.each(texts)(
    'with %s in any of its parameters repeats nothing of it, anywhere',
    async (_what, text) => {
      const stage = await openFlowStage();
      const flow = redirectFlow(stage);
      const browser = await stage.host.openBrowser('alice');
      for (const place of places) {
        const { url } = await stage.linkOf('alice', flow, { resource: place });
        const callback = await callbackOf(browser, url);
        const calls = stage.as.count('token');
        if (place.startsWith('error')) callback.searchParams.delete('code');
        if (place.startsWith('error_')) callback.searchParams.set('error', 'server_error');
        callback.searchParams.set(place, text);
        const response = await stage.oob.fetch(
          new Request(callback, { headers: { cookie: cookiesOf(stage, browser, 'alice') } }),
        );
        const page = `${JSON.stringify([...response.headers])} ${await response.text()}`;
        expect(page, place).not.toContain(mark);
        expect(page.length, place).toBeLessThan(8_000);
        // A code goes where the attempt says; a wrong state or issuer sends it nowhere.
        const sent = stage.as.count('token') - calls;
        expect(sent, place).toBe(place === 'code' || place === 'x' ? 1 : 0);
      }
      expect(stage.logger.lines.join('\n')).not.toContain(mark);
    },
  );
});

describe('a link', () => {
  test('with an address to go on to leads nowhere but to where it leads without', async () => {
    const stage = await openFlowStage();
    const { url } = await stage.linkOf('alice', redirectFlow(stage));
    const names =
      'next url redirect redirect_uri redirectUri return return_to returnTo continue target to go dest';
    const values = [
      'https://evil.example/',
      '//evil.example',
      '/\\evil.example',
      'https:evil.example',
      'javascript:alert("evil")',
      'data:text/html,evil',
      'https://127.0.0.1@evil.example',
      '\tevil',
    ];
    const plain = tokenless(await (await stage.oob.fetch(requestAs('alice', url))).text());
    for (const name of names.split(' ')) {
      for (const value of values) {
        const asked = `${url}?${new URLSearchParams({ [name]: value }).toString()}`;
        const response = await stage.oob.fetch(requestAs('alice', asked));
        expect([response.status, response.headers.get('location')], asked).toEqual([200, null]);
        expect(tokenless(await response.text()), asked).toBe(plain);
      }
    }
  });

  test('that is guessed, or nearly right, is answered like any other, and writes nothing', async () => {
    const stage = await openFlowStage();
    const { url, pendingId } = await stage.linkOf('alice', passwordFlow(stage));
    const written = stage.storage.written.length;
    const near = Array.from(pendingId).flatMap((letter, at) =>
      ['A', '_', letter.toLowerCase(), letter.toUpperCase()].map(
        (other) => pendingId.slice(0, at) + other + pendingId.slice(at + 1),
      ),
    );
    const guessed = Array.from({ length: 400 }, () => randomBytes(24).toString('base64url'));
    const answers = new Set<string>();
    for (const id of [...near, ...guessed, `${pendingId}A`, pendingId.slice(1)]) {
      if (id === pendingId) continue;
      const response = await stage.oob.fetch(requestAs('alice', `${stage.host.publicUrl}/connect/${id}`));
      answers.add(`${response.status} ${response.headers.get('set-cookie')} ${await response.text()}`);
    }
    expect([...answers].map((answer) => answer.slice(0, 8))).toEqual(['404 null']);
    expect(stage.storage.written.length).toBe(written);
    expect((await stage.oob.fetch(requestAs('alice', url))).status).toBe(200);
  });

  test('beside nineteen others in one browser is finished for itself, in whatever order', async () => {
    const stage = await openFlowStage();
    const flow = redirectFlow(stage);
    const browser = await stage.host.openBrowser('alice');
    const callbacks: [string, URL][] = [];
    for (let count = 0; count < 20; count++) {
      const { url } = await stage.linkOf('alice', flow, { resource: `service-${count}` });
      callbacks.push([url, await callbackOf(browser, url)]);
    }
    for (const [url, callback] of callbacks.toSorted(([one], [other]) => one.localeCompare(other))) {
      const page = await browser.open(callback.href);
      expect([page.url, page.status, isGood(page)]).toEqual([url, 200, true]);
    }
    expect(await stage.oob.credentials.list(await stage.principal('alice'))).toHaveLength(20);
  });
});

describe('a form', () => {
  test('that is forged in any way is refused, and the true one is still taken', async () => {
    const stage = await openFlowStage();
    const flow = passwordFlow(stage);
    const { url } = await stage.linkOf('alice', flow);
    const { url: otherUrl } = await stage.linkOf('alice', flow, { resource: 'elsewhere' });
    const browser = await stage.host.openBrowser('alice');
    const token = tokenOf(await browser.open(url));
    const cookie = cookiesOf(stage, browser, 'alice');
    const second = await stage.host.openBrowser('alice');
    const secondToken = tokenOf(await second.open(url));
    const otherToken = tokenOf(await browser.open(otherUrl));
    const { origin } = stage.host;
    const port = new URL(origin).port;

    const tokens = [
      undefined,
      '',
      secondToken,
      otherToken,
      token.toLowerCase(),
      token.slice(1),
      `${token}A`,
      ` ${token}`,
    ];
    const origins = [
      'https://evil.example',
      'null',
      `${origin}.evil.example`,
      `${origin}0`,
      origin.replace('http:', 'https:'),
      origin.replace(`:${port}`, ''),
      origin.replace('127.0.0.1', 'localhost'),
      `${origin}, https://evil.example`,
    ];
    const sites = ['cross-site', 'same-site', 'none', 'same-origin, cross-site'];
    const cookies = [
      'app-user=alice',
      cookiesOf(stage, second, 'alice').replaceAll(/postern-/gu, 'postern-x'),
      '',
    ];
    const types = ['text/plain', 'multipart/form-data; boundary=x', 'application/json', ''];

    const statuses = new Map<number, number>();
    const forge = async (
      given: string | undefined,
      headers: Readonly<Record<string, string>>,
    ): Promise<void> => {
      const fields = { ...(given !== undefined && { 'form-token': given }), password: 'forged' };
      const sent = await post(url, fields, { cookie, ...headers });
      await sent.body?.cancel();
      statuses.set(sent.status, (statuses.get(sent.status) ?? 0) + 1);
    };
    // Each is wrong in one way, with each of the others right and with each token.
    for (const given of tokens) await forge(given, {});
    for (const given of [token, ...tokens]) {
      for (const from of origins) await forge(given, { origin: from });
      for (const site of sites) await forge(given, { 'sec-fetch-site': site });
      for (const held of cookies) await forge(given, { cookie: held });
      for (const type of types) await forge(given, { 'content-type': type });
    }
    expect([...statuses.keys()].filter((status) => ![401, 403, 404, 415].includes(status))).toEqual([]);
    expect([...statuses.values()].reduce((sum, count) => sum + count, 0)).toBe(179);
    const principal = await stage.principal('alice');
    expect(await stage.oob.credentials.list(principal)).toEqual([]);
    const sent = await post(url, { 'form-token': token, password: 'true' }, { cookie });
    expect(sent.status).toBe(303);
    expect(await stage.oob.credentials.acquire(principal, { resource: 'calendar.example', flow })).toEqual({
      password: 'true',
    });
  });
});

/** A page without what each browser has of its own. */
function tokenless(html: string): string {
  return html.replaceAll(/name="form-token" value="[^"]+"/gu, '');
}
