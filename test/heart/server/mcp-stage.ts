import { randomUUID } from 'node:crypto';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Client, StreamableHTTPClientTransport, type ClientCapabilities } from '@modelcontextprotocol/client';
import { NodeStreamableHTTPServerTransport, toNodeHandler } from '@modelcontextprotocol/node';
import { createMcpHandler, McpServer, type AuthInfo } from '@modelcontextprotocol/server';
import { onTestFinished } from 'vitest';
import type { FormValues, NamedFlow } from '../../../src/oob/index.ts';
import { openFlowStage, type FlowStage } from '../../support/flow-stage.ts';
import type { Era, Prompt } from '../../support/tool-stage.ts';
import { passwordFlow } from './form-stage.ts';

export interface McpStage {
  readonly stage: FlowStage;
  /** A client of alice's, with every prompt that reached it, and the methods of all other requests. */
  readonly connect: (
    era: Era,
    capabilities?: ClientCapabilities,
  ) => Promise<{
    readonly client: Client;
    readonly prompts: readonly Prompt[];
    readonly asked: readonly string[];
  }>;
  /** Fills in the form behind a link. */
  readonly finish: (url: string) => Promise<void>;
}

/** A real MCP server whose tools, resources and prompts a test registers, in every era, with its pages beside it. */
export async function openMcpStage(
  register: (server: McpServer, stage: FlowStage, login: NamedFlow<FormValues>) => void,
): Promise<McpStage> {
  const stage = await openFlowStage();
  const login = passwordFlow(stage);
  const createServerOf = (): McpServer => {
    const server = new McpServer(
      { name: 'directory', version: '1.0.0' },
      { requestState: stage.oob.requestState },
    );
    register(server, stage, login);
    return server;
  };
  // What cannot be registered is told here, and not by a client that cannot connect.
  createServerOf();
  const single = createMcpHandler(createServerOf, { legacy: 'stateless' });
  const serveSingle = toNodeHandler({
    fetch: (request) => single.fetch(request, { authInfo: authOf(request.headers.get('authorization')) }),
  });
  const sessions = new Map<string, NodeStreamableHTTPServerTransport>();
  const server = createServer((request, response) => {
    void (async () => {
      const received = Object.assign(request, { auth: authOf(request.headers.authorization ?? null) });
      if (request.url !== '/session')
        return serveSingle(received as Parameters<typeof serveSingle>[0], response);
      const id = request.headers['mcp-session-id'];
      const open = typeof id === 'string' ? sessions.get(id) : undefined;
      if (open !== undefined) return open.handleRequest(received, response);
      const transport: NodeStreamableHTTPServerTransport = new NodeStreamableHTTPServerTransport({
        sessionIdGenerator: () => randomUUID(),
        onsessioninitialized: (created) => void sessions.set(created, transport),
      });
      await createServerOf().connect(transport);
      return transport.handleRequest(received, response);
    })();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const clients: Client[] = [];
  onTestFinished(async () => {
    await Promise.all(clients.map((client) => client.close().catch(() => {})));
    await Promise.all([...sessions.values()].map((transport) => transport.close().catch(() => {})));
    await single.close();
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });
  return {
    stage,
    async connect(era, capabilities = { elicitation: { form: {}, url: {} } }) {
      const prompts: Prompt[] = [];
      const asked: string[] = [];
      const client = new Client(
        { name: 'client', version: '1.0.0' },
        { capabilities, versionNegotiation: { mode: era === 'modern' ? { pin: '2026-07-28' } : 'legacy' } },
      );
      clients.push(client);
      if (capabilities.elicitation !== undefined) {
        client.setRequestHandler('elicitation/create', async ({ params }) => {
          if (params.mode !== 'url') return { action: 'accept', content: { answer: 'blue' } };
          const { url, message, elicitationId } = params;
          prompts.push({ url, message, elicitationId });
          return { action: 'accept' };
        });
      }
      if (capabilities.sampling !== undefined) {
        client.setRequestHandler('sampling/createMessage', async () => {
          return { model: 'm', role: 'assistant', content: { type: 'text', text: 'hello' } };
        });
      }
      client.fallbackRequestHandler = async ({ method }) => {
        asked.push(method);
        throw new Error('the client cannot do this');
      };
      const transport = new StreamableHTTPClientTransport(
        new URL(`${origin}/${era === 'session' ? 'session' : 'mcp'}`),
        { requestInit: { headers: { authorization: 'Bearer alice' } } },
      );
      await client.connect(transport);
      return { client, prompts, asked };
    },
    async finish(url) {
      const browser = await stage.host.openBrowser('alice');
      await browser.open(url);
      const page = await browser.submit({ password: 'x' }, 'save');
      if (page.status !== 200) throw new Error(`the form ended with status ${page.status}`);
    },
  };
}

/** The bearer token is the user's name; a real server would have verified one. */
function authOf(authorization: string | null): AuthInfo {
  const user = authorization?.replace(/^Bearer /, '') ?? '';
  return { token: user, clientId: 'client', scopes: [], extra: { sub: user } };
}
