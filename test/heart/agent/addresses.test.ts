import { describe, expect, test } from 'vitest';
import { openStage, type Stage } from '../../support/stage.ts';
import { RemoteAuthCoordinator, skipUserVerification } from '../../../src/client/index.ts';
import { MemoryBackend } from '../../../src/index.ts';
import { isCallback, walk, walkToCallback } from '../walk.ts';

/** What a browser says of a navigation that its person has just made. */
const navigation = {
  'sec-fetch-mode': 'navigate',
  'sec-fetch-dest': 'document',
  'sec-fetch-site': 'none',
  'sec-fetch-user': '?1',
};

/** A stage whose authorization server wants its requests pushed, with alice's link. */
async function openLink(): Promise<{ stage: Stage; url: string }> {
  let issuer = '';
  const stage = await openStage({
    as: {
      metadata: {
        require_pushed_authorization_requests: true,
        get pushed_authorization_request_endpoint() {
          return `${issuer}/par`;
        },
      },
    },
  });
  issuer = stage.as.issuer;
  const { url } = await stage.linkOf('alice');
  return { stage, url };
}

describe('opening a link', () => {
  for (const [name, headers] of Object.entries({
    'a prefetch': {
      ...navigation,
      'sec-fetch-dest': 'empty',
      'sec-fetch-mode': 'no-cors',
      'sec-purpose': 'prefetch',
    },
    'a prefetch of an old browser': { purpose: 'prefetch' },
    'a prerender': { ...navigation, 'sec-purpose': 'prefetch;prerender' },
    'an image': { 'sec-fetch-mode': 'no-cors', 'sec-fetch-dest': 'image', 'sec-fetch-site': 'cross-site' },
    'a frame': { ...navigation, 'sec-fetch-dest': 'iframe', 'sec-fetch-site': 'cross-site' },
    'a script of another site': {
      'sec-fetch-mode': 'cors',
      'sec-fetch-dest': 'empty',
      'sec-fetch-site': 'cross-site',
    },
    'a program that says nothing of itself': {},
  } satisfies Record<string, Record<string, string>>)) {
    test(`${name} sends nobody out, asks the issuer nothing and writes nothing (issue 8.3)`, async () => {
      const { stage, url } = await openLink();
      const written = stage.storage.written.length;
      const answer = await fetch(url, {
        headers: { ...headers, cookie: 'app-user=alice' },
        redirect: 'manual',
      });
      await answer.body?.cancel();
      expect([answer.headers.get('location'), stage.as.count('par')]).toEqual([null, 0]);
      expect(stage.storage.written.length - written).toBe(0);
    });
  }

  test('three hundred prefetches of a link make no pushed request and no record (issue 8.3)', async () => {
    const { stage, url } = await openLink();
    const written = stage.storage.written.length;
    for (let count = 0; count < 300; count++) {
      const headers = { 'sec-purpose': 'prefetch', cookie: 'app-user=alice' };
      await (await fetch(url, { headers, redirect: 'manual' })).body?.cancel();
    }
    expect([stage.as.count('par'), stage.storage.written.length - written]).toEqual([0, 0]);
  });

  test('a link that is opened for ever has a bounded number of attempts (issue 8.3)', async () => {
    const { stage, url } = await openLink();
    const browser = await stage.host.openBrowser('alice');
    // Whatever bounds them may refuse the later ones, or forget the earlier ones.
    const states: string[] = [];
    for (let count = 0; count < 150; count++) {
      const page = await walk(browser, url, { stopBefore: isCallback });
      const state = new URL(page.url).searchParams.get('state');
      if (state !== null) states.push(page.url);
    }
    let taken = 0;
    for (const callback of states) {
      // Answers that are no answers take nothing, and are told from answers to what is not there any more.
      const unreadable = new URL(callback);
      unreadable.searchParams.append('code', 'twice');
      const page = await browser.open(unreadable.href);
      if (page.html.includes('ERR_POSTERN_AUTH_CALLBACK_INVALID')) taken++;
    }
    expect(taken).toBeLessThan(150);
  });

  test('the person’s own navigation leads to the issuer and back, with the press of a button or without', async () => {
    const { stage, url } = await openLink();
    expect((await walk(await stage.host.openBrowser('alice'), url)).status).toBe(200);
    expect([stage.as.count('authorize'), stage.as.count('token')]).toEqual([1, 1]);
  });
});

