import { expect, test } from 'vitest';
import { alice, openSlackStage } from './stage.ts';

const day = '@planner What is on today?';

test('a question whose process was killed while its asker was waited for is answered by another, once', async () => {
  const stage = await openSlackStage();
  const first = await stage.start();
  const thread = await stage.ask(alice, day);
  const link = await stage.linkFor(alice, thread);
  await expect.poll(() => stage.countOpen(), { timeout: 20_000 }).toBe(0);
  await first.end();

  const others = await Promise.all([stage.start(), stage.start()]);
  expect((await stage.follow(link, 'alice')).status).toBe(200);
  await stage.hear(thread, /Alice: dentist/u);
  const second = await stage.ask(alice, day);
  await stage.hear(second, /dentist/u);
  expect(stage.said(thread).filter((text) => text.includes('dentist'))).toHaveLength(1);
  expect(stage.said(thread).join()).not.toContain('interrupted');
  expect(stage.calendar.counters.calls['list_events']).toBe(2);
  for (const { output } of [first, ...others]) expect(output).not.toContain(link.slice(-20));
});

test('a question whose process was killed over it is said to have been interrupted, once, and can be asked again', async () => {
  const stage = await openSlackStage();
  const first = await stage.start({ thinksForEver: true });
  const thread = await stage.ask(alice, day);
  await first.heard('that it thinks', (message) => (message === 'thinking' ? true : undefined));
  await first.end();
  await Promise.all([stage.start(), stage.start()]);
  await stage.hear(thread, /^I was interrupted over this/u);
  const again = await stage.ask(alice, day);
  await stage.linkFor(alice, again);
  expect(stage.said(thread)).toHaveLength(1);
});

test('an answer that was posted by a process that died before it could say so is not posted again', async () => {
  const stage = await openSlackStage();
  const first = await stage.start();
  const thread = await stage.ask(alice, day);
  const link = await stage.linkFor(alice, thread);
  const posted = Promise.withResolvers<void>();
  const stop = stage.slack.workspace.watch(() => {
    if (!stage.said(thread).some((text) => text.includes('dentist'))) return;
    // Before Slack's reply reaches it.
    first.signal('SIGKILL');
    posted.resolve();
  });
  await expect.poll(() => stage.countOpen(), { timeout: 20_000 }).toBe(0);
  void stage.follow(link, 'alice').catch(() => {});
  await posted.promise;
  stop();
  await first.exited;
  await stage.start();
  const { api } = stage.slack;
  await expect
    .poll(() => api.calls.filter(({ method }) => method === 'conversations.replies').length, {
      timeout: 90_000,
    })
    .toBeGreaterThan(0);
  const second = await stage.ask(alice, day);
  await stage.hear(second, /dentist/u);
  expect(stage.said(thread).filter((text) => text.includes('dentist'))).toHaveLength(1);
});
