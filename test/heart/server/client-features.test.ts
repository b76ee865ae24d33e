import type { CallToolResult, ClientCapabilities } from '@modelcontextprotocol/client';
import type { ServerContext } from '@modelcontextprotocol/server';
import { describe, expect, test } from 'vitest';
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
