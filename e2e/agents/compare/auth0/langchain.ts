import { BaseChatModel } from '@langchain/core/language_models/chat_models';
import { AIMessage, type BaseMessage } from '@langchain/core/messages';
import type { ChatResult } from '@langchain/core/outputs';
import { tool, type StructuredToolInterface } from '@langchain/core/tools';
import { MemorySaver } from '@langchain/langgraph';
import { createReactAgent } from '@langchain/langgraph/prebuilt';
import { z } from 'zod';
import { nextMove } from '../../script.ts';
import { openSaver } from '../open-saver.ts';
import { itWaits, type Ask, type Player, type Surroundings } from '../player.ts';
import { callCalendar, leadToStandIn, load, loadBeside, tenant } from './tenant.ts';
import { sessionOf } from './session.ts';

interface Auth0LangChain {
  readonly Auth0AI: new (options: object) => {
    withTokenForConnection(params: object): (tool: StructuredToolInterface) => StructuredToolInterface;
  };
  getAccessTokenForConnection(): string;
}

interface Interrupts {
  readonly FederatedConnectionError: new (message: string) => Error;
}

/** LangGraph 0.4 with Auth0's federated connections: a call without a token interrupts the graph, which is invoked again. */
export async function openAuth0LangChain({
  directory,
  calendarUrl,
  tenantUrl,
}: Surroundings): Promise<Player> {
  leadToStandIn(tenantUrl);
  const auth0 = load('@auth0/ai-langchain') as Auth0LangChain;
  const { FederatedConnectionError } = loadBeside(
    '@auth0/ai-langchain',
    '@auth0/ai/interrupts',
  ) as Interrupts;
  const withCalendar = new auth0.Auth0AI({ auth0: tenant }).withTokenForConnection({
    connection: 'calendar',
    scopes: ['calendar:read', 'calendar:write', 'calendar:share'],
  });
  const toolNamed = (name: string, schema: z.ZodObject<z.ZodRawShape>): StructuredToolInterface =>
    withCalendar(
      tool(
        async (args: Record<string, unknown>) => {
          const token = auth0.getAccessTokenForConnection();
          const text = await callCalendar(calendarUrl, token, { name, args });
          if (text === undefined)
            throw new FederatedConnectionError('Authorization required to access the Federated Connection');
          return text;
        },
        { name, description: name, schema },
      ) as unknown as StructuredToolInterface,
    );
  const { checkpointer, save } = openSaver(new MemorySaver(), directory);
  const agent = createReactAgent({
    llm: new ScriptedModel({}),
    tools: [toolNamed('whoami', z.object({})), toolNamed('share_calendar', z.object({ with: z.string() }))],
    checkpointer,
  });
  const invoke = async ({ user, thread }: Ask, input: unknown): Promise<string> => {
    const _credentials = { refreshToken: sessionOf(user) };
    const { messages } = await agent.invoke(input as Parameters<typeof agent.invoke>[0], {
      configurable: { thread_id: thread, _credentials },
    });
    return messages.at(-1)?.text ?? '';
  };
  const asked = ({ script }: Ask) => ({ messages: [{ role: 'user', content: JSON.stringify(script) }] });
  return {
    // Where it is interrupted, the last message is the call, without a text.
    answer: async (ask) => (await invoke(ask, asked(ask))) || itWaits,
    pause: async (ask) => {
      await invoke(ask, asked(ask));
      save();
      return ask.thread;
    },
    goOn: (ask) => invoke(ask, null),
  };
}

class ScriptedModel extends BaseChatModel {
  override _llmType(): string {
    return 'scripted';
  }

  override bindTools(): this {
    return this;
  }

  override async _generate(messages: BaseMessage[]): Promise<ChatResult> {
    const at = messages.findLastIndex((message) => message.getType() === 'human');
    const results = messages
      .slice(at)
      .flatMap((message) => (message.getType() === 'tool' ? [message.text] : []));
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
