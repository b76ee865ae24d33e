import { AgentRuns, type AgentRunsOptions, type AgentTool } from '../../src/agents/index.ts';
import type { ClientManager } from '../../src/client/index.ts';

/** What is said of a question so far: JSON, since it waits in the store while somebody signs in. */
interface Thought {
  readonly question: string;
  readonly results: readonly string[];
}

type Move =
  | { readonly call: string; readonly args: Readonly<Record<string, unknown>> }
  | { readonly answer: string };

/** Stands for a model: what it does next, by what it was asked and has read. A real one goes here. */
function think({ question, results }: Thought, tools: readonly AgentTool[]): Move {
  const calendar = tools.find(({ of }) => of?.server === 'calendar' && of.tool.name === 'list_events');
  if (!/today|day|calendar/iu.test(question)) return { answer: 'I plan days. Ask me what is on today.' };
  if (calendar === undefined && results.length === 0)
    return {
      call: 'request_authentication',
      args: { service: 'calendar', reason: 'To see what is on today.' },
    };
  if (calendar === undefined) return { answer: `I could not look: ${results.at(-1) ?? ''}` };
  const events = results.find((text) => /\d\d:\d\d/u.test(text));
  return events === undefined ? { call: calendar.name, args: {} } : { answer: `Today you have:\n${events}` };
}

/** The agent: it thinks and calls, until it has an answer or needs its person. */
export function planDays(
  manager: ClientManager,
  options: Pick<AgentRunsOptions<string, Thought, string>, 'tell' | 'onAnswer' | 'onFailure' | 'waitMs'>,
): AgentRuns<string, Thought, string> {
  return new AgentRuns<string, Thought, string>(manager, {
    name: 'plan-day',
    ...options,
    async advance(turn, from) {
      let thought = 'state' in from ? from.state : { question: from.input, results: [] };
      const tools = [...(await turn.getTools()), ...(await turn.getAuthTools())];
      for (let step = thought.results.length; step < 8; step++) {
        const move = think(thought, tools);
        if ('answer' in move) return move;
        const tool = tools.find(({ name }) => name === move.call);
        if (tool === undefined) return { answer: 'I have lost a tool.' };
        const call = { id: `step-${step}`, args: move.args };
        if ((await tool.needs(call)) !== undefined) return { state: thought };
        const { content } = await tool.call(call);
        const text = content.map((block) => (block.type === 'text' ? block.text : '')).join('\n');
        thought = { ...thought, results: [...thought.results, text] };
      }
      return { answer: 'I have thought long enough.' };
    },
  });
}
