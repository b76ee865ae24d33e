import { Client, StreamableHTTPClientTransport, type ClientCapabilities } from '@modelcontextprotocol/client';
import { McpServer, type AuthInfo, type CallToolResult } from '@modelcontextprotocol/server';
import { onTestFinished } from 'vitest';
import { z } from 'zod';
import { createMcpEndpoint, firstOf } from '../../demo/mcp-endpoint.ts';
import { openListener } from '../../demo/open-listener.ts';
import { PosternError } from '../../src/core/postern-error.ts';
import { createNamespace, type NamespaceProvider } from '../../src/namespace/index.ts';
import { Oob, secretForm, type OobOptions, type ToolOptions } from '../../src/oob/index.ts';
import type { StorageBackend } from '../../src/storage/contract.ts';
import { canary } from './canaries.ts';
import { userOf } from './page-host.ts';
import { openSurroundings, type Surroundings } from './surroundings.ts';

/** How a client speaks to the server. */
export const eras = {
  modern: '2026-07-28',
  session: '2025-11-25 in a session',
  stateless: '2025-11-25 without a session',
} as const;
export type Era = keyof typeof eras;

export const password = canary('-hunter2-7f3a');

export interface ToolStageOptions {
  readonly tool?: ToolOptions;
  readonly oob?: Partial<OobOptions>;
  /** Whether the completion of a prompt can be announced after its call. */
  readonly passServer?: boolean;
  /** Whether the server verifies request states before the tool. Default true. */
  readonly verifyFirst?: boolean;
}

/** A tool's run that got past its credentials: what must happen once. */
export interface Effect {
  readonly user: string;
  readonly tool: string;
  readonly connection: string;
}

/** What the client's person is shown, and what they say. */
export interface Prompt {
  readonly url: string;
  readonly message: string;
  readonly elicitationId: string | undefined;
}

export interface ToolClient {
  readonly client: Client;
  readonly prompts: readonly Prompt[];
  /** Elicitations whose completion was announced. */
  readonly completed: readonly string[];
  call(tool: string, args?: Record<string, unknown>, signal?: AbortSignal): Promise<CallToolResult>;
  close(): Promise<void>;
}

export type Action = 'accept' | 'decline' | 'cancel';

export interface ConnectOptions {
  readonly user?: string;
  /** Default: form and URL. */
  readonly elicitation?: ClientCapabilities['elicitation'] | null;
  readonly answer?: (prompt: Prompt) => Promise<Action>;
  /** Whether the client can open a stream beside its calls. Default true. */
  readonly listens?: boolean;
}

/** A real MCP server with tools that need a password, its pages, and people with clients and browsers. */
export interface ToolStage extends Surroundings {
  readonly effects: readonly Effect[];
  /** How often a handler was entered. */
  runs(): number;
  readonly oob: Oob;
  /** Ends the instance that serves, and goes on with a new one on the same store. */
  restart(): Promise<void>;
  mcpUrl(era: Era): string;
  connect(era: Era, options?: ConnectOptions): Promise<ToolClient>;
  /** Fills in the form behind a link. */
  finish(url: string, user?: string): Promise<void>;
  /** How many requests are being answered. */
  inFlight(): number;
  /** How many listeners the store has now. */
  listeners(): number;
}

const bySubject: NamespaceProvider = {
  async resolve({ claims }) {
    const sub = claims?.['sub'];
    if (typeof sub !== 'string')
      throw new PosternError('ERR_POSTERN_NAMESPACE_UNVERIFIED', 'there is no subject');
    return createNamespace('user', sub);
  },
};

const accept = async (): Promise<Action> => 'accept';

const login = {
  type: 'object',
  properties: { user: { type: 'string' }, password: { type: 'string', format: 'password' } },
  required: ['user', 'password'],
} as const;

