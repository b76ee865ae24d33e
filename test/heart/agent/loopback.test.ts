import { request } from 'node:http';
import { connect, type Socket } from 'node:net';
import { afterAll, beforeAll, describe, expect, onTestFinished, test, vi } from 'vitest';
import { openListener } from '../../../demo/open-listener.ts';
import type { LocalAuthCoordinatorOptions, SignInLink } from '../../../src/client/index.ts';
import { hashId } from '../../../src/core/random.ts';
import { codeOn, openStage, type Stage } from '../../support/stage.ts';
import { launchChromium, type ChromiumBrowser } from '../../support/chromium.ts';
import { describeWithService } from '../../support/services.ts';
import { createCookieBrowser, type CookieBrowser } from '../../support/cookie-browser.ts';
import { walk, walkToCallback, walkToIssuer } from '../walk.ts';
import { callAtTerminal } from './call-at-terminal.ts';

interface Terminal {
  readonly stage: Stage;
  readonly link: URL;
  /** The call that waits for the person. */
  readonly answer: Promise<string>;
}

/** A program at a terminal that waits for its person. */
async function openTerminal(options: LocalAuthCoordinatorOptions = {}): Promise<Terminal> {
  const stage = await openStage();
  const opened: string[] = [];
  const { answer } = callAtTerminal(stage, {
    openBrowser: (url) => Promise.resolve(opened.push(url) > 0),
    onLink: () => {},
    ...options,
  });
  await vi.waitFor(() => expect(opened).toHaveLength(1), { timeout: 10_000 });
  return { stage, link: new URL(opened[0] ?? ''), answer };
}

/** One request as any program on this machine can make it, and its answer. */
function ask(
  { port, pathname, search }: URL,
  headers: Record<string, string | string[]>,
): Promise<{ status: number | undefined; location: string | undefined }> {
  return new Promise((resolve, reject) => {
    request({ host: '127.0.0.1', port, path: pathname + search, headers }, (response) => {
      resolve({ status: response.statusCode, location: response.headers.location });
      response.resume();
    })
      .once('error', reject)
      .end();
  });
}

/** The first line of the answer to a request that no library would write. */
function askRaw({ port }: URL, lines: readonly string[]): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(Number(port), '127.0.0.1', () => socket.write(`${lines.join('\r\n')}\r\n\r\n`));
    let text = '';
    socket.setEncoding('utf8').on('data', (part: string) => {
      text += part;
      const [first = ''] = text.split('\r\n', 1);
      if (text.includes('\r\n')) {
        socket.destroy();
        resolve(first);
      }
    });
    socket.once('error', reject).once('close', () => resolve(text));
  });
}

const navigation = {
  'sec-fetch-mode': 'navigate',
  'sec-fetch-dest': 'document',
  'sec-fetch-site': 'none',
  'sec-fetch-user': '?1',
};