describe('addresses', () => {
  for (const path of [
    '//callback',
    '/x/callback',
    '/postern//callback',
    '/postern/x/callback',
    '/postern/callback/callback',
  ]) {
    test(`${path} is not the callback: nothing is taken (issue 8.5)`, async () => {
      const stage = await openStage();
      const { url } = await stage.linkOf('alice');
      const browser = await stage.host.openBrowser('alice');
      const callback = await walkToCallback(browser, url);
      const cookie = cookieOf(stage);
      const elsewhere = new Request(`${stage.host.origin}${path}${callback.search}`, {
        headers: { ...navigation, cookie },
      });
      const answer = await stage.coordinator.fetch(elsewhere);
      expect([answer.status, stage.as.count('token')]).toEqual([404, 0]);
    });
  }

  for (const path of [
    '//connect/',
    '/x/connect/',
    '/x/y/connect/',
    '/postern/x/connect/',
    '/postern//connect/',
    '/postern/callback/connect/',
  ]) {
    test(`${path}<id> is not the link: nobody is sent out (issue 8.5)`, async () => {
      const stage = await openStage();
      const { pendingId } = await stage.linkOf('alice');
      const headers = { ...navigation, cookie: 'app-user=alice' };
      const answer = await stage.coordinator.fetch(
        new Request(`${stage.host.origin}${path}${pendingId}`, { headers }),
      );
      expect([answer.status, answer.headers.get('location')]).toEqual([404, null]);
    });
  }

  test('a POST to the callback exchanges nothing', async () => {
    const stage = await openStage();
    const { url } = await stage.linkOf('alice');
    const callback = await walkToCallback(await stage.host.openBrowser('alice'), url);
    const headers = { ...navigation, cookie: cookieOf(stage) };
    const answer = await stage.coordinator.fetch(new Request(callback, { method: 'POST', headers }));
    expect([answer.status, stage.as.count('token')]).toEqual([405, 0]);
  });

  const documents = (): RemoteAuthCoordinator =>
    new RemoteAuthCoordinator({
      storage: new MemoryBackend(),
      publicUrl: 'https://bot.example/postern',
      [skipUserVerification]: true,
    });

  for (const method of ['POST', 'PUT', 'DELETE']) {
    test(`the client's metadata document is read, not sent to: ${method} is refused (issue 8.5)`, async () => {
      const url = 'https://bot.example/postern/client-metadata.json';
      expect((await documents().fetch(new Request(url, { method }))).status).toBe(405);
    });
  }

  for (const path of [
    '//client-metadata.json',
    '/x/client-metadata.json',
    '/postern/x/client-metadata.json',
    '/postern/connect/client-metadata.json',
  ]) {
    test(`there is no metadata document at ${path} (issue 8.5)`, async () => {
      expect((await documents().fetch(new Request(`https://bot.example${path}`))).status).toBe(404);
    });
  }

  test('the metadata document is where the client says it is', async () => {
    const url = 'https://bot.example/postern/client-metadata.json';
    const answer = await documents().fetch(new Request(url));
    expect([answer.status, ((await answer.json()) as { client_id: string }).client_id]).toEqual([200, url]);
  });
});

/** Alice's cookies, as her browser sends them: who she is to the application, and what the link bound her browser with. */
function cookieOf(stage: Stage): string {
  const bound = stage.host.answers
    .flatMap(({ headers }) => JSON.parse(headers) as [string, string][])
    .filter(([name]) => name === 'set-cookie')
    .map(([, value]) => value.split(';', 1)[0]);
  return ['app-user=alice', ...bound].join('; ');
}
