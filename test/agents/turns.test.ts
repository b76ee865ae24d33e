import { describe, expect, test } from 'vitest';
import { modelNameOf } from '../../src/agents/agent-tool.ts';
import { needs, onConsole, type SignInRequest } from '../../src/agents/index.ts';
import { openAgentStage } from './scripted-agent.ts';

const list = { server: 'calendar', name: 'list_events' };

describe('what a call needs first', () => {
  test('is a sign-in, with the one live link, and nothing once there is a credential', async () => {
    const stage = await openAgentStage({ hosts: 2 });
    const [here, elsewhere] = await Promise.all(stage.managers.map((manager) => manager.getClient('alice')));
    const asked = await Promise.all([
      needs(here!, list, {}),
      needs(elsewhere!, list, {}),
      needs(here!, list),
    ]);
    expect(new Set(asked.map((need) => need?.challenge.url)).size).toBe(1);
    expect(asked[0]).toMatchObject({ reason: 'sign-in', challenge: { server: 'calendar' } });
    await stage.signIn('alice');
    expect(await needs(here!, list)).toBeUndefined();
    // A process that has not even connected is told by the store alone.
    const fresh = await stage.managers[1]!.getClient('alice');
    await fresh.disconnect();
    const before = stage.as.calls.length;
    expect(await needs(fresh, list)).toBeUndefined();
    expect([fresh.session('calendar').status, stage.as.calls.length]).toEqual(['DISCONNECTED', before]);
  });

  test('is a sign-in again after a logout', async () => {
    const stage = await openAgentStage();
    await stage.signIn('alice');
    await (await stage.manager.getClient('alice')).logout();
    expect(await needs(await stage.manager.getClient('alice'), list)).toMatchObject({ reason: 'sign-in' });
  });

  test('is nothing where the server cannot be reached: the call will say so', async () => {
    const stage = await openAgentStage();
    await stage.calendar.close();
    expect(await needs(await stage.manager.getClient('alice'), list)).toBeUndefined();
  });
});

describe('what an agent is told', () => {
  test('of a service that awaits its user is that, with a tool to have them asked, and no link', async () => {
    const stage = await openAgentStage();
    const turn = await stage.runs[0]!.turn('alice');
    const prompt = await turn.getSystemPrompt('You help.');
    expect(prompt).toMatch(/^You help\.\n/u);
    expect(prompt).toContain('- "calendar": not connected: the user has to sign in first.');
    expect(prompt).not.toMatch(/https?:/u);
    expect(await turn.getTools()).toEqual([]);
    const [tool] = await turn.getAuthTools();
    expect(tool).toMatchObject({
      name: 'request_authentication',
      inputSchema: { properties: { service: { enum: ['calendar'] } } },
    });
    expect(await tool!.needs({ id: '1', args: { service: 'payroll', reason: 'x' } })).toBeUndefined();
    expect(await tool!.call({ id: '1', args: { service: 'payroll' } })).toMatchObject({ isError: true });
  });

  test('of a connected service is its tools, with their schemas and results as they are', async () => {
    const stage = await openAgentStage();
    await stage.signIn('alice');
    const turn = await stage.runs[0]!.turn('alice');
    expect(await turn.getSystemPrompt('')).toContain('- "calendar": connected');
    expect(await turn.getAuthTools()).toEqual([]);
    const tools = await turn.getTools();
    expect(tools.map(({ name }) => name)).toEqual([
      'calendar__list_events',
      'calendar__whoami',
      'calendar__add_event',
      'calendar__share_calendar',
    ]);
    const add = tools[2]!;
    expect(add.inputSchema).toMatchObject({
      properties: { title: { type: 'string' } },
      required: ['title', 'time'],
    });
    const client = await stage.manager.getClient('alice');
    const args = { title: 'tea', time: 'noon' };
    expect(await add.call({ id: '1', args })).toEqual(await client.callTool('add_event', args));
  });

  test('of one that is away is that it cannot be reached', async () => {
    const stage = await openAgentStage({ runs: { serviceLimitMs: 2_000 } });
    await stage.calendar.close();
    const turn = await stage.runs[0]!.turn('alice');
    expect(await turn.getSystemPrompt('')).toContain('"calendar": cannot be reached just now.');
    expect(await turn.getAuthTools()).toEqual([]);
  });
});

test('tools have one name each, the same at any time, that every model provider takes', async () => {
  expect(await modelNameOf('calendar', 'list_events')).toBe('calendar__list_events');
  const odd = await Promise.all([
    modelNameOf('my notes', 'find/all'),
    modelNameOf('my-notes', 'find.all'),
    modelNameOf('my_notes', 'find_all'),
    modelNameOf('n'.repeat(60), 'tool one'),
    modelNameOf('n'.repeat(60), 'tool two'),
    modelNameOf('a', 'b__c'),
    modelNameOf('a__b', 'c'),
  ]);
  expect(new Set(odd).size).toBe(7);
  expect(odd.filter((name) => !/^\w{1,64}$/u.test(name))).toEqual([]);
});

describe('the link', () => {
  const request: SignInRequest = {
    contextId: 'alice',
    metadata: { channel: 'C1', user: 'U1', thread: '1.2' },
    runId: 'r',
    service: 'calendar',
    challenge: {
      url: 'https://bot.example/connect/x',
      pendingId: 'x',
      server: 'calendar',
      alias: 'default',
      expiresAtMs: 1,
    } as SignInRequest['challenge'],
  };

  test('goes to the console of whoever runs the program', async () => {
    const lines: string[] = [];
    await onConsole((line) => lines.push(line))(request);
    expect(lines).toEqual([
      expect.stringMatching(/^To sign in to "calendar", open https:\/\/bot\.example\/connect\/x/u),
    ]);
  });
});