describe('what reaches a loopback listener', () => {
  for (const name of ['LOCALHOST', 'LocalHost']) {
    test(`${name} is this machine, however it is spelt, and leads to the name that forms are good for (issue 8.8)`, async () => {
      const { link } = await openTerminal();
      const { status, location } = await ask(link, { ...navigation, host: `${name}:${link.port}` });
      expect([status, location]).toEqual([307, link.href]);
    });
  }

  test('a link that is opened by another name of this machine leads all the way (issue 8.8)', async () => {
    const { stage, link, answer } = await openTerminal();
    stage.as.approveAs('alice');
    const page = await walk(createCookieBrowser(), link.href.replace('127.0.0.1', 'localhost'));
    expect([page.status, await answer]).toEqual([200, 'alice']);
  });

  test('a program that listens on localhost is signed in by whatever name its link is opened (issue 8.8)', async () => {
    for (const name of ['localhost', '127.0.0.1']) {
      const { stage, link, answer } = await openTerminal({ host: 'localhost' });
      expect(link.hostname).toBe('localhost');
      stage.as.approveAs('alice');
      const page = await walk(createCookieBrowser(), link.href.replace('localhost', name));
      expect([page.status, await answer]).toEqual([200, 'alice']);
    }
  });

  test('a request with two Host headers is refused (issue 8.8)', async () => {
    const { stage, link } = await openTerminal();
    const host = `Host: 127.0.0.1:${link.port}`;
    for (const hosts of [
      [host, 'Host: evil.example'],
      [host, host],
    ]) {
      const lines = [`GET ${link.pathname} HTTP/1.1`, ...hosts, 'Connection: close'];
      expect(await askRaw(link, lines)).toMatch(/^HTTP\/1\.1 4\d\d /u);
    }
    expect(stage.as.count('authorize')).toBe(0);
  });

  for (const origin of ['https://evil.example', 'http://127.0.0.1:1', 'null']) {
    test(`a link that a page of ${origin} asks for sends nobody out (issue 8.8)`, async () => {
      const { link } = await openTerminal();
      const { status, location } = await ask(link, { host: link.host, origin });
      expect([status, location]).toEqual([403, undefined]);
    });

    test(`a callback that a page of ${origin} asks for takes nothing (issue 8.8)`, async () => {
      const { stage, link, answer } = await openTerminal();
      const browser = createCookieBrowser();
      const callback = await walkToCallback(browser, link.href);
      const name = await cookieOf(link.href);
      const cookie = `${name}=${browser.findCookie(link.href, name)}`;
      const { status } = await ask(callback, { host: link.host, origin, cookie });
      expect([status, stage.as.count('token')]).toEqual([403, 0]);
      // The same request without that origin is the person's own.
      expect((await ask(callback, { host: link.host, cookie })).status).toBe(200);
      expect(await answer).toBe('user-1');
    });
  }

  for (const [what, start] of Object.entries({
    'say nothing': '',
    'send half a header': 'GET /connect/x HTTP/1.1\r\nHost: 127',
    'send half a form': 'POST /connect/x HTTP/1.1\r\nHost: 127.0.0.1:<port>\r\nContent-Length: 9\r\n\r\nx=',
  })) {
    test(`two hundred connections that ${what} keep nobody from the link (issue 8.8)`, async () => {
      const { link } = await openTerminal();
      const sockets = await Promise.all(
        Array.from(
          { length: 200 },
          () =>
            new Promise<Socket>((resolve, reject) => {
              const socket = connect(Number(link.port), '127.0.0.1', () => {
                socket.write(start.replace('<port>', link.port));
                resolve(socket);
              });
              socket.once('error', reject);
            }),
        ),
      );
      onTestFinished(() => sockets.forEach((socket) => socket.destroy()));
      for (const socket of sockets) socket.on('error', () => {});
      expect((await createCookieBrowser().open(link.href)).status).toBe(200);
    });
  }

  test('the cookie of a finished sign-in at a terminal is taken out of the browser (issue 8.8)', async () => {
    const { link, answer } = await openTerminal();
    await checkCookie(createCookieBrowser(), link.href);
    expect(await answer).toBe('user-1');
  });

  test('the cookie of a finished sign-in of a deployment is taken out of the browser (issue 8.8)', async () => {
    const stage = await openStage();
    const { url } = await stage.linkOf('alice');
    await checkCookie(await stage.host.openBrowser('alice'), url);
  });
});

/** Signs in through a link, whose cookie is there on the way and gone at the end. */
async function checkCookie(browser: CookieBrowser, link: string): Promise<void> {
  const name = await cookieOf(link);
  const callback = await walkToCallback(browser, link);
  expect(browser.findCookie(link, name)).toBeDefined();
  expect((await browser.open(callback.href)).status).toBe(200);
  expect(browser.findCookie(link, name)).toBeUndefined();
}

/** The name of the cookie that binds a browser to a link. */
async function cookieOf(link: string): Promise<string> {
  return `postern-${(await hashId(link.split('/').at(-1) ?? '')).slice(0, 16)}`;
}

