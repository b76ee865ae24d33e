import { Command, MemorySaver } from '@langchain/langgraph';
import { MultiServerMCPClient } from '@langchain/mcp-adapters';
import { createAgent, humanInTheLoopMiddleware } from 'langchain';
import { ScriptedModel } from '../../langchain-face.ts';
import { eachOnce } from '../each-once.ts';
import { KeptProvider } from '../kept-provider.ts';
import { openSaver } from '../open-saver.ts';
import type { Ask, Player, Surroundings } from '../player.ts';

/** LangChain's agent with LangChain's adapters for MCP, and its own middleware for approvals. */
export async function openLangChainAlone({ directory, calendarUrl }: Surroundings): Promise<Player> {
  const { checkpointer, save } = openSaver(new MemorySaver(), directory);
  const agentOf = eachOnce(async ({ user }) => {
    const authProvider = new KeptProvider(directory, user);
    const client = new MultiServerMCPClient({
      throwOnLoadError: true,
      mcpServers: { calendar: { transport: 'http', url: calendarUrl, authProvider } },
    });
    return createAgent({
      model: new ScriptedModel([]),
      tools: await client.getTools(),
      middleware: [humanInTheLoopMiddleware({ interruptOn: { share_calendar: true } })],
      checkpointer,
    });
  });
  const invoke = async (ask: Ask, input: unknown): Promise<string> => {
    const agent = await agentOf(ask);
    const { messages } = await agent.invoke(input as Parameters<typeof agent.invoke>[0], {
      configurable: { thread_id: ask.thread },
    });
    return messages.at(-1)?.text ?? '';
  };
  const asked = ({ script }: Ask) => ({ messages: [{ role: 'user', content: JSON.stringify(script) }] });
  return {
    answer: (ask) => invoke(ask, asked(ask)),
    pause: async (ask) => {
      await invoke(ask, asked(ask));
      save();
      return ask.thread;
    },
    goOn: (ask) => invoke(ask, new Command({ resume: { decisions: [{ type: 'approve' }] } })),
  };
}
