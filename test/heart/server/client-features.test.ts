import type { CallToolResult, Client, ClientCapabilities } from '@modelcontextprotocol/client';
import type { ServerContext } from '@modelcontextprotocol/server';
import { describe, expect, test } from 'vitest';
import type { ToolContext } from '../../../src/oob/index.ts';
import type { Era } from '../../support/tool-stage.ts';
import { openMcpStage } from './mcp-stage.ts';

type Ask = (mcp: ServerContext) => Promise<unknown>;

const sample: Ask = ({ mcpReq }) =>
  mcpReq.requestSampling({
    maxTokens: 10,
    messages: [{ role: 'user', content: { type: 'text', text: 'Say hello.' } }],
  });
const sampleOnOnesOwn: Ask = ({ mcpReq }) =>
  mcpReq.send({ method: 'sampling/createMessage', params: { maxTokens: 10, messages: [] } });
const ask: Ask = ({ mcpReq }) =>
  mcpReq.elicitInput({
    mode: 'form',
    message: 'Which colour?',
    requestedSchema: { type: 'object', properties: { answer: { type: 'string' } } },
  });

/** Well below the 60 s that a request without an answer takes, and well above what one at once takes. */
const timeout = 4_000;

/**
 * @param knows whether the tool is given its server.
 * @param hears whether the client notes what it has not declared, rather than refuse it as one that does not know it.
 */
async function openTool(
  need: Ask,
  era: Era,
  capabilities: ClientCapabilities,
  { knows = true, hears = true } = {},
) {
  const { connect } = await openMcpStage((server, { oob }) => {
    server.registerTool(
      'need',
      {},
      oob.tool(
        async (_args, { mcp }): Promise<CallToolResult> => {
          const text = JSON.stringify(await need(mcp));
          return { content: [{ type: 'text', text }] };
        },
        knows ? { server } : {},
      ),
    );
  });
  const { client, asked } = await connect(era, capabilities);
  if (!hears) delete client.fallbackRequestHandler;
  return { result: await client.callTool({ name: 'need' }, { timeout }), asked };
}

describe('a tool that asks its client for what the client cannot do', () => {
  type Lack = readonly [what: string, era: Era, need: Ask, capabilities: ClientCapabilities];
  const lacks: readonly Lack[] = [
    ['sampling, without a session', 'stateless', sample, {}],
    ['sampling, without a session, by a request of one’s own', 'stateless', sampleOnOnesOwn, {}],
    ['sampling, in a session', 'session', sample, {}],
    ['sampling, in a session, by a request of one’s own', 'session', sampleOnOnesOwn, {}],
    ['sampling, in the revision 2026-07-28', 'modern', sample, {}],
    ['a form, without a session', 'stateless', ask, {}],
    ['a form, in a session', 'session', ask, {}],
    ['a form, in a session that shows links only', 'session', ask, { elicitation: { url: {} } }],
    ['a form, in the revision 2026-07-28', 'modern', ask, {}],
  ];
  test.each(lacks)(
    'is told so at once, and nothing is sent: %s (issue 8.25)',
    async (_what, era, need, can) => {
      const { result, asked } = await openTool(need, era, can);
      expect(result.isError).toBe(true);
      expect(asked).toEqual([]);
    },
  );
});

/** The code in the result of a tool. */
function codeIn({ structuredContent }: CallToolResult): unknown {
  return (structuredContent as { error?: { code?: unknown; hint?: unknown } } | undefined)?.error?.code;
}

const askOnOnesOwn: Ask = ({ mcpReq }) =>
  mcpReq.send({
    method: 'elicitation/create',
    params: { message: 'Which colour?', requestedSchema: { type: 'object', properties: {} } },
  });

describe('a tool in a session, whether or not it was given its server', () => {
  for (const knows of [true, false]) {
    test.each([
      ['sampling', sample, {}],
      ['sampling, by a request of one’s own', sampleOnOnesOwn, {}],
      ['a form', ask, { elicitation: { url: {} } }],
      ['a form, by a request of one’s own', askOnOnesOwn, {}],
    ] as const)(
      `is told at once, by a code and a hint, that its client lacks %s (given: ${knows}; issue 8.25)`,
      async (_what, need, can) => {
        const { result } = await openTool(need, 'session', can, { knows, hears: false });
        expect([result.isError, codeIn(result)]).toEqual([true, 'ERR_POSTERN_OOB_UNSUPPORTED']);
        expect(JSON.stringify(result.content)).toContain('Use a client that can do this');
      },
    );

    test.each([
      ['sampling', sample, { sampling: {} }, 'hello'],
      ['sampling, by a request of one’s own', sampleOnOnesOwn, { sampling: {} }, 'hello'],
      ['a form', ask, { elicitation: { form: {} } }, 'blue'],
      ['a form, by a request of one’s own', askOnOnesOwn, { elicitation: { form: {} } }, 'blue'],
    ] as const)(
      `gets %s, once, of a client that has it (given: ${knows}; issue 8.25)`,
      async (_what, need, can, text) => {
        const { result } = await openTool(need, 'session', can, { knows });
        expect([result.isError ?? false, JSON.stringify(result.content)]).toEqual([
          false,
          expect.stringContaining(text),
        ]);
      },
    );
  }

  test('sends nothing of a form that its client has not declared, although it was not given its server', async () => {
    for (const need of [ask, askOnOnesOwn]) {
      const { asked } = await openTool(need, 'session', {}, { knows: false });
      expect(asked).toEqual([]);
    }
  });
});

