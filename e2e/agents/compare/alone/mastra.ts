import { join } from 'node:path';
import { Mastra } from '@mastra/core';
import { Agent } from '@mastra/core/agent';
import { LibSQLStore } from '@mastra/libsql';
import { MCPClient } from '@mastra/mcp';
import { scriptedModel } from '../../scripted-model.ts';
import { eachOnce } from '../each-once.ts';
import { KeptProvider } from '../kept-provider.ts';
import type { Ask, Player, Surroundings } from '../player.ts';

/** Mastra with its own client of MCP, its approvals, and its storage. */
export async function openMastraAlone({ directory, calendarUrl }: Surroundings): Promise<Player> {
  const agent = new Agent({
    id: 'assistant',
    name: 'assistant',
    instructions: 'You help.',
    model: scriptedModel([]) as never,
  });
  const storage = new LibSQLStore({ id: 'compare', url: `file:${join(directory, 'mastra.db')}` });
  const mastra = new Mastra({ agents: { assistant: agent }, storage, logger: false });
  const assistant = mastra.getAgent('assistant');
  const toolsetsOf = eachOnce(async ({ user, thread }) => {
    const client = new MCPClient({
      id: `${user} in ${thread}`,
      servers: {
        calendar: {
          url: new URL(calendarUrl),
          authProvider: new KeptProvider(directory, user),
          requireToolApproval: ({ toolName }) => toolName === 'share_calendar',
        },
      },
    });
    return client.listToolsets();
  });
  const begin = async (ask: Ask) =>
    assistant.generate(JSON.stringify(ask.script), { toolsets: await toolsetsOf(ask), maxSteps: 20 });
  return {
    answer: async (ask) => (await begin(ask)).text,
    pause: async (ask) => {
      const { runId, suspendPayload } = await begin(ask);
      if (suspendPayload === undefined) throw new Error('it did not pause');
      return JSON.stringify({ runId, toolCallId: suspendPayload.toolCallId });
    },
    goOn: async (ask, kept) => {
      const paused = JSON.parse(kept) as { runId: string; toolCallId: string };
      const toolsets = await toolsetsOf(ask);
      return (await assistant.approveToolCallGenerate({ ...paused, toolsets, maxSteps: 20 })).text;
    },
  };
}
