import type { CallToolResult } from '@modelcontextprotocol/client';
import { onTestFinished } from 'vitest';
import {
  AgentRuns,
  type AgentRunsOptions,
  type RunAnswer,
  type SignInRequest,
} from '../../src/agents/index.ts';
import type { ClientManager } from '../../src/client/index.ts';
import { openStage, textOf, type Stage, type StageOptions } from '../support/stage.ts';
import { walk } from '../heart/walk.ts';

/** What a model calls: a tool, by the name it knows it by. */
export interface Step {
  readonly call: string;
  readonly args?: Record<string, unknown>;
}

interface Progress {
  readonly steps: readonly Step[];
  readonly results: readonly string[];
}

export type ScriptedRuns = AgentRuns<readonly Step[], Progress, readonly string[]>;

/** An agent without a framework: it calls tools as its script says, one after the other, and answers with their results. */
export function scriptedRuns(
  manager: ClientManager,
  options: Pick<AgentRunsOptions<readonly Step[], Progress, readonly string[]>, 'tell' | 'onAnswer'> &
    Partial<AgentRunsOptions<readonly Step[], Progress, readonly string[]>>,
): ScriptedRuns {
  return new AgentRuns(manager, {
    name: 'answer',
    waitMs: 0,
    async advance(turn, from) {
      const { steps, results: before } = 'state' in from ? from.state : { steps: from.input, results: [] };
      const tools = [...(await turn.getTools()), ...(await turn.getAuthTools())];
      const results = [...before];
      for (const [index, { call, args = {} }] of steps.entries()) {
        if (index < before.length) continue;
        const tool = tools.find(({ name }) => name === call);
        if (tool === undefined) {
          results.push(`no tool ${call}`);
          continue;
        }
        const id = `call-${index}`;
        if ((await tool.needs({ id, args })) !== undefined) return { state: { steps, results } };
        results.push(textIn(await tool.call({ id, args })));
      }
      return { answer: results };
    },
    ...options,
  });
}

function textIn(result: CallToolResult): string {
  return `${result.isError === true ? 'error: ' : ''}${textOf(result)}`;
}

export interface AgentStage extends Stage {
  /** One for each host. */
  readonly runs: readonly ScriptedRuns[];
  readonly told: SignInRequest[];
  readonly answers: RunAnswer<readonly string[]>[];
  /** Has a person go through the link that they were told last. */
  consent(user: string): Promise<void>;
  /** Has them refuse there. */
  decline(user: string): Promise<void>;
}

/** Agents of many users, in as many processes as there are hosts, with a calendar behind a sign-in. */
export async function openAgentStage(
  options: StageOptions & { readonly runs?: Partial<Parameters<typeof scriptedRuns>[1]> } = {},
): Promise<AgentStage> {
  const stage = await openStage(options);
  const told: SignInRequest[] = [];
  const answers: RunAnswer<readonly string[]>[] = [];
  const runs = stage.managers.map((manager) =>
    scriptedRuns(manager, {
      tell: (request) => void told.push(request),
      onAnswer: (answer) => void answers.push(answer),
      ...options.runs,
    }),
  );
  const linkOf = (user: string): string => {
    const { challenge } = told.findLast(({ contextId }) => contextId === user) ?? {};
    if (challenge === undefined) throw new Error(`${user} was told of nothing`);
    return challenge.url;
  };
  return {
    ...stage,
    runs,
    told,
    answers,
    consent: async (user) => {
      stage.as.approveAs(user);
      const page = await walk(await stage.host.openBrowser(user), linkOf(user));
      if (page.status !== 200) throw new Error(`the sign-in ended with status ${page.status}`);
    },
    decline: async (user) => {
      const { pendings } = stage.coordinator;
      const { challenge } = told.findLast(({ contextId }) => contextId === user)!;
      const pending = await (await pendings.locate(challenge.pendingId))!.get(challenge.pendingId);
      await stage.coordinator.interactions.decline(pending!);
    },
  };
}

/** Has all hosts resume what is parked, until the test ends. */
export async function startAll(stage: AgentStage): Promise<void> {
  await Promise.all(stage.managers.map((manager) => manager.start()));
  onTestFinished(async () => void (await Promise.all(stage.managers.map((manager) => manager.stop()))));
}