describe('a client in a session that has it, and does not answer', () => {
  const can: ClientCapabilities = { sampling: {}, elicitation: { form: {} } };
  const needs = [
    ['sampling', sample],
    ['sampling, by a request of one’s own', sampleOnOnesOwn],
    ['a form', ask],
    ['a form, by a request of one’s own', askOnOnesOwn],
  ] as const;

  /** What a call of the tool comes to, and how long that takes. */
  async function callTool(
    need: Ask,
    sessionWaitMs: number | undefined,
    silence: (client: Client) => void,
  ): Promise<{ result: CallToolResult; ms: number }> {
    const { connect } = await openMcpStage((server, { oob }) => {
      const handler = async (_args: unknown, { mcp }: { mcp: ServerContext }): Promise<CallToolResult> => ({
        content: [{ type: 'text', text: JSON.stringify(await need(mcp)) }],
      });
      server.registerTool('need', {}, oob.tool(handler, { server, sessionWaitMs }));
    });
    const { client } = await connect('session', can);
    silence(client);
    const startedAt = performance.now();
    const result = await client.callTool({ name: 'need' }, { timeout: 30_000 });
    return { result, ms: performance.now() - startedAt };
  }

  /** Whatever the server asks is lost on the way. */
  const hearNothing = ({ transport }: Client): void => {
    const deliver = transport!.onmessage!;
    transport!.onmessage = (message, extra) => {
      if (!('method' in message && 'id' in message)) deliver(message, extra);
    };
  };
  const neverAnswer = (client: Client): void => {
    client.setRequestHandler('sampling/createMessage', () => new Promise<never>(() => {}));
    client.setRequestHandler('elicitation/create', () => new Promise<never>(() => {}));
  };

  test.each(needs)(
    'and hears nothing at all, is found out by a ping: %s ends by its own code',
    async (_, need) => {
      const { result, ms } = await callTool(need, 4_000, hearNothing);
      expect([result.isError, codeIn(result)]).toEqual([true, 'ERR_POSTERN_OOB_CLIENT_SILENT']);
      expect(JSON.stringify(result.structuredContent)).toContain('It had 2 seconds');
      expect(ms).toBeLessThan(3_900);
    },
  );

  test('and hears nothing of a link, has its user told in words, and not only when all its time is over', async () => {
    const { connect } = await openMcpStage((server, { oob }, login) => {
      const handler = async (_args: unknown, { credential }: ToolContext): Promise<CallToolResult> => {
        await credential({ resource: 'directory', flow: login });
        return { content: [] };
      };
      server.registerTool('need', {}, oob.tool(handler, { server, sessionWaitMs: 8_000 }));
    });
    const { client, prompts } = await connect('session');
    hearNothing(client);
    const startedAt = performance.now();
    const result = await client.callTool({ name: 'need' }, { timeout: 30_000 });
    expect(performance.now() - startedAt).toBeLessThan(7_500);
    expect([result.isError, prompts]).toEqual([true, []]);
    expect(JSON.stringify(result.content)).toContain('/connect/');
  });

  test.each(needs)(
    'because of who sits before it, is waited for until the deadline that the error names: %s',
    async (_, need) => {
      const { result, ms } = await callTool(need, 1_200, neverAnswer);
      expect([result.isError, codeIn(result)]).toEqual([true, 'ERR_POSTERN_OOB_CLIENT_SILENT']);
      expect(JSON.stringify(result.structuredContent)).toContain('It had 1.2 seconds');
      expect(ms).toBeGreaterThanOrEqual(1_190);
    },
  );

  test('keeps to the time-out that the handler has set, if it has', async () => {
    const patient: Ask = ({ mcpReq }) =>
      mcpReq.requestSampling({ maxTokens: 1, messages: [] }, { timeout: 700 });
    const { result } = await callTool(patient, undefined, neverAnswer);
    expect(JSON.stringify(result.structuredContent)).toContain('It had 0.7 seconds');
  });

  test('and takes its time longer than a ping would be waited for, is heard', async () => {
    const { result } = await callTool(sample, 4_000, (client) => {
      client.setRequestHandler('sampling/createMessage', async () => {
        await new Promise((resolve) => setTimeout(resolve, 2_500));
        return { model: 'm', role: 'assistant', content: { type: 'text', text: 'at last' } };
      });
    });
    expect(JSON.stringify(result.content)).toContain('at last');
  });
});

test.each([
  ['sampling', sample, { sampling: {} }, 'hello'],
  ['a form', ask, { elicitation: { form: {} } }, 'blue'],
] as const)('a tool within a session gets %s of a client that can do it', async (_what, need, can, text) => {
  const { result } = await openTool(need, 'session', can);
  expect([result.isError ?? false, JSON.stringify(result.content)]).toEqual([
    false,
    expect.stringContaining(text),
  ]);
});
