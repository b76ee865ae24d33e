import { Agent } from '@mastra/core/agent';
import { Mastra } from '@mastra/core/mastra';
import { InMemoryStore } from '@mastra/core/storage';
import { createTool } from '@mastra/core/tools';
import { putSnapshots, takeSnapshots } from '../../src/agents/mastra/kept-snapshots.ts';
import { mastraRuns, mastraTurn, type MastraTurn } from '../../src/agents/mastra/index.ts';
import type { Turn } from '../../src/agents/index.ts';
import type { OpenFace } from './face.ts';
import { scriptedModel } from './scripted-model.ts';

const sdk = { createTool };
const noArguments = { type: 'object', properties: {} } as const;

type SdkTurn = MastraTurn<ReturnType<typeof createTool>>;

/** An agent with a model that does as its question says, and with these tools of its host. */
export function openMastraAgent(
  sent: string[],
  tools: Record<string, ReturnType<typeof createTool>> = {},
  storage: InMemoryStore = new InMemoryStore(),
): Agent {
  const assistant = new Agent({
    id: 'assistant',
    name: 'assistant',
    // Its types are of another minor of the same interface.
    model: scriptedModel(sent) as never,
    instructions: 'You help.',
    tools,
  });
  const mastra = new Mastra({ agents: { assistant }, storage, logger: false });
  return mastra.getAgent('assistant');
}

/** Mastra, with a model that does as its question says. */
export const openMastra: OpenFace = (manager, { waitMs = 0, onPiece, tell, onAnswer }) => {
  let notes = 0;
  let payments = 0;
  const sent: string[] = [];
  const note = createTool({
    id: 'note',
    description: 'Writes something down',
    inputSchema: noArguments,
    execute: async () => `noted ${++notes}`,
  });
  const pay = createTool({
    id: 'pay',
    description: 'Pays, when the host has been asked',
    inputSchema: noArguments,
    execute: async (_args, { agent }) =>
      agent?.resumeData === undefined ? agent?.suspend({ question: 'May I pay?' }) : `paid ${++payments}`,
  });
  const openAgent = (): Agent => openMastraAgent(sent, { note, pay });
  const assistant = openAgent();
  const generateOptions = async ({ getSystemPrompt }: SdkTurn) => ({
    instructions: await getSystemPrompt('You help.'),
    maxSteps: 20,
  });
  const runs = mastraRuns(manager, {
    name: 'mastra',
    sdk,
    waitMs,
    tell,
    agent: () => assistant,
    generateOptions,
    onStream:
      onPiece &&
      (async ({ fullStream }) => {
        for await (const _piece of fullStream) onPiece();
      }),
    onAnswer: ({ contextId, metadata, answer }) => onAnswer({ contextId, metadata, text: answer }),
  });
  /** As a host that calls Mastra itself. */
  const optionsOf = async (turn: Turn) => {
    const seen = await mastraTurn(turn, sdk);
    return { ...(await generateOptions(seen)), runId: turn.runId, toolsets: { postern: seen.tools } };
  };
  return {
    notes: () => notes,
    payments: () => payments,
    sent: () => sent.join('\n'),
    wake: (user, runId) => runs.wake(user, runId),
    start: async (user, script, metadata) => {
      const started = await runs.start(user, JSON.stringify(script), { metadata });
      return started.status === 'answered' ? { text: started.answer } : { waiting: started.runId };
    },
    payTwice: async (user) => {
      const options = await optionsOf(await runs.turn(user));
      await assistant.generate(JSON.stringify([[{ call: 'pay' }]]), options);
      const again = () => assistant.resumeGenerate({ approved: true }, options);
      await Promise.all([again(), again()]);
      await again().catch(() => {});
      return payments;
    },
    forge: async (user, script) => {
      const options = await optionsOf(await runs.turn(user));
      await assistant.generate(JSON.stringify(script), options);
      const { text, finishReason } = await assistant.resumeGenerate({ approved: true }, options);
      return finishReason === 'suspended' ? 'still paused' : text;
    },
    twice: async (user, script, meanwhile) => {
      const turn = await runs.turn(user);
      const options = await optionsOf(turn);
      await assistant.generate(JSON.stringify(script), options);
      const kept = await takeSnapshots(assistant, turn.runId);
      await meanwhile();
      const again = async (): Promise<string> => {
        const elsewhere = openAgent();
        await putSnapshots(elsewhere, turn.runId, structuredClone(kept));
        return (await elsewhere.resumeGenerate(undefined, options)).text;
      };
      const both = await Promise.all([again(), again()]);
      return [...both, await again()];
    },
  };
};
