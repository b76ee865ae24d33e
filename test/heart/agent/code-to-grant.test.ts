import { describe, expect, test, vi } from 'vitest';
import { openStage, textOf, type Stage } from '../../support/stage.ts';
import type { CookieBrowser, Page } from '../../support/cookie-browser.ts';
import type { Reply } from '../../support/programmable-reply.ts';
import { walk, walkToCallback } from '../walk.ts';

/** Has the store fail operations after the code was redeemed: those that `chosen` picks, counted from 1. */
function failAfterExchange(stage: Stage, chosen: (count: number, operation: string) => boolean): void {
  let count = 0;
  stage.storage.fault = ({ operation }) => {
    if (stage.as.count('token') === 0 || operation === 'signal' || operation === 'listen') return undefined;
    return chosen(++count, operation) ? 'fail' : undefined;
  };
}

/** Alice has been to the authorization server; her browser has not come back yet. */
async function openComingBack(
  as?: Parameters<typeof openStage>[0],
): Promise<{ stage: Stage; browser: CookieBrowser; callback: string; link: string }> {
  const stage = await openStage(as);
  const { url } = await stage.linkOf('alice');
  stage.as.approveAs('alice');
  const browser = await stage.host.openBrowser('alice');
  return { stage, browser, link: url, callback: (await walkToCallback(browser, url)).href };
}

async function whoami(stage: Stage): Promise<string> {
  const client = await stage.manager.getClient('alice');
  return client.callTool('whoami').then(textOf, String);
}

describe('from a code that was sent to a grant that is stored', () => {
  test('the first read after the exchange fails once, and the person is signed in all the same (issue 8.13)', async () => {
    const { stage, browser, callback } = await openComingBack();
    failAfterExchange(stage, (count) => count === 1);
    const page = await browser.open(callback);
    expect([page.status, await whoami(stage)]).toEqual([200, 'alice']);
    expect(stage.as.count('token')).toBe(1);
  });

  test('a first read after the exchange that fails leaves no token alive that is stored nowhere (issue 8.13)', async () => {
    const { stage, browser, callback } = await openComingBack();
    failAfterExchange(stage, (count) => count === 1);
    await browser.open(callback);
    const kept = (await whoami(stage)) === 'alice';
    expect(stage.as.tokens.families.map(({ revoked }) => revoked)).toEqual([!kept]);
  });

  for (const step of [2, 3, 4]) {
    test(`operation ${step} of the store after the exchange fails once, and the person is signed in all the same`, async () => {
      const { stage, browser, callback } = await openComingBack();
      failAfterExchange(stage, (count) => count === step);
      expect((await browser.open(callback)).status).toBeLessThan(400);
      await vi.waitFor(async () => expect(await whoami(stage)).toBe('alice'), { timeout: 10_000 });
      expect(stage.as.count('token')).toBe(1);
    });
  }

  test('three failed reads in a row after the exchange lose nothing either (issue 8.13)', async () => {
    const { stage, browser, callback } = await openComingBack();
    let reads = 0;
    failAfterExchange(stage, (_count, operation) => operation === 'get' && ++reads <= 3);
    const page = await browser.open(callback);
    expect([page.status, await whoami(stage)]).toEqual([200, 'alice']);
  });

  test('a link whose time runs out during the exchange keeps what its person has given (issue 8.13)', async () => {
    const { stage, browser, callback } = await openComingBack();
    stage.as.on('token', () => {
      stage.time.advance(11 * 60_000);
      return undefined;
    });
    const page = await browser.open(callback);
    expect([page.status, await whoami(stage)]).toEqual([200, 'alice']);
    expect(stage.as.tokens.families.map(({ revoked }) => revoked)).toEqual([false]);
  });

  test('no token stays alive at the issuer that is not stored here, when the link’s time has run out', async () => {
    const { stage, browser, callback } = await openComingBack();
    stage.as.on('token', () => {
      stage.time.advance(11 * 60_000);
      return undefined;
    });
    await browser.open(callback);
    const kept = (await whoami(stage)) === 'alice';
    expect(stage.as.tokens.families.map(({ revoked }) => revoked)).toEqual([!kept]);
  });
});

/** Whether a page tells its person that all is done, and whether it offers them a way on. */
function storyOf(page: Page, link: string): { saysDone: boolean; leadsOn: boolean } {
  const signedIn = page.html.includes('You are signed in');
  return {
    saysDone: /already/iu.test(page.html),
    leadsOn: signedIn || page.html.includes(new URL(link).pathname),
  };
}

describe('a failure that may pass', () => {
  const failures: Record<string, Reply> = {
    '503': { status: 503 },
    '429': { status: 429, headers: { 'retry-after': '1' } },
    'a cut connection': { cut: 'now' },
    'half an answer': { cut: 'midway' },
    temporarily_unavailable: { status: 400, body: { error: 'temporarily_unavailable' } },
  };
  for (const [name, reply] of Object.entries(failures)) {
    test(`after ${name}, a reload says what happened and leads on, as the next call does (issue 8.14)`, async () => {
      const { stage, browser, callback, link } = await openComingBack();
      stage.as.on('token', () => reply);
      const page = await browser.open(callback);
      expect(storyOf(page, link)).toEqual({ saysDone: false, leadsOn: true });
      expect((await stage.linkOf('alice')).url).toBe(link);
      expect(storyOf(await browser.open(callback), link)).toEqual({ saysDone: false, leadsOn: true });
    });
  }

  test('after temporarily_unavailable in the callback itself, a reload leads on (issue 8.14)', async () => {
    const { stage, browser, callback, link } = await openComingBack();
    const unavailable = new URL(callback);
    unavailable.searchParams.delete('code');
    unavailable.searchParams.set('error', 'temporarily_unavailable');
    expect(storyOf(await browser.open(unavailable.href), link)).toEqual({ saysDone: false, leadsOn: true });
    expect((await stage.linkOf('alice')).url).toBe(link);
    expect(storyOf(await browser.open(unavailable.href), link)).toEqual({ saysDone: false, leadsOn: true });
  });

  test('the link is good for another try once the issuer answers again', async () => {
    const { stage, browser, callback, link } = await openComingBack();
    stage.as.on('token', () => ({ status: 503 }));
    await browser.open(callback);
    stage.as.on('token', undefined);
    expect((await walk(browser, link)).status).toBe(200);
    expect(await whoami(stage)).toBe('alice');
  });
});
