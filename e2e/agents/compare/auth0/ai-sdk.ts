import { AsyncLocalStorage } from 'node:async_hooks';
import { generateText, tool, type ModelMessage, type ToolSet } from 'ai';
import { MockLanguageModelV2 } from 'ai/test';
import { z } from 'zod';
import { nextMove } from '../../script.ts';
import { itWaits, type Ask, type Player, type Surroundings } from '../player.ts';
import { callCalendar, leadToStandIn, load, tenant } from './tenant.ts';
import { sessionOf } from './session.ts';

type AnyTool = ToolSet[string];

interface Auth0Vercel {
  readonly Auth0AI: new (options: object) => { withTokenVault(params: object): (tool: AnyTool) => AnyTool };
  getAccessTokenFromTokenVault(): string;
  runWithAIContext<T>(context: { threadID: string }, work: () => T): T;
}

interface Interrupts {
  readonly TokenVaultError: new (message: string) => Error;
  readonly TokenVaultInterrupt: new (message: string, params: object) => Error;
}

interface VercelInterrupts {
  readonly invokeTools: (options: {
    messages: readonly ModelMessage[];
    tools: ToolSet;
    onToolResult: (message: { content: { output: unknown }[] }) => void;
  }) => Promise<void>;
}

/** The AI SDK 5 with Auth0's token vault: a call without a token throws an interrupt, and its host has it made again. */
export async function openAuth0AiSdk({ calendarUrl, tenantUrl }: Surroundings): Promise<Player> {
  leadToStandIn(tenantUrl);
  const auth0 = load('@auth0/ai-vercel') as Auth0Vercel;
  const { TokenVaultError, TokenVaultInterrupt } = load('@auth0/ai/interrupts') as Interrupts;
  const { invokeTools } = load('@auth0/ai-vercel/interrupts') as VercelInterrupts;
  const session = new AsyncLocalStorage<string>();
  const withCalendar = new auth0.Auth0AI({ auth0: tenant }).withTokenVault({
    refreshToken: async () => session.getStore(),
    connection: 'calendar',
    scopes: ['calendar:read', 'calendar:write', 'calendar:share'],
  });
  const toolNamed = (name: string, inputSchema: z.ZodObject<z.ZodRawShape>): AnyTool =>
    withCalendar(
      tool({
        description: name,
        inputSchema,
        execute: async (args) => {
          const token = auth0.getAccessTokenFromTokenVault();
          const text = await callCalendar(calendarUrl, token, { name, args });
          if (text === undefined)
            throw new TokenVaultError('Authorization required to access the Token Vault');
          return text;
        },
      }) as AnyTool,
    );
  const tools = {
    whoami: toolNamed('whoami', z.object({})),
    share_calendar: toolNamed('share_calendar', z.object({ with: z.string() })),
  };
  const model = scriptedModel();
  const as = <T>({ user, thread }: Ask, work: () => Promise<T>): Promise<T> =>
    session.run(sessionOf(user), () => auth0.runWithAIContext({ threadID: thread }, work));
  /** Until there is an answer, or an interrupt: then without the failed results, as a browser has the conversation. */
  const generate = async (messages: readonly ModelMessage[]) => {
    const all = [...messages];
    for (;;) {
      const { content, response, text, finishReason } = await generateText({ model, tools, messages: all });
      const isInterrupted = content.some(
        (part) => part.type === 'tool-error' && part.error instanceof TokenVaultInterrupt,
      );
      const added = response.messages.filter(({ role }) => !isInterrupted || role !== 'tool');
      all.push(...added);
      if (isInterrupted || finishReason !== 'tool-calls') return { text, messages: all, isInterrupted };
    }
  };
  const questionOf = ({ script }: Ask): ModelMessage[] => [{ role: 'user', content: JSON.stringify(script) }];
  return {
    answer: (ask) =>
      as(ask, async () => {
        const { text, isInterrupted } = await generate(questionOf(ask));
        return isInterrupted ? itWaits : text;
      }),
    pause: (ask) =>
      as(ask, async () => {
        const { messages, isInterrupted } = await generate(questionOf(ask));
        if (!isInterrupted) throw new Error('it did not pause');
        return JSON.stringify(messages);
      }),
    goOn: (ask, kept) =>
      as(ask, async () => {
        const messages = JSON.parse(kept) as ModelMessage[];
        const results: ModelMessage[] = [];
        const onToolResult = (message: { content: { output: unknown }[] }): void => {
          const content = message.content.map((part) => ({
            ...part,
            output: { type: 'text', value: String(part.output) },
          }));
          results.push({ ...message, content } as unknown as ModelMessage);
        };
        await invokeTools({ messages, tools, onToolResult });
        return (await generate([...messages, ...results])).text;
      }),
  };
}

function scriptedModel(): MockLanguageModelV2 {
  const usage = { inputTokens: 1, outputTokens: 1, totalTokens: 2 };
  return new MockLanguageModelV2({
    doGenerate: async ({ prompt }) => {
      let question = '[]';
      let results: string[] = [];
      for (const { role, content } of prompt) {
        if (role === 'user') {
          const [part] = content;
          question = part?.type === 'text' ? part.text : '[]';
          results = [];
        } else if (role === 'tool') {
          for (const { output } of content) results.push(textOf(output.value));
        }
      }
      const move = nextMove(question, results);
      const isAnswer = 'answer' in move;
      return {
        warnings: [],
        usage,
        finishReason: isAnswer ? 'stop' : 'tool-calls',
        content: isAnswer
          ? [{ type: 'text', text: move.answer }]
          : move.calls.map(({ id, name, args }) => ({
              type: 'tool-call' as const,
              toolCallId: id,
              toolName: name,
              input: JSON.stringify(args),
            })),
      };
    },
  });
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value);
}
