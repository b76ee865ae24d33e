import type { Model, Prompt, ToolCall } from './model.ts';

/** Stands for a model where there is no key for one: what it does next, by what it was asked and has read. */
export const scriptedModel: Model = async (prompt) => {
  const { messages, tools } = prompt;
  const question = messages.find(({ from }) => from === 'person')?.text ?? '';
  const results = messages.flatMap((message) => (message.from === 'tool' ? [message.text] : []));
  const added = /add (.+) at (\d\d:\d\d)/iu.exec(question);
  if (added === null && !/today|day|calendar/iu.test(question)) {
    return answer('I look after calendars. Ask me what is on today, or to add something at a time.');
  }
  const wanted = added === null ? 'list_events' : 'add_event';
  const tool = tools.find(({ name }) => name === `calendar__${wanted}`);
  if (tool === undefined) {
    if (results.length > 0) return answer(`I could not look: ${results.at(-1)}`);
    const args = { service: 'calendar', reason: `To answer “${question}”` };
    return call(prompt, { name: 'request_authentication', args });
  }
  const result = results.find((text) => /\d\d:\d\d/u.test(text));
  if (result !== undefined) return answer(added === null ? `Today you have:\n${result}` : result);
  if (results.at(-1)?.startsWith('The call') === true) return answer(`I could not look: ${results.at(-1)}`);
  return call(prompt, { name: tool.name, args: added === null ? {} : { title: added[1], time: added[2] } });
};

function answer(text: string): Awaited<ReturnType<Model>> {
  return { text, calls: [] };
}

function call({ messages }: Prompt, { name, args }: Omit<ToolCall, 'id'>): Awaited<ReturnType<Model>> {
  return { text: '', calls: [{ id: `call-${messages.length}`, name, args }] };
}
