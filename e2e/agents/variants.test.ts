import { describe, expect, test, vi } from 'vitest';
import { openAiSdk } from './ai-sdk-face.ts';
import type { OpenFace } from './face.ts';
import { openLangChain } from './langchain-face.ts';
import { openMastra } from './mastra-face.ts';
import { openOpenAI } from './openai-face.ts';
import type { Script } from './script.ts';
import { openFaceStage, picture } from './stage.ts';

const ask = { call: 'request_authentication', args: { service: 'calendar', reason: 'to see your day' } };
const list = { call: 'calendar__list_events' };
const share = { call: 'calendar__share_calendar', args: { with: 'kim' } };
const note = { call: 'note' };
const patience = { timeout: 30_000 };

const faces: readonly (readonly [string, OpenFace])[] = [
  ['OpenAI’s Agents SDK', openOpenAI],
  ['the AI SDK', openAiSdk],
  ['LangChain', openLangChain],
  ['Mastra', openMastra],
];

describe.each(faces)('%s', (_name, open) => {
  test('pauses without a login, and answers with the tool’s data after it, in another process', async () => {
    const stage = await openFaceStage(open);
    const started = await stage.runs[0]!.start('alice', [[note], [ask], [list]], { thread: 't1' });
    expect(started).toEqual({ waiting: expect.any(String) });
    expect(stage.told).toMatchObject([
      { contextId: 'alice', service: 'calendar', metadata: { thread: 't1' } },
    ]);
    await stage.consent('alice');
    expect(await stage.managers[1]!.runDue()).toBe(1);
    expect(stage.answers).toMatchObject([{ contextId: 'alice', metadata: { thread: 't1' } }]);
    // All that was said before the pause is still known after it.
    expect(stage.answers[0]!.text).toMatch(/^noted 1\n---\n.*signed in.*\n---\n.*Alice: dentist 09:00/su);
    // Neither the link nor a token is ever sent to a model.
    const sent = stage.runs.map((runs) => runs.sent()).join('\n');
    expect(sent).toContain('not connected');
    expect(sent).not.toMatch(/\/connect\/|at_/u);
  });

  test('answers within the turn when the person is quick', async () => {
    const stage = await openFaceStage(open, { waitMs: 60_000 });
    const started = stage.runs[0]!.start('alice', [[ask], [list]]);
    await vi.waitFor(() => expect(stage.told).toHaveLength(1), patience);
    await stage.consent('alice');
    expect(await started).toEqual({ text: expect.stringContaining('Alice: dentist 09:00') });
  });

  test.each(['at once', 'one after the other'])('woken twice, %s, makes the call once', async (when) => {
    const stage = await openFaceStage(open);
    await stage.signIn('alice');
    const started = await stage.runs[0]!.start('alice', [[share], [share]]);
    const { waiting } = started as { waiting: string };
    await stage.consent('alice');
    const wakes = stage.runs.map((runs) => () => runs.wake('alice', waiting));
    const woken =
      when === 'at once'
        ? await Promise.all(wakes.map((wake) => wake()))
        : [await wakes[0]!(), await wakes[1]!()];
    await stage.managers[1]!.runDue();
    expect(woken.toSorted()).toEqual(['answered', 'nothing to do']);
    expect(stage.answers).toHaveLength(1);
    expect(stage.answers[0]!.text).toMatch(/again with the same arguments.*shared with kim/su);
    expect(stage.calendar.counters.calls['share_calendar']).toBe(1);
  });

  test('gone on with twice by a host that keeps its state itself makes the call once', async () => {
    const stage = await openFaceStage(open);
    await stage.signIn('alice');
    const texts = await stage.runs[0]!.twice('alice', [[share], [share]], () => stage.consent('alice'));
    expect(texts).toEqual(texts.map(() => expect.stringContaining('shared with kim')));
    expect(stage.calendar.counters.calls['share_calendar']).toBe(1);
  });

  test('is not moved by a forged approval', async () => {
    const stage = await openFaceStage(open);
    await stage.signIn('alice');
    const text = await stage.runs[0]!.forge('alice', [[share], [share]]);
    expect(text).toMatch(/the user has not finished signing in|^still paused$/u);
    expect(stage.calendar.counters.calls['share_calendar']).toBeUndefined();
  });

  test('does not run a sibling call again that was done before the pause', async () => {
    const stage = await openFaceStage(open);
    await stage.runs[0]!.start('alice', [[note, ask], [list]]);
    expect(stage.runs[0]!.notes()).toBe(1);
    await stage.consent('alice');
    await stage.managers[1]!.runDue();
    expect(stage.answers[0]!.text).toMatch(/noted 1[^]*Alice: dentist/u);
    expect(stage.runs[1]!.notes()).toBe(0);
  });

  test('fails the turn when its person cannot be told', async () => {
    const tell = (): never => {
      throw new Error('the chat is away');
    };
    const stage = await openFaceStage(open, { tell });
    await expect(stage.runs[0]!.start('alice', [[ask], [list]])).rejects.toThrow('the chat is away');
  });

  test('goes on with all calls that paused at once, and tells their person once', async () => {
    const stage = await openFaceStage(open);
    const again = { ...ask, args: { ...ask.args, reason: 'to plan it' } };
    await stage.runs[0]!.start('alice', [[ask, again], [list]]);
    expect(stage.told).toHaveLength(1);
    await stage.consent('alice');
    await stage.managers[1]!.runDue();
    expect(stage.answers[0]!.text).toMatch(/(?:signed in.*){2}Alice: dentist/su);
    expect(stage.calendar.counters.calls['list_events']).toBe(1);
  });

  test('leaves an approval of the host’s own to the host', async () => {
    const stage = await openFaceStage(open);
    await stage.runs[0]!.start('alice', [[{ call: 'pay' }, ask], [list]]);
    expect(stage.told).toHaveLength(1);
    await stage.consent('alice');
    await stage.managers[1]!.runDue();
    expect(stage.answers).toHaveLength(1);
    expect(stage.runs.map((runs) => runs.payments())).toEqual([0, 0]);
  });

  test('answers a new message during the pause, and then the first question', async () => {
    const stage = await openFaceStage(open);
    await stage.runs[0]!.start('alice', [[ask], [list]], { question: 1 });
    const second = await stage.runs[0]!.start('alice', [[note]], { question: 2 });
    expect(second).toEqual({ text: 'noted 1' });
    await stage.consent('alice');
    await stage.managers[0]!.runDue();
    expect(stage.answers).toMatchObject([{ metadata: { question: 1 } }]);
    expect(stage.answers[0]!.text).toContain('Alice: dentist');
    expect(stage.calendar.counters.calls['list_events']).toBe(1);
  });

  test.each<[string, Script]>([
    ['asked for', [[ask]]],
    ['that a call waits for', [[share], [share]]],
  ])('says that a sign-in %s was declined', async (_what, script) => {
    const stage = await openFaceStage(open);
    if (script[0]![0] === share) await stage.signIn('alice');
    await stage.runs[0]!.start('alice', script);
    await stage.decline('alice');
    await stage.managers[1]!.runDue();
    expect(stage.answers[0]!.text).toContain('the user declined to sign in to "calendar"');
    expect(stage.calendar.counters.calls['share_calendar']).toBeUndefined();
  });

  test('says that nobody signed in in time', async () => {
    const stage = await openFaceStage(open);
    await stage.runs[0]!.start('alice', [[ask]]);
    stage.time.advance(11 * 60_000);
    await stage.managers[1]!.runDue();
    expect(stage.answers[0]!.text).toContain('did not sign in to "calendar" in time');
    expect(stage.told).toHaveLength(1);
  });

  test('gives the model all of a result: pictures, structured content, and that it is an error', async () => {
    const stage = await openFaceStage(open);
    await stage.signIn('alice');
    const script = [[{ call: 'calendar__picture' }], [{ call: 'calendar__broken' }]];
    const started = (await stage.runs[0]!.start('alice', script)) as { text: string };
    const [whole = '', broken = ''] = started.text.split('\n---\n');
    expect(whole).toContain('The day as a picture');
    expect(whole).toContain('{"free":["13:00"]}');
    expect(stage.runs[0]!.sent()).toContain(picture);
    expect(broken).toMatch(/answered with an error:\s+the calendar is being repaired/u);
  });

  test('serves two people at once, each with their own', async () => {
    const stage = await openFaceStage(open);
    await Promise.all(['alice', 'bob'].map((user) => stage.runs[0]!.start(user, [[ask], [list]])));
    await stage.consent('bob');
    await stage.managers[1]!.runDue();
    expect(stage.answers).toMatchObject([{ contextId: 'bob' }]);
    await stage.consent('alice');
    await stage.managers[0]!.runDue();
    expect(stage.answers.map(({ text }) => /(?:Alice|Bob): dentist/u.exec(text)?.[0])).toEqual([
      'Bob: dentist',
      'Alice: dentist',
    ]);
  });
});

const streaming = faces.filter(([, open]) => open !== openLangChain);

test.each(streaming)('%s: a turn that streams pauses and goes on as well', async (_name, open) => {
  let pieces = 0;
  const stage = await openFaceStage(open, { onPiece: () => pieces++ });
  expect(await stage.runs[0]!.start('alice', [[note], [ask], [list]])).toEqual({
    waiting: expect.any(String),
  });
  const before = pieces;
  await stage.consent('alice');
  await stage.managers[1]!.runDue();
  expect(stage.answers[0]!.text).toMatch(/^noted 1\n---\n.*signed in.*\n---\n.*Alice: dentist/su);
  expect([before > 0, pieces > before]).toEqual([true, true]);
});

test.each(faces)(
  '%s alone goes on with one approval as often as it is told to: what ours are there for',
  async (_name, open) => {
    const stage = await openFaceStage(open);
    // Mastra forgets what it was suspended with once it has gone on, so the third finds nothing.
    const times = open === openMastra ? 2 : 3;
    expect(await stage.runs[0]!.payTwice('alice')).toBe(times);
  },
);
