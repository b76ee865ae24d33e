import { afterEach, describe, expect, test, vi } from 'vitest';
import { MemoryBackend, PosternError } from '../../../src/index.ts';
import { PendingManager, withPending, type VerifyUser } from '../../../src/oob/index.ts';
import { userOf } from '../../support/page-host.ts';
import { openFlowStage, titleOf } from '../../support/flow-stage.ts';
import { namespaces } from '../../support/process-world.ts';
import { isGood, passwordFlow, requestAs } from './form-stage.ts';

const canary = 'CNRYzsecretz-session-store';

/** What is true of each answer: nobody is signed in, the host answers for itself, or the host's own check is broken. */
const nobody = [401];
const broken = [500, 502, 503, 504];
const nobodyOrBroken = [...nobody, ...broken];
const elsewhere = [303];

const signIn = () => new Response(null, { status: 303, headers: { location: '/login' } });
const fail = (error: unknown): VerifyUser => {
  return () => {
    throw error;
  };
};
const answer = (value: unknown): VerifyUser => {
  return () => value as string;
};

type Answer = readonly [what: string, verifyUser: VerifyUser, truth: readonly number[]];

/** Odd answers, and the statuses that tell the truth about each. */
const odd: readonly Answer[] = [
  ['null', answer(null), nobody],
  ['a promise of null', answer(Promise.resolve(null)), nobody],
  ['false', answer(false), nobodyOrBroken],
  ['true', answer(true), broken],
  ['zero', answer(0), nobodyOrBroken],
  ['a number', answer(42), broken],
  ['a large number', answer(42n), broken],
  ['a symbol', answer(Symbol('alice')), broken],
  ['an object', answer({ user: 'alice' }), broken],
  ['an object whose id is none', answer({ id: 7 }), broken],
  ['an object that reads as the user', answer({ toString: () => 'alice' }), broken],
  ['a list of the user', answer(['alice']), broken],
  ['a function', answer(() => 'alice'), broken],
  ['a promise rejected with a redirect', () => Promise.reject(signIn()), elsewhere],
];

/** A redirect that does not come as an answer. */
const thrown: readonly Answer[] = [['a thrown redirect', fail(signIn()), elsewhere]];

/** A check that fails. */
const errors: readonly Answer[] = [
  ['a thrown error', fail(new Error(canary)), broken],
  ['a promise rejected with an error', () => Promise.reject(new Error(canary)), broken],
  ['thrown text', fail(canary), broken],
  ['a thrown nothing', fail(undefined), broken],
];

/** A check that fails with what means something else on a page of ours. */
const oddErrors: readonly Answer[] = [
  [
    'an error that reads as if the link had expired',
    fail(new PosternError('ERR_POSTERN_PENDING_EXPIRED', canary)),
    broken,
  ],
  [
    'an error that reads as if there were no such link',
    fail(new PosternError('ERR_POSTERN_PENDING_NOT_FOUND', canary)),
    broken,
  ],
  [
    'an error that reads as if it had been declined',
    fail(new PosternError('ERR_POSTERN_AUTH_DENIED', canary)),
    broken,
  ],
];

/** A page of one's own, with a pending of alice's. */
async function openOwnPage(verifyUser: VerifyUser) {
  const manager = new PendingManager({
    storage: new MemoryBackend(),
    namespaces,
    linkFor: (id) => `https://app.example/approve/${id}`,
  });
  const { url, id } = await manager.create({ token: 'alice' }, { kind: 'approval', data: undefined });
  const handler = vi.fn(async (_pending: unknown, request: Request) => new Response(await request.text()));
  const page = withPending(manager, () => id, handler, { verifyUser });
  return { manager, url, id, handler, page };
}

async function checkLink(verifyUser: VerifyUser, truth: readonly number[]): Promise<void> {
  const stage = await openFlowStage({ oob: { verifyUser } });
  const { url, pendingId } = await stage.linkOf('alice', passwordFlow(stage));
  const response = await stage.oob.fetch(new Request(url));
  const html = await response.text();
  expect(truth).toContain(response.status);
  expect(titleOf({ html })).not.toBe('Another account');
  expect(`${html} ${stage.logger.lines.join(' ')}`).not.toContain(canary);
  expect((await stage.oob.findPending(pendingId))?.status).toBe('pending');
}

