import { expect, onTestFinished, test, vi } from 'vitest';
import type { AuthCoordinator, CompletionEvent, StartEvent } from '../../../src/client/index.ts';
import { openStage, withParams, type Stage } from '../../support/stage.ts';
import { walk, walkToCallback } from '../walk.ts';

type Heard = (readonly ['start', StartEvent] | readonly ['end', CompletionEvent])[];

function listen(coordinator: AuthCoordinator, everywhere: boolean): Heard {
  const heard: Heard = [];
  const stop = coordinator.subscribe(
    {
      onStart: (event) => void heard.push(['start', event]),
      onCompletion: (event) => void heard.push(['end', event]),
    },
    { everywhere },
  );
  onTestFinished(stop);
  return heard;
}

const told = (heard: Heard): unknown[] =>
  heard.map(([what, event]) => [what, event.contextId, 'status' in event ? event.status : event.url]);

async function openTwo(): Promise<{ stage: Stage; link: (host: 0 | 1) => Promise<string> }> {
  const stage = await openStage({ hosts: 2 });
  const link = async (host: 0 | 1): Promise<string> => {
    const client = await stage.managers[host]!.getClient('alice', { thread: 7 });
    await client.connect();
    const [challenge] = await client.getAuthChallenges();
    return challenge?.url ?? '';
  };
  return { stage, link };
}

test('of what happens in another process a subscriber is told that wants to hear of everything, once each, and no other', async () => {
  const { stage, link } = await openTwo();
  const [here, elsewhere] = stage.managers.map(({ coordinator }) => coordinator) as [
    AuthCoordinator,
    AuthCoordinator,
  ];
  const own = listen(here, false);
  const ownElsewhere = listen(elsewhere, false);
  const all = listen(here, true);
  const allElsewhere = listen(elsewhere, true);
  // From now on: what began before is no news.
  await vi.waitFor(async () => expect(await stage.storage.list(['app', 'live-interaction'])).toEqual([]));
  const url = await link(0);
  await vi.waitFor(() => expect(told(allElsewhere)).toEqual([['start', 'alice', url]]), { timeout: 10_000 });
  // The callback lands in whichever process; here in the one whose pages are asked next.
  stage.as.approveAs('alice');
  await walk(await stage.host.openBrowser('alice'), url);
  const both = [
    ['start', 'alice', url],
    ['end', 'alice', 'completed'],
  ];
  await vi.waitFor(() => expect([told(all), told(allElsewhere)]).toEqual([both, both]), { timeout: 10_000 });
  const starts = [...own, ...ownElsewhere].filter(([what]) => what === 'start');
  const ends = [...own, ...ownElsewhere].filter(([what]) => what === 'end');
  expect([starts.length, ends.length]).toEqual([1, 1]);
});

test('a subscriber is told what is kept since, with the host’s own metadata, and neither a code nor a state', async () => {
  const { stage, link } = await openTwo();
  const here = listen(stage.managers[0]!.coordinator, false);
  const elsewhere = listen(stage.managers[1]!.coordinator, true);
  const browser = await stage.host.openBrowser('alice');
  stage.as.approveAs('alice');
  const url = await link(0);
  const callback = await walkToCallback(browser, url);
  const secrets = [...callback.searchParams.values()].filter(
    (value) => value.length > 12 && !value.includes(':'),
  );
  await browser.open(callback.href);
  await vi.waitFor(() => expect(elsewhere.length).toBe(2), { timeout: 10_000 });
  const [, end] = elsewhere.at(-1) as ['end', CompletionEvent];
  expect(end).toMatchObject({
    contextId: 'alice',
    server: 'calendar',
    alias: 'default',
    kind: 'oauth_redirect',
    success: true,
    status: 'completed',
    metadata: { thread: 7 },
    result: { server: 'calendar', condition: 'good' },
  });
  expect(secrets.length).toBeGreaterThan(0);
  const text = JSON.stringify([here, elsewhere]);
  for (const secret of secrets) expect(text).not.toContain(secret);
});

test('a decline is told everywhere, with why', async () => {
  const { stage, link } = await openTwo();
  const elsewhere = listen(stage.managers[1]!.coordinator, true);
  const browser = await stage.host.openBrowser('alice');
  const callback = await walkToCallback(browser, await link(0));
  await browser.open(withParams(callback, { code: undefined, error: 'access_denied' }));
  await vi.waitFor(() => expect(elsewhere.length).toBe(2), { timeout: 10_000 });
  expect(elsewhere.at(-1)?.[1]).toMatchObject({
    success: false,
    status: 'cancelled',
    failure: 'ERR_POSTERN_AUTH_DENIED',
    metadata: { thread: 7 },
  });
});

test('a sign-in that nobody finishes is told as expired, although the process that asked for it is gone', async () => {
  const { stage, link } = await openTwo();
  const url = await link(0);
  // It had begun before: that is no news, its end is.
  const elsewhere = listen(stage.managers[1]!.coordinator, true);
  await stage.managers[0]!.close();
  await vi.waitFor(async () =>
    expect((await stage.storage.list(['app', 'live-interaction'])).length).toBe(1),
  );
  stage.time.advance(11 * 60_000);
  await vi.waitFor(() => expect(told(elsewhere)).toEqual([['end', 'alice', 'expired']]), { timeout: 15_000 });
  expect(elsewhere[0]?.[1].metadata).toEqual({ thread: 7 });
  expect(url).toContain('/connect/');
});

test('who has stopped listening is told nothing more, and a coordinator that closes waits for nobody', async () => {
  const { stage, link } = await openTwo();
  const heard: string[] = [];
  const stop = stage.managers[1]!.coordinator.subscribe(
    { onCompletion: () => void heard.push('end'), onStart: () => void heard.push('start') },
    { everywhere: true },
  );
  stop();
  const other = listen(stage.managers[0]!.coordinator, true);
  await link(0);
  await vi.waitFor(() => expect(other.length).toBe(1), { timeout: 10_000 });
  expect(heard).toEqual([]);
  await stage.managers[0]!.close();
});
