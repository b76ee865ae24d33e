import { describe, expect, test } from 'vitest';
import { createSteppedClock } from '../../test/support/stepped-clock.ts';
import { MemoryBackend } from '../../src/index.ts';
import { alice, bob, general, openSlackStage } from './stage.ts';

const day = '@planner What is on today?';

describe('a question in a thread', () => {
  test('is answered there once its asker has signed in, and the link is for them alone', async () => {
    const stage = await openSlackStage();
    await stage.open();
    const { workspace, api } = stage.slack;
    const thread = await stage.ask(alice, day);
    const link = await stage.linkFor(alice, thread);
    expect(stage.said(thread)).toEqual([
      expect.stringMatching(/^⏳ <@U0ALICE> I am waiting for you to sign in to calendar/u),
    ]);
    expect(workspace.seenBy(bob).some(({ onlyFor }) => onlyFor !== undefined)).toBe(false);
    expect((await stage.follow(link, 'alice')).status).toBe(200);
    await stage.hear(thread, /Alice: dentist/u);
    await stage.hear(thread, /^✅ <@U0ALICE> has signed in to calendar/u);
    expect(stage.said(thread)).toHaveLength(2);

    // Everybody reads the one, and who uses a model's provider the other.
    const id = link.slice(link.lastIndexOf('/') + 1);
    const isPublic = api.calls.filter(({ method }) => method !== 'chat.postEphemeral');
    expect(JSON.stringify(isPublic)).not.toContain(id);
    expect(stage.prompts.join('')).not.toContain(id);
    expect(stage.logger.lines.join('')).not.toContain(id);
    expect(stage.calendar.seen).toMatchObject([{ tool: 'list_events', subject: 'alice' }]);
  });

  test('of somebody who is connected is answered at once', async () => {
    const stage = await openSlackStage();
    await stage.open();
    const first = await stage.ask(alice, day);
    await stage.follow(await stage.linkFor(alice, first), 'alice');
    await stage.hear(first, /dentist/u);
    const second = await stage.ask(alice, day);
    await stage.hear(second, /dentist/u);
    expect(stage.said(second)).toHaveLength(1);
  });

  test('is asked without a channel, too, in the conversation with the bot', async () => {
    const stage = await openSlackStage();
    await stage.open();
    const { id } = stage.slack.workspace.openDirect(alice);
    const thread = await stage.ask(alice, 'What is on today?', id);
    await stage.follow(await stage.linkFor(alice, thread, id), 'alice');
    await stage.hear(thread, /dentist/u, id);
    await stage.hear(thread, /^✅/u, id);
    expect(stage.said(thread, id)).toHaveLength(2);
  });

  test('is one of two that wait for one sign-in, and both are answered, each in its thread', async () => {
    const stage = await openSlackStage();
    await stage.open();
    const threads = [await stage.ask(alice, day), await stage.ask(alice, '@planner Add lunch at 12:15')];
    const links = await Promise.all(threads.map((thread) => stage.linkFor(alice, thread)));
    expect(new Set(links).size).toBe(1);
    await stage.follow(links[0]!, 'alice');
    await stage.hear(threads[0]!, /^Today you have:/u);
    await stage.hear(threads[1]!, /^Added for alice: lunch 12:15$/u);
    await Promise.all(threads.map((thread) => stage.hear(thread, /^✅/u)));
    expect(threads.map((thread) => stage.said(thread).length)).toEqual([2, 2]);
    expect(stage.calendar.counters.calls).toMatchObject({ list_events: 1, add_event: 1 });
  });

  test('whose asker declines is told so, and those who read along', async () => {
    const stage = await openSlackStage();
    await stage.open();
    const thread = await stage.ask(alice, day);
    await stage.follow(await stage.linkFor(alice, thread), 'alice', 'deny');
    await stage.hear(thread, /^I could not look: .*declined to sign in to "calendar"/u);
    await stage.hear(thread, /^<@U0ALICE> does not want to sign in to calendar/u);

    const again = await stage.ask(alice, '@planner connect calendar');
    await stage.follow(await stage.linkFor(alice, again), 'alice');
    await stage.hear(again, /^✅/u);
    const third = await stage.ask(alice, day);
    await stage.hear(third, /dentist/u);
    expect([thread, again, third].map((each) => stage.said(each).length)).toEqual([2, 1, 1]);
  });

  test('whose asker does not come in time is told so', async () => {
    const stage = await openSlackStage();
    const stepped = createSteppedClock();
    await stage.open({ clock: stepped.clock, storage: new MemoryBackend(stepped), signInTtlMs: 60_000 });
    const thread = await stage.ask(alice, day);
    await stage.linkFor(alice, thread);
    stepped.advance(61_000);
    await stage.hear(thread, /^I could not look: .*did not sign in to "calendar" in time/u);
    await stage.hear(thread, /^<@U0ALICE> did not sign in to calendar in time/u);
    expect(stage.calendar.seen).toEqual([]);
  });

  test('of a person who is not in the channel leads to a link in the conversation with them alone', async () => {
    const stage = await openSlackStage();
    await stage.open();
    const { api, workspace } = stage.slack;
    api.failures.set('chat.postEphemeral', ['user_not_in_channel']);
    const thread = await stage.ask(alice, day);
    await stage.hear(thread, /^⏳/u);
    const { id } = workspace.openDirect(alice);
    const isThere = () => workspace.messages.find(({ channel, isBot }) => channel === id && isBot);
    await expect.poll(isThere, { timeout: 20_000 }).toBeDefined();
    expect(isThere()!.text).toContain(`${stage.publicUrl}/postern/connect/`);
  });

  test('that cannot be answered is said to have failed, without the words of the error', async () => {
    const stage = await openSlackStage();
    await stage.open({ model: () => Promise.reject(new Error('CNRY of the provider')) });
    const thread = await stage.ask(alice, day);
    await stage.hear(thread, /^Something went wrong/u);
    expect(stage.said(thread)).toHaveLength(1);
  });
});

