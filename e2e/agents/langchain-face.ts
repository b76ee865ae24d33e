import { BaseChatModel } from '@langchain/core/language_models/chat_models';
import { AIMessage, type BaseMessage } from '@langchain/core/messages';
import type { ChatResult } from '@langchain/core/outputs';
import { Command, interrupt, MemorySaver } from '@langchain/langgraph';
import { createAgent, tool } from 'langchain';
import { langChainRuns, langChainTurn, type LangChainTurn } from '../../src/agents/langchain/index.ts';
import type { OpenFace } from './face.ts';
import { nextMove } from './script.ts';

const sdk = { tool, interrupt, MemorySaver };

type SdkTurn = LangChainTurn<ReturnType<typeof tool>, MemorySaver>;

/** LangChain's agent on LangGraph, with a model that does as its question says. */
export const openLangChain: OpenFace = (manager, { waitMs = 0, tell, onAnswer }) => {
  let notes = 0;
  const sent: string[] = [];
  const own = tool(() => `noted ${++notes}`, {
    name: 'note',
    description: 'Writes something down',
    schema: { type: 'object', properties: {} },
  });
  let payments = 0;
  const pay = tool(
    () => {
      interrupt({ question: 'May I pay?' });
      return `paid ${++payments}`;
    },
    {
      name: 'pay',
      description: 'Pays, when the host has been asked',
      schema: { type: 'object', properties: {} },
    },
  );
  const agentFor = async ({ tools, checkpointer, getSystemPrompt }: SdkTurn) =>
    createAgent({
      model: new ScriptedModel(sent),
      // Not a list with both spread: its types take such a tuple for none of theirs.
      tools: tools.concat([own, pay] as typeof tools),
      checkpointer,
      systemPrompt: await getSystemPrompt('You help.'),
    });
  const runs = langChainRuns(manager, {
    name: 'langchain',
    sdk,
    waitMs,
    tell,
    agent: agentFor,
    onAnswer: ({ contextId, metadata, answer }) => onAnswer({ contextId, metadata, text: answer }),
  });
  const asked = (script: unknown) => ({ messages: [{ role: 'user', content: JSON.stringify(script) }] });
  const config = { configurable: { thread_id: 'own' } };
  const lastOf = ({ messages }: { messages: readonly BaseMessage[] }): string => messages.at(-1)?.text ?? '';
  return {
    notes: () => notes,
    payments: () => payments,
    sent: () => sent.join('\n'),
    wake: (user, runId) => runs.wake(user, runId),
    start: async (user, script, metadata) => {
      const started = await runs.start(user, asked(script), { metadata });
      return started.status === 'answered' ? { text: started.answer } : { waiting: started.runId };
    },
    payTwice: async (user) => {
      const turn = await langChainTurn(await runs.turn(user), sdk);
      await (await agentFor(turn)).invoke(asked([[{ call: 'pay' }]]), config);
      const { storage, writes } = turn.checkpointer;
      const again = async (): Promise<void> => {
        const checkpointer = Object.assign(new MemorySaver(), structuredClone({ storage, writes }));
        const agent = await agentFor({ ...turn, checkpointer });
        await agent.invoke(new Command({ resume: true }), config);
      };
      await Promise.all([again(), again()]);
      await again();
      return payments;
    },
    forge: async (user, script) => {
      const agent = await agentFor(await langChainTurn(await runs.turn(user), sdk));
      await agent.invoke(asked(script), config);
      return lastOf(await agent.invoke(new Command({ resume: { approved: true } }), config));
    },
    twice: async (user, script, meanwhile) => {
      const turn = await langChainTurn(await runs.turn(user), sdk);
      const agent = await agentFor(turn);
      await agent.invoke(asked(script), config);
      await meanwhile();
      const { storage, writes } = structuredClone({
        storage: turn.checkpointer.storage,
        writes: turn.checkpointer.writes,
      });
      const again = async (): Promise<string> => {
        const checkpointer = Object.assign(new MemorySaver(), structuredClone({ storage, writes }));
        return lastOf(await (await agentFor({ ...turn, checkpointer })).invoke(null, config));
      };
      const both = await Promise.all([again(), again()]);
      return [...both, await again()];
    },
  };
};

export class ScriptedModel extends BaseChatModel {
  readonly #sent: string[];

  constructor(sent: string[]) {
    super({});
    this.#sent = sent;
  }

  override _llmType(): string {
    return 'scripted';
  }

  override bindTools(): this {
    return this;
  }

  override async _generate(messages: BaseMessage[]): Promise<ChatResult> {
    this.#sent.push(JSON.stringify(messages.map(({ type, content }) => [type, content])));
    const at = messages.findLastIndex(({ type }) => type === 'human');
    const results = messages.slice(at).flatMap((message) => (message.type === 'tool' ? [message.text] : []));
    const move = nextMove(messages[at]?.text ?? '[]', results);
    const message =
      'answer' in move
        ? new AIMessage(move.answer)
        : new AIMessage({
            content: '',
            tool_calls: move.calls.map(({ id, name, args }) => ({
              // Unique in its thread, as a model's are.
              id: `${id}_${at}`,
              name,
              args: args as Record<string, unknown>,
              type: 'tool_call' as const,
            })),
          });
    return { generations: [{ text: message.text, message }] };
  }
}
