import { describe, expect, test } from 'vitest';
import { questionIn } from '../../examples/slack-bot/events.ts';
import { Questions } from '../../examples/slack-bot/questions.ts';
import { MemoryBackend, type StorageBackend } from '../../src/index.ts';
import { alice, general, openSlackStage, type SlackStage } from './stage.ts';

const day = '@planner What is on today?';

/** Signs alice in, so that what she asks is answered at once. */
async function connect(stage: SlackStage): Promise<void> {
  const thread = await stage.ask(alice, day);
  await stage.follow(await stage.linkFor(alice, thread), 'alice');
  await stage.hear(thread, /dentist/u);
}

/** A store that fails a number of times to keep a question, or says so although it has kept it. */
function refusing({ times, isDone }: { times: number; isDone: boolean }): StorageBackend {
  const storage = new MemoryBackend();
  let left = times;
  return {
    capabilities: storage.capabilities,
    get: (key) => storage.get(key),
    list: (prefix, page) => storage.list(prefix, page),
    signal: (channel) => storage.signal(channel),
    listen: (channel, wake) => storage.listen(channel, wake),
    close: () => storage.close(),
    async commit(changes) {
      const isQuestion = changes.some((change) => 'put' in change && change.put[2] === 'heard');
      if (!isQuestion || left-- <= 0) return storage.commit(changes);
      if (isDone) await storage.commit(changes);
      throw new Error('the disk is full');
    },
  };
}

describe('a delivery', () => {
  test('is acknowledged before anything is thought', async () => {
    const stage = await openSlackStage();
    const { promise: thought, resolve: think } = Promise.withResolvers<void>();
    const slow = async () => {
      await thought;
      return { text: 'At last.', calls: [] };
    };
    await stage.open({ model: slow });
    const { deliveries, message } = await stage.slack.write({ user: alice, channel: general, text: day });
    expect(deliveries).toMatchObject([{ status: 200 }]);
    expect(deliveries[0]!.tookMs).toBeLessThan(3_000);
    expect(stage.said(message.ts)).toEqual([]);
    think();
    await stage.hear(message.ts, /At last/u);
  });

  test('that comes again, as Slack’s retries do, or as another event, at whichever process, is answered once', async () => {
    const stage = await openSlackStage();
    await Promise.all([stage.open(), stage.open()]);
    await connect(stage);
    const { workspace, deliveries } = stage.slack;
    const message = workspace.add({
      channel: general,
      user: alice,
      isBot: false,
      text: `<@${workspace.bot.user}> Add lunch at 12:15`,
    });
    const [event, another] = [deliveries.messageEvent(message), deliveries.messageEvent(message)];
    const sent = await Promise.all([
      deliveries.send(event),
      deliveries.send(event),
      deliveries.send(another),
      deliveries.send(event, { retry: { num: 1, reason: 'http_timeout' } }),
      deliveries.send(event, { retry: { num: 2, reason: 'http_timeout' } }),
    ]);
    expect(sent.map(({ status }) => status)).toEqual([200, 200, 200, 200, 200]);
    await stage.hear(message.ts, /Added for alice/u);
    await deliveries.send(event, { retry: { num: 3, reason: 'http_error' } });
    // What a doubled delivery would have begun is over before this is answered.
    const later = await stage.ask(alice, day);
    await stage.hear(later, /dentist/u);
    expect(stage.said(message.ts)).toHaveLength(1);
    expect(stage.calendar.counters.calls['add_event']).toBe(1);
  });

  test.each([
    ['signed with another secret', { signedWith: 'of somebody else' }],
    ['signed ten minutes ago', { signedAt: Math.floor(Date.now() / 1_000) - 600 }],
  ])('that is %s does nothing', async (_how, options) => {
    const stage = await openSlackStage();
    await stage.open();
    const { workspace, deliveries } = stage.slack;
    const message = workspace.add({ channel: general, user: alice, isBot: false, text: '<@U0PLANNER> hi' });
    const forged = await deliveries.send(deliveries.messageEvent(message), options);
    expect(forged.status).toBe(401);
    const later = await stage.ask(alice, '@planner hi');
    await stage.hear(later, /calendars/u);
    expect([stage.said(message.ts), stage.prompts.length]).toEqual([[], 1]);
  });

  test('is asked for again while its question cannot be kept, and then answered once', async () => {
    const stage = await openSlackStage();
    await stage.open({ storage: refusing({ times: 2, isDone: false }) });
    const text = '@planner hi';
    const { message, deliveries } = await stage.slack.write({ user: alice, channel: general, text });
    expect(deliveries.map(({ status }) => status)).toEqual([500, 500, 200]);
    await stage.hear(message.ts, /calendars/u);
    expect(stage.said(message.ts)).toHaveLength(1);
  });

  test('of which nobody knows whether it was kept is not lost without a word', async () => {
    const stage = await openSlackStage();
    await stage.open({ storage: refusing({ times: 1, isDone: true }) });
    const text = '@planner hi';
    const { message, deliveries } = await stage.slack.write({ user: alice, channel: general, text });
    expect(deliveries.map(({ status }) => status)).toEqual([500, 200]);
    await stage.hear(message.ts, /^I was interrupted/u);
    expect([stage.said(message.ts).length, stage.prompts.length]).toEqual([1, 0]);
  });

  test('of anything but a question to the bot is acknowledged, and nothing else', async () => {
    const stage = await openSlackStage();
    await stage.open();
    const { deliveries, workspace } = stage.slack;
    const { id } = workspace.openDirect(alice);
    const direct = { type: 'message', channel_type: 'im', channel: id, user: alice, text: 'x', ts: '1.1' };
    for (const event of [
      { ...direct, subtype: 'message_changed' },
      { ...direct, bot_id: 'B0OTHER' },
      { ...direct, channel_type: 'channel', channel: general },
      { type: 'reaction_added', user: alice, reaction: 'eyes', item: {} },
    ])
      expect((await deliveries.send(deliveries.envelope(event))).status).toBe(200);
    const later = await stage.ask(alice, '@planner hi');
    await stage.hear(later, /calendars/u);
    expect(stage.prompts).toHaveLength(1);
  });
});

