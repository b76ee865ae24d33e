import { expect, test } from 'vitest';
import { modelNameOf } from '../../src/agents/agent-tool.ts';
import type { AccountsOf } from '../../src/agents/index.ts';
import { placeAlias } from '../../src/client/account-alias.ts';
import { walk } from '../heart/walk.ts';
import { challengeOf } from '../support/stage.ts';
import { openAgentStage, type AgentStage } from './scripted-agent.ts';

const both: AccountsOf = () => ['default', 'work'];
const workList = await modelNameOf(placeAlias('calendar', 'work'), 'list_events');
const askWork = {
  call: 'request_authentication',
  args: { service: 'calendar/work', reason: 'to see your day at work' },
};

/** Alice's account at work is the one that the provider knows as Bob's. */
async function consentAtWork(stage: AgentStage, link: string): Promise<void> {
  stage.as.approveAs('bob');
  const page = await walk(await stage.host.openBrowser('alice'), link);
  expect(page.status).toBe(200);
}

test('of a person with two accounts at a server each has tools of its own, and they are told apart', async () => {
  const stage = await openAgentStage({ runs: { accountsOf: both } });
  await stage.signIn('alice');
  const client = await stage.manager.getClient('alice');
  const { url } = await challengeOf(client.session('calendar', { alias: 'work' }).callTool('whoami', {}));
  await consentAtWork(stage, url);
  const turn = await stage.runs[0]!.turn('alice');
  const tools = await turn.getTools();
  const listing = tools.filter(({ of }) => of?.tool.name === 'list_events');
  expect(listing.map(({ name, of }) => [name, of?.alias])).toEqual([
    ['calendar__list_events', 'default'],
    [workList, 'work'],
  ]);
  expect(listing[1]!.description).toContain('With the user\'s account "work".');
  const [own, atWork] = await Promise.all(listing.map((tool) => tool.call({ id: tool.name, args: {} })));
  expect(JSON.stringify(own)).toContain('Alice: dentist');
  expect(JSON.stringify(atWork)).toContain('Bob: dentist');
  expect(await turn.getSystemPrompt('')).toMatch(/- "calendar": connected.*\n- "calendar\/work": connected/u);
});

test('a run that waits for one of them goes on with that one, in another process', async () => {
  const stage = await openAgentStage({ hosts: 2, runs: { accountsOf: both } });
  await stage.signIn('alice');
  const { status } = await stage.runs[0]!.start('alice', [askWork, { call: workList }]);
  expect(status).toBe('waiting');
  expect(stage.told).toMatchObject([
    { service: 'calendar/work', challenge: { server: 'calendar', alias: 'work' } },
  ]);
  await consentAtWork(stage, stage.told[0]!.challenge.url);
  await stage.managers[1]!.runDue();
  expect(stage.answers[0]!.answer).toEqual([
    expect.stringContaining(workList),
    expect.stringContaining('Bob: dentist'),
  ]);
});

test('a call that waits for more of one account is made with that one', async () => {
  const share = await modelNameOf(placeAlias('calendar', 'work'), 'share_calendar');
  const stage = await openAgentStage({
    hosts: 2,
    runs: { accountsOf: ({ metadata }) => [String(metadata)] },
  });
  const client = await stage.manager.getClient('alice');
  const { url } = await challengeOf(client.session('calendar', { alias: 'work' }).callTool('whoami', {}));
  await consentAtWork(stage, url);
  const step = { call: share, args: { with: 'kim' } };
  await stage.runs[0]!.start('alice', [step, step], { metadata: 'work' });
  expect(stage.told).toMatchObject([{ service: 'calendar/work', challenge: { alias: 'work' } }]);
  await consentAtWork(stage, stage.told[0]!.challenge.url);
  await stage.managers[1]!.runDue();
  expect(stage.answers[0]!.answer[1]).toContain('shared with kim');
  expect(await client.credentials()).toMatchObject([{ alias: 'work' }]);
});
