import { inputRequired, acceptedContent, type McpServer } from '@modelcontextprotocol/server';
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import type { ClientHandlers } from '../../src/client/index.ts';
import { openStage, textOf, type Stage } from '../support/stage.ts';

const eras = {
  '2026-07-28': { manager: { versionNegotiation: { pin: '2026-07-28' } }, calendar: {} },
  '2025-11-25 in sessions': { manager: { versionNegotiation: 'legacy' }, calendar: { legacy: 'session' } },
  '2025-11-25 without sessions': {
    manager: { versionNegotiation: 'legacy' },
    calendar: { legacy: 'stateless' },
  },
  'whatever both speak': { manager: { versionNegotiation: 'auto' }, calendar: { legacy: 'session' } },
} as const;
const names = Object.keys(eras) as (keyof typeof eras)[];

describe.each(names)('in the protocol of %s', (era) => {
  test('a person signs in, tokens end and are renewed, and a logout asks anew', async () => {
    const stage = await openStage(eras[era]);
    await stage.signIn('alice');
    const client = await stage.manager.getClient('alice');
    expect(textOf(await client.callTool('whoami'))).toBe('alice');
    stage.as.tokens.expireAccessTokens();
    const answers = await Promise.all(Array.from({ length: 20 }, () => client.callTool('whoami')));
    expect(new Set(answers.map(textOf))).toEqual(new Set(['alice']));
    expect(stage.as.count('refresh')).toBe(1);
    expect((await client.readResource('calendar://today', { server: 'calendar' })).contents).toHaveLength(1);
    expect((await client.listPrompts()).map(({ prompt }) => prompt.name)).toEqual(['plan_day']);
    expect(await client.session('calendar').checkHealth()).toBe(true);
    await client.logout();
    expect(client.session('calendar').status).toBe('DISCONNECTED');
  });
});

describe('a session that the server has forgotten', () => {
  test('is opened anew, and each call is sent once more and succeeds', async () => {
    const sessions = new Set<string>();
    const noting: typeof fetch = async (input, init) => {
      const response = await fetch(input, init);
      const id = response.headers.get('mcp-session-id');
      if (id !== null) sessions.add(id);
      return response;
    };
    const { manager, calendar } = eras['2025-11-25 in sessions'];
    const stage = await openStage({ calendar, manager: { ...manager, fetch: noting } });
    await stage.signIn('alice');
    const client = await stage.manager.getClient('alice');
    await client.callTool('whoami');
    expect(sessions.size).toBe(1);
    // The server ends the session behind the client's back.
    const [id = ''] = sessions;
    const { credential: grant } = await grantOf(stage);
    const headers = {
      authorization: `Bearer ${grant.accessToken}`,
      'mcp-session-id': id,
      'mcp-protocol-version': '2025-11-25',
    };
    expect((await fetch(stage.calendar.url, { method: 'DELETE', headers })).status).toBe(200);

    const answers = await Promise.all(Array.from({ length: 10 }, () => client.callTool('whoami')));
    expect(new Set(answers.map(textOf))).toEqual(new Set(['alice']));
    expect(stage.calendar.counters.calls).toEqual({ whoami: 11 });
    expect(sessions.size).toBe(2);
    expect(client.session('calendar').status).toBe('CONNECTED');
  });
});

async function grantOf(stage: Stage): Promise<{ credential: { accessToken: string } }> {
  const { storage } = stage.coordinator.createContext('alice');
  const entry = await storage.get('credential', stage.calendar.url, 'calendar');
  return JSON.parse(new TextDecoder().decode(entry?.value)) as { credential: { accessToken: string } };
}

describe('a server that asks back', () => {
  const confirmation = z.object({ sure: z.boolean() });
  /** A tool that asks the person in the way of its era. */
  const askingTool = (server: McpServer, { era }: { era?: string }): void => {
    server.registerTool('ask', { description: 'Asks the person' }, async (context) => {
      if (era === 'legacy') {
        const answer = await context.mcpReq.elicitInput({
          message: 'Sure?',
          requestedSchema: { type: 'object', properties: { sure: { type: 'boolean' } }, required: ['sure'] },
        });
        return { content: [{ type: 'text', text: `${answer.action} ${JSON.stringify(answer.content)}` }] };
      }
      const answer = acceptedContent(context.mcpReq.inputResponses, 'sure', confirmation);
      if (answer === undefined) {
        const sure = inputRequired.elicit({ message: 'Sure?', requestedSchema: confirmation });
        return inputRequired({ inputRequests: { sure } });
      }
      return { content: [{ type: 'text', text: `accept ${JSON.stringify(answer)}` }] };
    });
    server.registerTool('think', { description: 'Asks the model' }, async (context) => {
      const answer = await context.mcpReq.requestSampling({
        messages: [{ role: 'user', content: { type: 'text', text: '6 × 7?' } }],
        maxTokens: 10,
      });
      const { content } = answer as { content: { text?: string } };
      return { content: [{ type: 'text', text: content.text ?? '' }] };
    });
  };

  async function openAsking(era: keyof typeof eras, handlers: ClientHandlers): Promise<Stage> {
    const stage = await openStage({
      manager: { ...eras[era].manager, handlers },
      calendar: { ...eras[era].calendar, extraTools: askingTool },
    });
    await stage.signIn('alice');
    await stage.signIn('bob');
    return stage;
  }

  test.each(['2026-07-28', '2025-11-25 in sessions'] as const)(
    'gets the answer of the right client’s person, in %s',
    async (era) => {
      const asked: string[] = [];
      const stage = await openAsking(era, {
        elicitation: (request, { server, contextId }) => {
          asked.push(`${contextId} ${server} ${request.message}`);
          return { action: 'accept', content: { sure: contextId === 'alice' } };
        },
      });
      for (const name of ['alice', 'bob']) {
        const client = await stage.manager.getClient(name);
        expect(textOf(await client.callTool('ask'))).toBe(`accept {"sure":${name === 'alice'}}`);
      }
      expect(asked).toEqual(['alice calendar Sure?', 'bob calendar Sure?']);
    },
  );

  test('gets the answer of the host’s model, in sessions', async () => {
    const stage = await openAsking('2025-11-25 in sessions', {
      sampling: (_request, { contextId }) => ({
        role: 'assistant',
        model: 'none',
        content: { type: 'text', text: `42 for ${contextId}` },
      }),
    });
    const client = await stage.manager.getClient('bob');
    expect(textOf(await client.callTool('think'))).toBe('42 for bob');
  });

  test('is told that a client without handlers cannot, and does not hang', async () => {
    const stage = await openAsking('2025-11-25 in sessions', {});
    const client = await stage.manager.getClient('alice');
    const answer = await client.callTool('ask').catch((error: unknown) => ({ isError: true, error }));
    expect(answer.isError).toBe(true);
    expect(textOf(await client.callTool('whoami'))).toBe('alice');
  });
});
