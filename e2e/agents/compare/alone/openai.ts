import {
  Agent,
  getAllMcpTools,
  MCPServerStreamableHttp,
  run,
  RunState,
  type FunctionTool,
} from '@openai/agents';
import { scriptedModel } from '../../openai-face.ts';
import { KeptProvider } from '../kept-provider.ts';
import { eachOnce } from '../each-once.ts';
import type { Player, Surroundings } from '../player.ts';

/** OpenAI's Agents SDK with its own client of MCP. Its tools need no approval by themselves; a policy is laid over one. */
export async function openOpenAIAlone({ directory, calendarUrl }: Surroundings): Promise<Player> {
  const model = scriptedModel([]);
  const agentOf = eachOnce(async ({ user }) => {
    const authProvider = new KeptProvider(directory, user);
    const server = new MCPServerStreamableHttp({ name: 'calendar', url: calendarUrl, authProvider });
    await server.connect();
    const tools = ((await getAllMcpTools([server])) as FunctionTool[]).map((one) =>
      one.name === 'share_calendar' ? { ...one, needsApproval: async () => true } : one,
    );
    return new Agent({ name: 'assistant', model, tools });
  });
  return {
    answer: async (ask) => String((await run(await agentOf(ask), JSON.stringify(ask.script))).finalOutput),
    pause: async (ask) => (await run(await agentOf(ask), JSON.stringify(ask.script))).state.toString(),
    goOn: async (ask, kept) => {
      const agent = await agentOf(ask);
      const state = await RunState.fromString(agent, kept);
      for (const item of state.getInterruptions()) state.approve(item);
      return (await run(agent, state)).finalOutput;
    },
  };
}
