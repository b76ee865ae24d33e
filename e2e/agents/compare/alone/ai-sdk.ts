import { createMCPClient } from '@ai-sdk/mcp';
import { generateText, isStepCount, type ModelMessage } from 'ai';
import { approved } from '../../ai-sdk-face.ts';
import { scriptedModel } from '../../scripted-model.ts';
import { eachOnce } from '../each-once.ts';
import { KeptProvider } from '../kept-provider.ts';
import type { Ask, Player, Surroundings } from '../player.ts';

/** The AI SDK with its own client of MCP, and its approvals signed. */
export async function openAiSdkAlone({ directory, calendarUrl }: Surroundings): Promise<Player> {
  const model = scriptedModel([]);
  const toolsOf = eachOnce(async ({ user }) => {
    const authProvider = new KeptProvider(directory, user);
    const client = await createMCPClient({ transport: { type: 'http', url: calendarUrl, authProvider } });
    return client.tools();
  });
  const generate = async (ask: Ask, messages: ModelMessage[]) =>
    generateText({
      model,
      messages,
      tools: await toolsOf(ask),
      toolApproval: ({ toolCall }) =>
        toolCall.toolName === 'share_calendar' ? 'user-approval' : 'not-applicable',
      experimental_toolApprovalSecret: 'the same in every process',
      stopWhen: isStepCount(20),
    });
  const questionOf = ({ script }: Ask): ModelMessage[] => [{ role: 'user', content: JSON.stringify(script) }];
  return {
    answer: async (ask) => (await generate(ask, questionOf(ask))).text,
    pause: async (ask) => {
      const { responseMessages } = await generate(ask, questionOf(ask));
      return JSON.stringify([...questionOf(ask), ...responseMessages]);
    },
    goOn: async (ask, kept) => (await generate(ask, approved(JSON.parse(kept) as ModelMessage[]))).text,
  };
}
