import { expect, onTestFinished, test } from 'vitest';
import { openListener } from '../../demo/open-listener.ts';
import { chatCompletions } from '../../examples/slack-bot/chat-completions.ts';
import { modelFromEnv } from '../../examples/slack-bot/model-from-env.ts';
import { scriptedModel } from '../../examples/slack-bot/scripted-model.ts';
import { alice, openSlackStage } from './stage.ts';

interface Sent {
  readonly messages: readonly { role: string; content: string; tool_calls?: { id: string }[] }[];
  readonly tools?: readonly { function: { name: string } }[];
}

test('a model behind the Chat Completions API answers in a thread, over the same pause', async () => {
  const sent: Sent[] = [];
  const provider = await openListener({
    handler: async (request) => {
      expect(request.headers.get('authorization')).toBe('Bearer CNRYzsecretz-of-the-provider');
      const body = (await request.json()) as Sent;
      sent.push(body);
      const last = body.messages.at(-1)!;
      const call = (name: string, args: object) => ({
        content: null,
        tool_calls: [{ id: `c${sent.length}`, function: { name, arguments: JSON.stringify(args) } }],
      });
      const names = (body.tools ?? []).map((tool) => tool.function.name);
      const message =
        last.role === 'user'
          ? call('request_authentication', { service: 'calendar', reason: 'your day' })
          : names.includes('calendar__list_events') && !last.content.includes('dentist')
            ? call('calendar__list_events', {})
            : { content: `As I read it: ${last.content}` };
      return Response.json({ choices: [{ message }] });
    },
  });
  onTestFinished(() => provider.close());
  const stage = await openSlackStage();
  const key = 'CNRYzsecretz-of-the-provider';
  await stage.open({ model: chatCompletions({ key, model: 'any', baseUrl: provider.origin }) });
  const thread = await stage.ask(alice, '@planner What is on today?');
  const link = await stage.linkFor(alice, thread);
  await stage.follow(link, 'alice');
  await stage.hear(thread, /As I read it: Alice: dentist/u);
  const { messages } = sent.at(-1)!;
  expect(messages.map(({ role }) => role)).toEqual([
    'system',
    'user',
    'assistant',
    'tool',
    'assistant',
    'tool',
  ]);
  expect(JSON.stringify(sent)).not.toContain(link.slice(-20));
});

test('a model that is not there is said to the asker as a failure', async () => {
  const provider = await openListener({ handler: () => new Response('CNRYzsecretz', { status: 500 }) });
  onTestFinished(() => provider.close());
  const stage = await openSlackStage();
  await stage.open({ model: chatCompletions({ key: 'x', model: 'any', baseUrl: provider.origin }) });
  const thread = await stage.ask(alice, '@planner What is on today?');
  await stage.hear(thread, /^Something went wrong/u);
  expect(stage.said(thread)).toHaveLength(1);
});

test('without a key the model is the scripted one', () => {
  expect(modelFromEnv({})).toBe(scriptedModel);
  expect(modelFromEnv({ OPENAI_API_KEY: 'x' })).not.toBe(scriptedModel);
});