export async function openToolStage(options: ToolStageOptions = {}): Promise<ToolStage> {
  let listeners = 0;
  const { host, time, logger, storage } = await openSurroundings((memory) =>
    countListeners(memory, (change) => (listeners += change)),
  );
  const effects: Effect[] = [];
  let runs = 0;

  const listener = await openListener();
  const mcpUrl = (era: Era): string => `${listener.origin}/${era === 'session' ? 'session' : 'mcp'}`;
  const createInstance = () => {
    const oob = new Oob({
      storage,
      namespaces: bySubject,
      publicUrl: host.publicUrl,
      verifyUser: userOf,
      clock: time.clock,
      logger,
      ...options.oob,
    });
    const form = oob.flow('login', secretForm(login));
    const createServerOf = (): McpServer => {
      const server = new McpServer(
        { name: 'queries', version: '1.0.0' },
        options.verifyFirst === false ? {} : { requestState: oob.requestState },
      );
      const toolOptions = { ...options.tool, ...(options.passServer === true && { server }) };
      const note = (tool: string, connection: string, user: string): CallToolResult => {
        effects.push({ tool, connection, user });
        return { content: [{ type: 'text', text: `${tool} at ${connection} as ${user}` }] };
      };
      for (const name of ['run_query', 'drop_table']) {
        const inputSchema = z.object({ connection: z.string(), limit: z.number().default(10) });
        server.registerTool(
          name,
          { inputSchema },
          oob.tool(async ({ connection }, { credential, principal, progress }) => {
            runs++;
            await progress?.({ progress: 1, message: 'begun' });
            const { user } = await credential({ resource: connection, flow: form });
            return note(name, connection, `${principal.namespace.id}/${user}`);
          }, toolOptions),
        );
      }
      server.registerTool(
        'whoami',
        { outputSchema: z.object({ user: z.string() }) },
        oob.tool(async (_args, { credential }) => {
          runs++;
          const { user } = await credential({ resource: 'directory', flow: form });
          return { ...note('whoami', 'directory', user), structuredContent: { user: user } };
        }, toolOptions),
      );
      server.registerTool(
        'copy_table',
        { inputSchema: z.object({ from: z.string(), to: z.string(), together: z.boolean() }) },
        oob.tool(async ({ from, to, together }, { credential }) => {
          runs++;
          const ask = (resource: string) => credential({ resource, flow: form });
          if (together) await Promise.all([ask(from), ask(to)]);
          else for (const resource of [from, to]) await ask(resource);
          return note('copy_table', `${from}>${to}`, '');
        }, toolOptions),
      );
      server.registerTool(
        'swallow',
        {},
        oob.tool(async (_args, { credential }) => {
          runs++;
          const ask = () => credential({ resource: 'swallowed', flow: form });
          const first = await ask().catch(() => undefined);
          const second = await ask().catch(() => undefined);
          return note('swallow', first === undefined && second === undefined ? 'without' : 'with', '');
        }, toolOptions),
      );
      server.registerTool(
        'fail',
        {},
        oob.tool(async (): Promise<CallToolResult> => {
          throw new Error('the table does not exist');
        }, toolOptions),
      );
      return server;
    };
    const endpoints = (['stateless', 'session'] as const).map((legacy) =>
      createMcpEndpoint({
        url: mcpUrl(legacy),
        gate: { authenticate },
        createServer: createServerOf,
        legacy,
      }),
    );
    return { oob, endpoints };
  };
  let instance = createInstance();
  host.handlers.push((request) => instance.oob.fetch(request));

  let inFlight = 0;
  listener.server.on('request', ({ method }, response) => {
    if (method !== 'POST') return;
    inFlight++;
    response.once('close', () => inFlight--);
  });
  listener.serve((request) => firstOf(...instance.endpoints.map(({ fetch }) => fetch))(request));
  const clients = new Set<Client>();
  const closeInstance = async (): Promise<void> => {
    await Promise.all(instance.endpoints.map((endpoint) => endpoint.close()));
    await instance.oob.close();
  };
  onTestFinished(async () => {
    storage.fault = () => undefined;
    await Promise.all([...clients].map((client) => client.close().catch(() => {})));
    await closeInstance();
    await listener.close();
  });

  return {
    host,
    storage,
    time,
    logger,
    effects,
    runs: () => runs,
    get oob() {
      return instance.oob;
    },
    async restart() {
      await closeInstance();
      instance = createInstance();
    },
    mcpUrl,
    async connect(era, connectOptions = {}) {
      const {
        user = 'alice',
        elicitation = { form: {}, url: {} },
        answer = accept,
        listens = true,
      } = connectOptions;
      const prompts: Prompt[] = [];
      const completed: string[] = [];
      const client = new Client(
        { name: 'client', version: '1.0.0' },
        {
          capabilities: elicitation === null ? {} : { elicitation },
          versionNegotiation: { mode: era === 'modern' ? { pin: '2026-07-28' } : 'legacy' },
        },
      );
      if (elicitation !== null) {
        client.setRequestHandler('elicitation/create', async ({ params }) => {
          if (params.mode !== 'url')
            throw new Error('a secret must not be asked for in a form of the client');
          const prompt = { url: params.url, message: params.message, elicitationId: params.elicitationId };
          prompts.push(prompt);
          return { action: await answer(prompt) };
        });
        client.setNotificationHandler('notifications/elicitation/complete', ({ params }) => {
          completed.push(params.elicitationId);
        });
      }
      clients.add(client);
      const requestInit = { headers: { authorization: `Bearer ${user}` } };
      const fetchOf: typeof fetch = async (input, init) =>
        init?.method === 'GET' && !listens ? new Response(null, { status: 405 }) : fetch(input, init);
      const transport = new StreamableHTTPClientTransport(new URL(mcpUrl(era)), {
        requestInit,
        fetch: fetchOf,
      });
      await client.connect(transport);
      return {
        client,
        prompts,
        completed,
        call: (name, args, signal) =>
          client.callTool(
            { name, ...(args && { arguments: args }) },
            { timeout: 30_000, ...(signal && { signal }) },
          ),
        close: () => client.close(),
      };
    },
    async finish(url, user = 'alice') {
      const browser = await host.openBrowser(user);
      await browser.open(url);
      const page = await browser.submit({ user: `db-${user}`, password }, 'save');
      if (page.status !== 200) throw new Error(`the form ended with status ${page.status}`);
    },
    inFlight: () => inFlight,
    listeners: () => listeners,
  };
}

