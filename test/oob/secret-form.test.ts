import { describe, expect, test } from 'vitest';
import { openFlowStage, titleOf } from '../support/flow-stage.ts';
import {
  acquire,
  codeOf,
  cookiesOf,
  formFlow,
  leaks,
  post,
  secret,
  tokenOf,
} from '../support/flow-visits.ts';

describe('a secret form', () => {
  test('keeps what was entered, to the byte, and shows it to nobody again', async () => {
    const stage = await openFlowStage();
    const flow = formFlow(stage);
    const waiting = Array.from({ length: 3 }, () => acquire(stage, 'alice', flow, 10_000));
    const { url } = await stage.linkOf('alice', flow);
    const browser = await stage.host.openBrowser('alice');
    await browser.open(url);
    const done = await browser.submit(
      { host: 'db.example', password: secret, key: 'CNRYzsecretz-line 1\r\nline 2\r\n' },
      'save',
    );
    expect([done.status, titleOf(done), done.url]).toEqual([200, 'Done', url]);
    const kept = { host: 'db.example', password: secret, key: 'CNRYzsecretz-line 1\nline 2\n' };
    expect(await Promise.all(waiting)).toEqual([kept, kept, kept]);
    expect(await acquire(stage, 'alice', flow)).toEqual(kept);
    expect(leaks(stage)).toEqual([]);
  });

  test('that another user opens is refused, with their answer as with any other, and nothing is kept', async () => {
    const stage = await openFlowStage();
    const flow = formFlow(stage);
    const { url } = await stage.linkOf('alice', flow);
    const mallory = await stage.host.openBrowser('mallory');
    for (const address of [url, `${url}/status`, `${url}?user=alice`, `${url}/callback?state=x`]) {
      expect((await mallory.open(address)).status).toBe(404);
    }
    const own = await stage.linkOf('mallory', flow);
    await mallory.open(own.url);
    const { html } = await mallory.open(own.url);
    const token = /name="form-token" value="([^"]+)"/u.exec(html)?.[1] ?? '';
    const sent = await post(
      stage,
      url,
      { 'form-token': token, password: secret },
      { cookie: cookiesOf(stage, mallory, 'mallory') },
    );
    expect(sent.status).toBe(404);
    expect(await codeOf(acquire(stage, 'alice', flow))).toBe('ERR_POSTERN_OOB_INTERACTION_REQUIRED');
    expect((await (await stage.host.openBrowser()).open(url)).status).toBe(401);
  });

  test.each([
    ['no token', { token: undefined }, 403],
    ['the token of another pending', { token: 'other' }, 403],
    ['the right token in another browser', { cookie: 'none' }, 403],
    ['the right token from another site', { origin: 'https://evil.example' }, 403],
    ['the right token from an opaque origin', { origin: 'null' }, 403],
    ['the right token, but multipart', { type: 'multipart/form-data; boundary=x' }, 415],
    ['the right token, and 64 KiB', { padding: 65_536 }, 413],
  ] as const)('refuses %s, and keeps nothing', async (_what, how, status) => {
    const stage = await openFlowStage();
    const flow = formFlow(stage);
    const { url } = await stage.linkOf('alice', flow);
    const browser = await stage.host.openBrowser('alice');
    const own = tokenOf(await browser.open(url));
    const foreign = await stage.linkOf('alice', flow, { resource: 'elsewhere' });
    const foreignToken = tokenOf(await browser.open(foreign.url));
    expect(foreignToken).not.toBe(own);
    const given = {
      token: own as string | undefined,
      cookie: 'own',
      origin: stage.host.origin,
      type: 'application/x-www-form-urlencoded',
      padding: 0,
      ...how,
    };
    const token = given.token === 'other' ? foreignToken : given.token;
    const response = await post(
      stage,
      url,
      {
        ...(token !== undefined && { 'form-token': token }),
        password: secret,
        ...(given.padding > 0 && { host: 'x'.repeat(given.padding) }),
      },
      {
        cookie: given.cookie === 'own' ? cookiesOf(stage, browser, 'alice') : 'app-user=alice',
        origin: given.origin,
        'content-type': given.type,
      },
    );
    expect(response.status).toBe(status);
    expect(await codeOf(acquire(stage, 'alice', flow))).toBe('ERR_POSTERN_OOB_INTERACTION_REQUIRED');
    expect(leaks(stage)).toEqual([]);
  });

  test('in the address is not looked at, and the person is told to change the secret', async () => {
    const stage = await openFlowStage();
    const flow = formFlow(stage);
    const { url } = await stage.linkOf('alice', flow);
    const browser = await stage.host.openBrowser('alice');
    const page = await browser.open(`${url}?password=${encodeURIComponent(secret)}`);
    expect([page.status, titleOf(page)]).toEqual([405, 'Not saved']);
    expect([leaks(stage), await codeOf(acquire(stage, 'alice', flow))]).toEqual([
      [],
      'ERR_POSTERN_OOB_INTERACTION_REQUIRED',
    ]);
    // What a mail program adds to a link is no form.
    expect((await browser.open(`${url}?utm_source=mail`)).status).toBe(200);
  });

  test('that was refused, could not be tried, or took too long, says which of the three, keeps nothing, and can be sent again', async () => {
    const stage = await openFlowStage();
    let verdict: () => Promise<'accepted' | 'rejected'> = async () => 'rejected';
    const flow = formFlow(stage, { test: () => verdict(), testTimeoutMs: 50 });
    const { url } = await stage.linkOf('alice', flow);
    const browser = await stage.host.openBrowser('alice');
    await browser.open(url);
    const send = async (): Promise<[number, string | undefined]> => {
      const page = await browser.submit({ host: 'db.example', password: secret }, 'save');
      expect(page.html).toContain('value="db.example"');
      return [page.status, /role="alert">([^<.]*)/u.exec(page.html)?.[1]];
    };
    expect(await send()).toEqual([422, 'The service refused this']);
    verdict = async () => {
      throw new Error(`500: cannot log in with ${secret}`);
    };
    expect(await send()).toEqual([503, 'It could not be tried just now, and was not kept']);
    verdict = () => new Promise(() => {});
    expect(await send()).toEqual([504, 'The service did not answer within 0']);
    expect(await codeOf(acquire(stage, 'alice', flow))).toBe('ERR_POSTERN_OOB_INTERACTION_REQUIRED');
    verdict = async () => 'accepted';
    expect(titleOf(await browser.submit({ password: secret }, 'save'))).toBe('Done');
    expect(await acquire(stage, 'alice', flow)).toMatchObject({ password: secret });
    expect(leaks(stage)).toEqual([]);
  });

  test('can be tried ten times, then the link is over, also for those who try all at once', async () => {
    const stage = await openFlowStage();
    let tried = 0;
    const flow = formFlow(stage, { test: async () => (tried++, 'rejected') });
    const { url } = await stage.linkOf('alice', flow);
    const browser = await stage.host.openBrowser('alice');
    const token = tokenOf(await browser.open(url));
    const cookie = cookiesOf(stage, browser, 'alice');
    const statuses = await Promise.all(
      Array.from(
        { length: 30 },
        async (_value, index) =>
          (await post(stage, url, { 'form-token': token, password: `guess ${index}` }, { cookie })).status,
      ),
    );
    expect(tried).toBe(10);
    expect(statuses.filter((status) => status === 422)).not.toHaveLength(0);
    expect((await browser.open(url)).html).toContain('Refused too often');
  });

  test('sent by two browsers at once is kept once, and the other one is told so', async () => {
    const stage = await openFlowStage();
    const flow = formFlow(stage);
    const { url } = await stage.linkOf('alice', flow);
    const pages = await Promise.all(
      ['one', 'two'].map(async (password) => {
        const browser = await stage.host.openBrowser('alice');
        await browser.open(url);
        return { password, browser };
      }),
    );
    const ends = await Promise.all(
      pages.map(async ({ password, browser }) => ({
        password,
        page: await browser.submit({ password }, 'save'),
      })),
    );
    const [won, ...more] = ends.filter(({ page }) => titleOf(page) === 'Done');
    expect(more).toEqual([]);
    expect(ends.map(({ page }) => titleOf(page) ?? '').toSorted((a, b) => a.localeCompare(b))).toEqual([
      'Already done',
      'Done',
    ]);
    expect(await acquire(stage, 'alice', flow)).toEqual({ password: won?.password });
    const late = pages.find(({ password }) => password !== won?.password);
    expect(titleOf(await late!.browser.open(url))).toBe('Done');
  });

  test('that is declined ends every waiter, and says so however often it is opened', async () => {
    const stage = await openFlowStage();
    const flow = formFlow(stage);
    const waiting = Array.from({ length: 3 }, () => codeOf(acquire(stage, 'alice', flow, 10_000)));
    const { url } = await stage.linkOf('alice', flow);
    const browser = await stage.host.openBrowser('alice');
    await browser.open(url);
    const declined = await browser.submit({}, 'decline');
    expect([declined.status, titleOf(declined)]).toEqual([403, 'Declined']);
    expect(await Promise.all(waiting)).toEqual(Array(3).fill('ERR_POSTERN_AUTH_DENIED'));
    expect(titleOf(await browser.open(url))).toBe('Declined');
    expect(await codeOf(acquire(stage, 'alice', flow))).toBe('ERR_POSTERN_AUTH_DENIED');
  });

  test('that was sent in time and tried until after it is kept, and the page says so', async () => {
    const stage = await openFlowStage();
    const flow = formFlow(stage, {
      test: async () => {
        stage.time.advance(11 * 60_000);
        return 'accepted';
      },
    });
    const { url } = await stage.linkOf('alice', flow);
    const browser = await stage.host.openBrowser('alice');
    await browser.open(url);
    const page = await browser.submit({ password: secret }, 'save');
    expect([page.status, titleOf(page)]).toEqual([200, 'Done']);
    expect(await acquire(stage, 'alice', flow)).toMatchObject({ password: secret });
  });

  test('that has expired says so', async () => {
    const stage = await openFlowStage();
    const { url } = await stage.linkOf('alice', formFlow(stage));
    stage.time.advance(10 * 60_000);
    const page = await (await stage.host.openBrowser('alice')).open(url);
    expect([page.status, titleOf(page)]).toEqual([410, 'This link has expired']);
  });

  test('is begun with what is known, but with no secret from the client', async () => {
    const stage = await openFlowStage();
    const flow = formFlow(stage);
    const principal = await stage.principal('alice');
    const refused = stage.oob.credentials.acquire(principal, {
      resource: 'r',
      flow,
      details: { password: secret },
    });
    expect(await codeOf(refused)).toBe('ERR_POSTERN_OOB_FORM_REFUSED');
    const { url } = await stage.linkOf('alice', flow, { details: { host: '"><script>alert(1)</script>' } });
    const { html } = await (await stage.host.openBrowser('alice')).open(url);
    expect(html).toContain('value="&quot;&gt;&lt;script&gt;alert(1)&lt;/script&gt;"');
  });

  test('can be a page of one’s own, which gets the same checks', async () => {
    const stage = await openFlowStage();
    const flow = formFlow(stage, {
      render: ({ formToken, status }) =>
        new Response(
          `<form method="post"><input type="hidden" name="form-token" value="${formToken}"><input name="password"><button name="form-action" value="save">Go</button></form>`,
          { status },
        ),
    });
    const { url } = await stage.linkOf('alice', flow);
    const browser = await stage.host.openBrowser('alice');
    await browser.open(url);
    expect(titleOf(await browser.submit({ password: secret }, 'save'))).toBe('Done');
    expect(await acquire(stage, 'alice', flow)).toEqual({ password: secret });
  });

  test('is nowhere in the clear in a sealed store', async () => {
    const { encrypted } = await import('../../src/storage/encrypted.ts');
    const { keyringFromText, generateKeyText } = await import('../../src/storage/keyring.ts');
    const { MemoryBackend } = await import('../../src/storage/memory-backend.ts');
    const { FaultyStorage } = await import('../support/faulty-storage.ts');
    const raw = new FaultyStorage(new MemoryBackend());
    const stage = await openFlowStage({
      oob: { storage: encrypted(raw, keyringFromText(generateKeyText())) },
    });
    const flow = formFlow(stage);
    const { url, pendingId } = await stage.linkOf('alice', flow);
    const browser = await stage.host.openBrowser('alice');
    await browser.open(url);
    await browser.submit({ password: secret }, 'save');
    const written = raw.written
      .map(({ key, value }) => `${key} ${Buffer.from(value).toString('latin1')}`)
      .join('\n');
    expect([written.includes('CNRY'), written.includes(pendingId)]).toEqual([false, false]);
  });
});
