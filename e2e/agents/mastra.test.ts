import { setTimeout as sleep } from 'node:timers/promises';
import { Agent } from '@mastra/core/agent';
import { InMemoryStore } from '@mastra/core/storage';
import { createTool } from '@mastra/core/tools';
import { expect, test } from 'vitest';
import { mastraRuns, type MastraRunsOptions } from '../../src/agents/mastra/index.ts';
import { failureOf } from '../../test/support/stage.ts';
import { openMastra, openMastraAgent } from './mastra-face.ts';
import { scriptedModel } from './scripted-model.ts';
import { openFaceStage } from './stage.ts';

const ask = { call: 'request_authentication', args: { service: 'calendar', reason: 'to see your day' } };
const share = { call: 'calendar__share_calendar', args: { with: 'kim' } };

type Options = MastraRunsOptions<ReturnType<typeof createTool>, Agent, string, unknown>;

const optionsFor = (agent: Agent, told: unknown[] = []): Options => ({
  name: 'answer',
  sdk: { createTool },
  waitMs: 0,
  agent: () => agent,
  tell: (request) => void told.push(request),
  onAnswer: () => {},
});

test('a model that resumes a call with data of its own moves nothing: that waits as well', async () => {
  const stage = await openFaceStage(openMastra);
  await stage.signIn('alice');
  const resumed = { ...share.args, resumeData: { approved: true }, suspendedToolCallId: 'call_0_0' };
  const started = await stage.runs[0]!.start('alice', [[share], [{ ...share, args: resumed }]]);
  expect(started).toEqual({ waiting: expect.any(String) });
  expect(stage.calendar.counters.calls['share_calendar']).toBeUndefined();
  await stage.consent('alice');
  await stage.managers[1]!.runDue();
  expect(stage.answers[0]!.text).toContain('shared with kim');
  expect(stage.calendar.counters.calls['share_calendar']).toBe(1);
});

test('while a person is waited for Mastra has nothing that anybody could resume, however slow its storage is', async () => {
  const stage = await openFaceStage(openMastra);
  const storage = new InMemoryStore();
  const workflows = storage.stores.workflows!;
  const persist = workflows.persistWorkflowSnapshot.bind(workflows);
  workflows.persistWorkflowSnapshot = async (run) => {
    await sleep(200);
    await persist(run);
  };
  const agent = openMastraAgent([], {}, storage);
  const runs = mastraRuns(stage.managers[0]!, optionsFor(agent, stage.told));
  const { status, runId } = await runs.start('alice', JSON.stringify([[ask]]));
  expect(status).toBe('waiting');
  expect(await agent.listSuspendedRuns()).toMatchObject({ runs: [], total: 0 });
  expect(String(await failureOf(agent.resumeGenerate({ approved: true }, { runId })))).toContain(
    'could not find',
  );
  await stage.consent('alice');
  expect(await runs.wake('alice', runId)).toBe('answered');
});

test('an agent without a Mastra is refused before its model is asked', async () => {
  const stage = await openFaceStage(openMastra);
  const sent: string[] = [];
  const model = scriptedModel(sent) as never;
  const agent = new Agent({ id: 'assistant', name: 'assistant', model, instructions: 'You help.' });
  const runs = mastraRuns(stage.managers[0]!, optionsFor(agent));
  await expect(runs.start('alice', JSON.stringify([[ask]]))).rejects.toMatchObject({
    code: 'ERR_POSTERN_CONFIG_MISCONFIGURED',
    hint: expect.stringContaining('new Mastra'),
  });
  expect(sent).toEqual([]);
});

test('an approval of the host’s own comes first, where Mastra makes one call after the other', async () => {
  const stage = await openFaceStage(openMastra);
  const pay = createTool({
    id: 'pay',
    description: 'Pays',
    inputSchema: { type: 'object', properties: {} },
    requireApproval: true,
    execute: async () => 'paid',
  });
  const agent = openMastraAgent([], { pay });
  const runs = mastraRuns(stage.managers[0]!, {
    ...optionsFor(agent, stage.told),
    answerOf: ({ finishReason }) => finishReason,
  });
  const { status, answer } = (await runs.start('alice', JSON.stringify([[{ call: 'pay' }, ask]]))) as {
    status: string;
    answer?: unknown;
  };
  expect([status, answer, stage.told]).toEqual(['answered', 'suspended', []]);
  expect((await agent.listSuspendedRuns()).runs).toMatchObject([{ toolCalls: [{ toolName: 'pay' }] }]);
});