/** The text of a tool's result. */
export function textOf({ content: [first] }: CallToolResult): string {
  return first?.type === 'text' ? first.text : '';
}

/** What a call waits for that was answered with a link. */
export function pendingOf({ structuredContent }: CallToolResult): {
  id: string;
  url: string;
  kind: string;
  resource: string;
} {
  return (structuredContent as { pending: ReturnType<typeof pendingOf> }).pending;
}

/** Waits for a fact. @throws {Error} when it has not come to be within 20 seconds. */
export async function until<T>(read: () => T | undefined | false): Promise<T> {
  for (const deadline = performance.now() + 20_000; performance.now() < deadline;) {
    const found = read();
    if (found !== undefined && found !== false) return found;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  throw new Error('it did not come to be within 20 seconds');
}

/** The bearer token is the user's name; a real server would have verified one. */
async function authenticate({ headers }: Request): Promise<AuthInfo> {
  const user = headers.get('authorization')?.replace(/^Bearer /, '') ?? '';
  return { token: user, clientId: 'client', scopes: [], extra: { sub: user } };
}

function countListeners(backend: StorageBackend, count: (change: 1 | -1) => void): StorageBackend {
  return new Proxy(backend, {
    get(target, property) {
      if (property !== 'listen') {
        const value: unknown = Reflect.get(target, property);
        return typeof value === 'function' ? value.bind(target) : value;
      }
      return async (channel: string, wake: () => void) => {
        const stop = await target.listen(channel, wake);
        count(1);
        return async () => {
          count(-1);
          await stop();
        };
      };
    },
  });
}
