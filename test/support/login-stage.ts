import { Client, StreamableHTTPClientTransport, type CallToolResult } from '@modelcontextprotocol/client';
import { McpServer } from '@modelcontextprotocol/server';
import { onTestFinished } from 'vitest';
import { z } from 'zod';
import { createMcpEndpoint, firstOf } from '../../demo/mcp-endpoint.ts';
import { openListener } from '../../demo/open-listener.ts';
import {
  loginTool,
  type Flow,
  type LoginTool,
  type LoginToolOptions,
  type OobOptions,
} from '../../src/oob/index.ts';
import { openFlowStage, type FlowStage } from './flow-stage.ts';
import { loginFlow, type LoginWay } from './login-flows.ts';
import type { Action, Era, Prompt } from './tool-stage.ts';

/** The service that people log in to. */
export const service = 'photos.example';

export interface LoginStageOptions {
  /** How one logs in. Default: by a redirect. */
  readonly way?: LoginWay | ((issuer: string) => Flow);
  readonly login?: Partial<LoginToolOptions>;
  readonly oob?: Partial<OobOptions>;
  readonly processes?: number;
}

/** A client of somebody's. */
export interface LoginClient {
  readonly prompts: readonly Prompt[];
  readonly completed: readonly string[];
  login(args?: { command?: string; handle?: string }): Promise<CallToolResult>;
  /** Another login tool for the same service. */
  loginWithKey(args?: { command?: string; handle?: string }): Promise<CallToolResult>;
  /** A tool that needs an account, and says whose it has. */
  whose(account?: string): Promise<CallToolResult>;
}

export interface LoginStage extends FlowStage {
  /** One for each process. */
  readonly logins: readonly LoginTool[];
  connect(options?: {
    user?: string;
    era?: Era;
    /** Default: the client can show nothing. */
    elicitation?: 'url' | 'form' | undefined;
    answer?: (prompt: Prompt) => Promise<Action>;
    /** Which process it speaks to. Default: the first. */
    process?: number;
  }): Promise<LoginClient>;
}

/** A server with a login tool, its pages, and people with clients and browsers. The service approves whomever a request expects. */
export async function openLoginStage(options: LoginStageOptions = {}): Promise<LoginStage> {
  const stage: FlowStage = await openFlowStage({
    processes: options.processes ?? 1,
    oob: options.oob ?? {},
    as: {
      claims: (subject) => ({ preferred_username: `${subject}.example` }),
      decide: ({ url }) => ({
        subject: (url.searchParams.get('login_hint') ?? nextSubject).replace(/\.example$/u, ''),
        approves: true,
      }),
    },
  });
  const { way = 'redirect' } = options;
  const makeFlow = (): Flow =>
    typeof way === 'string' ? loginFlow(way, stage.as.issuer) : way(stage.as.issuer);
  const served = await Promise.all(
    stage.oobs.map(async (oob) => {
      const flow = oob.flow('photos', makeFlow());
      const login = loginTool(oob, { resource: service, flow, ...options.login });
      const key = oob.flow('key', loginFlow('form', stage.as.issuer));
      const byKey = loginTool(oob, { resource: service, name: 'login_with_key', flow: key });
      const createServer = (): McpServer => {
        const server = new McpServer(
          { name: 'photos', version: '1.0.0' },
          { requestState: oob.requestState },
        );
        login.register(server);
        byKey.register(server);
        server.registerTool(
          'whose',
          { inputSchema: z.object({ account: z.string().optional() }) },
          oob.tool(
            async ({ account }, { credential, principal }) => {
              const held = await credential(await login.accounts.request(principal, account));
              const { subject = 'somebody' } = held as { subject?: string };
              return { content: [{ type: 'text', text: subject }] };
            },
            { server, name: 'whose' },
          ),
        );
        return server;
      };
      const listener = await openListener();
      const endpoints = (['stateless', 'session'] as const).map((legacy) =>
        createMcpEndpoint({
          url: `${listener.origin}/${legacy === 'session' ? 'session' : 'mcp'}`,
          gate: { authenticate },
          createServer,
          legacy,
        }),
      );
      listener.serve(firstOf(...endpoints.map(({ fetch }) => fetch)));
      onTestFinished(async () => {
        await Promise.all(endpoints.map((endpoint) => endpoint.close()));
        await listener.close();
      });
      return { login, origin: listener.origin };
    }),
  );
  return {
    ...stage,
    logins: served.map(({ login }) => login),
    async connect({ user = 'al', era = 'session', elicitation, answer = accept, process = 0 } = {}) {
      const prompts: Prompt[] = [];
      const completed: string[] = [];
      const capabilities = elicitation === undefined ? {} : { elicitation: { [elicitation]: {} } };
      const client = new Client(
        { name: 'client', version: '1.0.0' },
        { capabilities, versionNegotiation: { mode: era === 'modern' ? { pin: '2026-07-28' } : 'legacy' } },
      );
      if (elicitation === 'url') {
        client.setRequestHandler('elicitation/create', async ({ params }) => {
          if (params.mode !== 'url') throw new Error('a form was asked for');
          const prompt = { url: params.url, message: params.message, elicitationId: params.elicitationId };
          prompts.push(prompt);
          return { action: await answer(prompt) };
        });
        client.setNotificationHandler('notifications/elicitation/complete', ({ params }) => {
          completed.push(params.elicitationId);
        });
      }
      const path = era === 'session' ? 'session' : 'mcp';
      await client.connect(
        new StreamableHTTPClientTransport(new URL(`${served[process]?.origin}/${path}`), {
          requestInit: { headers: { authorization: `Bearer ${user}` } },
        }),
      );
      onTestFinished(() => client.close());
      const call = (name: string, args: object) =>
        client.callTool({ name, arguments: { ...args } }, { timeout: 30_000 });
      return {
        prompts,
        completed,
        login: (args = {}) => call('login', args),
        loginWithKey: (args = {}) => call('login_with_key', args),
        whose: (account) => call('whose', account === undefined ? {} : { account }),
      };
    },
  };
}

let nextSubject = 'chosen';

/** Whom the service takes the person for when a request says nothing. */
export function chooseAtService(subject: string): void {
  nextSubject = subject;
}

const accept = async (): Promise<Action> => 'accept';

/** The bearer token is the user's name; a real server would have verified one. */
const authenticate = async ({ headers }: Request) => {
  const token = headers.get('authorization')?.replace(/^Bearer /u, '') ?? '';
  return { token, clientId: 'client', scopes: [] };
};