async function checkOwnPage(verifyUser: VerifyUser, truth: readonly number[]): Promise<void> {
  const { manager, url, id, handler, page } = await openOwnPage(verifyUser);
  const response = await page(new Request(url));
  expect(truth).toContain(response.status);
  expect(await response.text()).not.toContain(canary);
  expect(handler).not.toHaveBeenCalled();
  expect((await manager.get(id)).status).toBe('pending');
}

describe('when the host’s own check answers with', () => {
  test.each(thrown)(
    '%s, the page of a link says what is so, and the link lives on (issue 8.16)',
    (_what, verifyUser, truth) => checkLink(verifyUser, truth),
  );
  test.each([...odd, ...oddErrors])(
    '%s, the page of a link says what is so, and the link lives on (issue 8.16)',
    (_what, verifyUser, truth) => checkLink(verifyUser, truth),
  );
  test.each(errors)(
    '%s, the page of a link says what is so, and the link lives on',
    (_what, verifyUser, truth) => checkLink(verifyUser, truth),
  );
  test.each([...odd, ...thrown])(
    '%s, a page of one’s own says what is so, and its pending lives on (issue 8.16)',
    (_what, verifyUser, truth) => checkOwnPage(verifyUser, truth),
  );
  test.each([...errors, ...oddErrors])(
    '%s, a page of one’s own says what is so, and its pending lives on',
    (_what, verifyUser, truth) => checkOwnPage(verifyUser, truth),
  );
});

describe('a host whose own check never answers', () => {
  afterEach(() => {
    vi.useRealTimers();
    isAsked = false;
  });

  let isAsked = false;
  const hangs: VerifyUser = () => {
    isAsked = true;
    return new Promise(() => {});
  };
  /** Lets the process go on, without its timers, until something is so; for no longer than two seconds. */
  async function until(isSo: () => boolean): Promise<void> {
    const deadline = performance.now() + 2_000;
    while (!isSo() && performance.now() < deadline) await new Promise((resolve) => setImmediate(resolve));
  }
  /** What an answer has come to a minute, by the process's own time, after the host was asked. */
  async function afterAMinute(asked: Promise<Response>): Promise<number | 'nothing'> {
    let status: number | 'nothing' = 'nothing';
    void asked.then((response) => (status = response.status));
    await until(() => isAsked);
    await vi.advanceTimersByTimeAsync(60_000);
    await until(() => status !== 'nothing');
    return status;
  }

  test('is not waited for by the page of a link for more than a minute (issue 8.16)', async () => {
    const stage = await openFlowStage({ oob: { verifyUser: hangs } });
    const { url } = await stage.linkOf('alice', passwordFlow(stage));
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    expect(broken).toContain(await afterAMinute(stage.oob.fetch(new Request(url))));
  });

  test('is not waited for by a page of one’s own for more than a minute (issue 8.16)', async () => {
    const { url, page } = await openOwnPage(hangs);
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    expect(broken).toContain(await afterAMinute(page(new Request(url))));
  });
});

describe('a host whose own check reads the body of the request', () => {
  const reads: VerifyUser = async (request) => {
    await request.text();
    return userOf(request);
  };

  test('leaves the form to the page of a link (issue 8.16)', async () => {
    const stage = await openFlowStage({ oob: { verifyUser: reads } });
    const { url } = await stage.linkOf('alice', passwordFlow(stage));
    const browser = await stage.host.openBrowser('alice');
    await browser.open(url);
    const page = await browser.submit({ password: 'x' }, 'save');
    expect([page.status, isGood(page)]).toEqual([200, true]);
  });

  test.each([
    ['reads', reads],
    ['leaves alone', userOf],
    [
      'begins to read',
      async (request: Request) => {
        await request.body?.getReader().read();
        return userOf(request);
      },
    ],
  ])(
    'that the host %s, a form of a link that is too large and does not say so is refused',
    async (_what, verifyUser) => {
      const stage = await openFlowStage({ oob: { verifyUser } });
      const { url } = await stage.linkOf('alice', passwordFlow(stage));
      const type = { 'content-type': 'application/x-www-form-urlencoded' };
      const headers = { origin: stage.host.origin, ...type };
      const body = `password=${'x'.repeat(300_000)}`;
      const sent = await stage.oob.fetch(requestAs('alice', url, { method: 'POST', headers, body }));
      expect(sent.status).toBe(413);
    },
  );

  test('leaves the form to a page of one’s own (issue 8.16)', async () => {
    const { url, page } = await openOwnPage(reads);
    const response = await page(requestAs('alice', url, { method: 'POST', body: 'yes=' }));
    expect([response.status, await response.text()]).toEqual([200, 'yes=']);
  });
});
