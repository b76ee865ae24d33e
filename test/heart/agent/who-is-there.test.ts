import { describe, expect, test, vi } from 'vitest';
import { codeOf, codeOn, openStage, type Stage } from '../../support/stage.ts';
import { userOf } from '../../support/page-host.ts';
import type { CookieBrowser } from '../../support/cookie-browser.ts';
import { walk, walkToCallback } from '../walk.ts';

/** Alice has opened her link and been to the authorization server; her browser has not come back yet. */
async function openComingBack(): Promise<{ stage: Stage; browser: CookieBrowser; callback: string }> {
  const stage = await openStage();
  const { url } = await stage.linkOf('alice');
  const browser = await stage.host.openBrowser('alice');
  return { stage, browser, callback: (await walkToCallback(browser, url)).href };
}

async function whoami(stage: Stage): Promise<string> {
  return codeOf((await stage.manager.getClient('alice')).callTool('whoami'));
}

describe('a session of the application that changes while somebody is away', () => {
  test('a callback in a browser where another user is signed in by now exchanges no code (issue 8.1)', async () => {
    const { stage, browser, callback } = await openComingBack();
    await browser.open(`${stage.host.origin}/login?user=bob`);
    const page = await browser.open(callback);
    expect(stage.as.count('token')).toBe(0);
    expect(page.status).toBeGreaterThanOrEqual(400);
    expect(await whoami(stage)).toBe('ERR_POSTERN_AUTH_REQUIRED');
  });

  test('a callback in a browser where nobody is signed in any more exchanges no code (issue 8.1)', async () => {
    const { stage, browser, callback } = await openComingBack();
    await browser.open(`${stage.host.origin}/login?user=`);
    const page = await browser.open(callback);
    expect(stage.as.count('token')).toBe(0);
    expect(page.status).toBeGreaterThanOrEqual(400);
    expect(await whoami(stage)).toBe('ERR_POSTERN_AUTH_REQUIRED');
  });

  test('a callback that another user brought uses nothing up: its own user can still bring it (issue 8.1)', async () => {
    const { stage, browser, callback } = await openComingBack();
    await browser.open(`${stage.host.origin}/login?user=bob`);
    await browser.open(callback);
    expect(stage.as.count('token')).toBe(0);
    await browser.open(`${stage.host.origin}/login?user=alice`);
    expect((await browser.open(callback)).status).toBe(200);
    expect(stage.as.count('token')).toBe(1);
  });
});

/** What alice's browser gets from a link, when the host's session check does this. */
async function openWith(verifyUser: (request: Request) => unknown): Promise<{
  stage: Stage;
  answer: Response;
  body: string;
}> {
  const stage = await openStage({ coordinator: { verifyUser: verifyUser as never } });
  const { url } = await stage.linkOf('alice');
  const headers = { cookie: 'app-user=alice', 'sec-fetch-mode': 'navigate', 'sec-fetch-site': 'none' };
  const answer = await stage.coordinator.fetch(new Request(url, { headers }));
  return { stage, answer, body: await answer.text() };
}

describe('what a host answers to the question who is at the browser', () => {
  test('a session check that never answers is given up, and the page says that it failed (issue 8.16)', async () => {
    const stage = await openStage({ coordinator: { verifyUser: () => new Promise<string>(() => {}) } });
    const { url } = await stage.linkOf('alice');
    vi.useFakeTimers({
      toFake: ['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval', 'performance'],
    });
    try {
      vi.spyOn(AbortSignal, 'timeout').mockImplementation(timeoutOfFakeTimers);
      let answer: Response | undefined;
      void stage.coordinator.fetch(new Request(url)).then((response) => (answer = response));
      await vi.advanceTimersByTimeAsync(60_000);
      expect(answer).toBeInstanceOf(Response);
      expect(answer?.status).toBeGreaterThanOrEqual(500);
    } finally {
      vi.useRealTimers();
      vi.restoreAllMocks();
    }
  });

  test('a session check that throws is a failure of the host, not the end of a live link (issue 8.16)', async () => {
    const { answer, body } = await openWith(() => {
      throw new Error('the session store is down');
    });
    expect(answer.status).toBeGreaterThanOrEqual(500);
    expect(body).not.toContain('ERR_POSTERN_PENDING_');
  });

  test('a link whose session check threw is good again when the check is', async () => {
    let isDown = true;
    const stage = await openStage({
      coordinator: {
        verifyUser: (request) => {
          if (isDown) throw new Error('the session store is down');
          return userOf(request);
        },
      },
    });
    const { url } = await stage.linkOf('alice');
    const browser = await stage.host.openBrowser('alice');
    expect((await browser.open(url)).status).toBeGreaterThanOrEqual(400);
    expect(stage.as.count('authorize')).toBe(0);
    isDown = false;
    expect((await walk(browser, url)).status).toBe(200);
  });

  test('a session check that throws a Response has answered with it (issue 8.16)', async () => {
    const { answer } = await openWith(() => {
      // As frameworks do with redirects.
      throw new Response(null, { status: 302, headers: { location: 'https://app.example/login' } });
    });
    expect([answer.status, answer.headers.get('location')]).toEqual([302, 'https://app.example/login']);
  });

  for (const [name, user] of Object.entries({
    null: null,
    'a number': 42,
    true: true,
    false: false,
    'an object': { user: 'alice' },
    'an object whose id is none': { id: 7 },
    'a list': ['alice'],
    'a function': () => 'alice',
    'a symbol': Symbol('alice'),
    'a URL object': new URL('https://app.example/alice'),
  })) {
    test(`${name} is no user's id: nobody is let in, and nobody is told of another account (issue 8.16)`, async () => {
      const { stage, answer, body } = await openWith(() => user);
      expect(answer.status).toBeGreaterThanOrEqual(400);
      expect(stage.as.count('authorize')).toBe(0);
      expect([answer.status, codeOn({ html: body } as never)]).not.toEqual([
        404,
        'ERR_POSTERN_PENDING_NOT_FOUND',
      ]);
    });
  }

  for (const [name, user] of Object.entries({
    'an empty text': '',
    undefined,
    'another text': 'ALICE',
    'a text with a space': 'alice ',
  })) {
    test(`${name} lets nobody in`, async () => {
      const { stage, answer } = await openWith(() => user);
      expect([401, 404]).toContain(answer.status);
      expect(stage.as.count('authorize')).toBe(0);
    });
  }

  test('a session check that reads the body of the request takes nothing away from the sign-in', async () => {
    const stage = await openStage({
      coordinator: {
        verifyUser: async (request) => {
          await request.text();
          return userOf(request);
        },
      },
    });
    const { url } = await stage.linkOf('alice');
    expect((await walk(await stage.host.openBrowser('alice'), url)).status).toBe(200);
    expect(stage.as.count('token')).toBe(1);
  });
});

/** `AbortSignal.timeout` on the timers that a test moves. */
function timeoutOfFakeTimers(ms: number): AbortSignal {
  const controller = new AbortController();
  setTimeout(() => controller.abort(new DOMException('timed out', 'TimeoutError')), ms);
  return controller.signal;
}