test('a question that nobody has begun with is left to others, once its time is over', async () => {
  const storage = new MemoryBackend();
  const [here, there] = [0, 1].map(() => new Questions(storage, { leaseMs: 3_000, now: Date.now }));
  const place = { channel: general, user: alice, thread: '1.1' };
  const [begun, dropped] = ['1', '2'].map((id) => ({ id, person: 'alice', place, text: 'x' }));
  const kept = await here!.take(begun!);
  kept!.keep();
  await here!.take(dropped!);
  expect(await there!.takeLeft()).toEqual([]);
  const left = async () => (await there!.takeLeft()).map(({ question }) => question.id);
  await expect.poll(left, { timeout: 20_000 }).toEqual(['2']);
  expect(await there!.take(begun!)).toBeUndefined();
  await kept!.end();
});

describe('what somebody wrote', () => {
  const event = {
    type: 'app_mention',
    channel: general,
    user: alice,
    ts: '1.2',
    text: '<@U0PLANNER>  is 1 &lt; 2 &amp; 3 &gt; 2?',
  };
  const of = (more: object) =>
    questionIn({ body: { type: 'event_callback', team_id: 'T1', event: { ...event, ...more } } });

  test('is read without the bot’s name, and as they wrote it', () => {
    expect(of({})).toEqual({
      id: `${general}:1.2`,
      person: `slack T1 ${alice}`,
      place: { channel: general, user: alice, thread: '1.2' },
      text: 'is 1 < 2 & 3 > 2?',
    });
  });

  test('is said in its thread, by a person of the workspace they are of', () => {
    expect(of({ thread_ts: '1.1', team: 'T1', user_team: 'T2' })).toMatchObject({
      person: `slack T2 ${alice}`,
      place: { thread: '1.1' },
    });
  });
});