describe('two people', () => {
  test('who ask at once have links and answers of their own, and neither gets in by the other’s', async () => {
    const stage = await openSlackStage();
    await Promise.all([stage.open(), stage.open()]);
    const [hers, his] = await Promise.all([stage.ask(alice, day), stage.ask(bob, day)]);
    const [herLink, hisLink] = await Promise.all([stage.linkFor(alice, hers), stage.linkFor(bob, his)]);
    expect(herLink).not.toBe(hisLink);
    const turnedAway = await stage.follow(herLink, 'bob');
    expect([turnedAway.status, turnedAway.html.includes('This link is not valid')]).toEqual([404, true]);
    await stage.follow(hisLink, 'bob');
    await stage.hear(his, /Bob: dentist/u);
    // What bob did has neither used up nor finished what is hers.
    expect(stage.said(hers)).toHaveLength(1);
    await stage.follow(herLink, 'alice');
    await stage.hear(hers, /Alice: dentist/u);
    expect([stage.said(his).join().includes('Alice'), stage.said(hers).join().includes('Bob')]).toEqual([
      false,
      false,
    ]);
    const seen = stage.calendar.seen.map(({ subject }) => subject);
    expect(seen.toSorted()).toEqual(['alice', 'bob']);
  });

  test('have connections that each sees, and ends, alone', async () => {
    const stage = await openSlackStage();
    await stage.open();
    const { workspace, deliveries } = stage.slack;
    const thread = await stage.ask(alice, day);
    await stage.follow(await stage.linkFor(alice, thread), 'alice');
    await stage.hear(thread, /dentist/u);

    const { id } = workspace.openDirect(alice);
    const last = () => workspace.messages.findLast(({ channel, isBot }) => channel === id && isBot)?.text;
    // Asked where everybody reads, and told where nobody else does.
    await stage.ask(alice, '@planner connections');
    await expect.poll(last, { timeout: 20_000 }).toMatch(/^calendar: connected/u);
    await deliveries.deliver(
      deliveries.envelope({ type: 'app_home_opened', user: alice, tab: 'home', channel: id }),
    );
    await expect.poll(() => JSON.stringify(workspace.home.get(alice))).toContain('calendar: connected');
    await deliveries.deliver(
      deliveries.envelope({ type: 'app_home_opened', user: bob, tab: 'home', channel: general }),
    );
    await expect.poll(() => JSON.stringify(workspace.home.get(bob))).toContain('calendar: not connected');

    await stage.ask(alice, '@planner log out');
    await expect.poll(last, { timeout: 20_000 }).toMatch(/^calendar: disconnected/u);
    const after = await stage.ask(alice, day);
    await stage.linkFor(alice, after);
  });
});