describe('the first browser of a link at a terminal', () => {
  test('owns it: another browser that opens the link is sent nowhere (issue 8.31)', async () => {
    const { link } = await openTerminal();
    await walkToIssuer(createCookieBrowser(), link.href);
    const page = await createCookieBrowser().open(link.href, {
      stopBefore: ({ port }) => port !== link.port,
    });
    expect([page.status, codeOn(page)]).toEqual([403, 'ERR_POSTERN_AUTH_BROWSER_MISMATCH']);
  });

  test('owns it: another account of the machine cannot finish the sign-in as somebody else (issue 8.31)', async () => {
    const { stage, link, answer } = await openTerminal();
    const browser = createCookieBrowser();
    const callback = await walkToCallback(browser, link.href);
    stage.as.approveAs('mallory');
    await walk(createCookieBrowser(), link.href).catch(() => undefined);
    expect(stage.as.count('token')).toBe(0);
    await browser.open(callback.href);
    expect(await answer).toBe('user-1');
  });

  test('another is told since when and until when, and nothing of what is asked for', async () => {
    const { link, stage } = await openTerminal();
    await walkToIssuer(createCookieBrowser(), link.href);
    const { html } = await createCookieBrowser().open(link.href);
    expect(html.match(/<time datetime="/gu)).toHaveLength(2);
    expect(html).toContain('First opened');
    expect(html).not.toContain(new URL(stage.calendar.url).host);
  });

  test('another can end the link: the program that waits has a new one, which it opens nowhere, and the first is told', async () => {
    const links: SignInLink[] = [];
    const { link, answer } = await openTerminal({ onLink: (each) => void links.push(each) });
    const first = createCookieBrowser();
    await walkToIssuer(first, link.href);
    const second = createCookieBrowser();
    await second.open(link.href);
    const ended = await second.submit({}, 'end-link');
    expect([ended.status, ended.html.includes('The link is ended')]).toEqual([200, true]);
    await vi.waitFor(() => expect(links).toHaveLength(2), { timeout: 10_000 });
    // In no list of processes, so nobody but who reads the terminal can be there first.
    expect([links[0]!.opens, links[1]!.opens]).toEqual([true, false]);
    expect(links[1]!.url).not.toBe(link.href);
    const told = await first.open(link.href);
    expect([told.status, codeOn(told)]).toEqual([410, 'ERR_POSTERN_PENDING_SUPERSEDED']);
    expect((await walk(second, links[1]!.url)).status).toBe(200);
    expect(await answer).toBe('user-1');
  });

  test('is ended by nothing but a press of that button: no form from elsewhere, and none of another browser', async () => {
    const { link, answer } = await openTerminal();
    const first = createCookieBrowser();
    const callback = await walkToCallback(first, link.href);
    const second = createCookieBrowser();
    const { html } = await second.open(link.href);
    const token = /name="form-token" value="([^"]+)"/u.exec(html)?.[1] ?? '';
    const send = (body: string, headers: Record<string, string> = {}) =>
      fetch(link, {
        method: 'POST',
        body,
        redirect: 'manual',
        headers: { 'content-type': 'application/x-www-form-urlencoded', origin: link.origin, ...headers },
      });
    const form = `form-action=end-link&form-token=${encodeURIComponent(token)}`;
    for (const response of [
      // Without the cookie that the token is of; of another site; without a token.
      await send(form),
      await send(form, { origin: 'https://evil.example' }),
      await send('form-action=end-link'),
    ]) {
      expect(response.status).toBe(403);
      await response.body?.cancel();
    }
    expect((await first.open(callback.href)).status).toBe(200);
    expect(await answer).toBe('user-1');
  });

  test('may open it again, in another tab or after it went astray', async () => {
    const { link, answer } = await openTerminal();
    const browser = createCookieBrowser();
    await walkToIssuer(browser, link.href);
    expect((await walk(browser, link.href)).status).toBe(200);
    expect(await answer).toBe('user-1');
  });
});

await describeWithService('chromium', 'a real browser at a terminal', () => {
  let chromium: ChromiumBrowser;
  beforeAll(async () => {
    chromium = await launchChromium();
  });
  afterAll(() => chromium.close());

  test('that comes back after a form at its issuer is not taken for a page of elsewhere (issue 8.8)', async () => {
    const { stage, link, answer } = await openTerminal();
    // The issuer's own page, whose form is answered with the redirect.
    stage.as.on('authorize', async (call, standard) => {
      if (call.method === 'POST') return standard();
      const body = '<form method="post"><button>Allow</button></form>';
      return { status: 200, headers: { 'content-type': 'text/html' }, body };
    });
    const page = await chromium.newPage();
    await page.goto(link.href);
    const pressed = page.getByRole('button', { name: 'Continue' });
    if (await pressed.isVisible()) await pressed.click();
    await page.getByRole('button', { name: 'Allow' }).click();
    expect(await answer).toBe('user-1');
    expect(new URL(page.url()).host).toBe(link.host);
  });

  test('that is on a page of elsewhere sends no form to a link (issue 8.8)', async () => {
    const { stage, link } = await openTerminal();
    const form = `<form method="post" action="${link.href}"><button>Win</button></form>`;
    const elsewhere = await openListener({
      handler: () => new Response(form, { headers: { 'content-type': 'text/html' } }),
    });
    onTestFinished(() => elsewhere.close());
    const page = await chromium.newPage();
    await page.goto(elsewhere.origin);
    const sent = page.waitForResponse(link.href);
    await page.getByRole('button', { name: 'Win' }).click();
    expect((await sent).status()).toBe(403);
    expect(stage.as.count('authorize')).toBe(0);
  });
});
