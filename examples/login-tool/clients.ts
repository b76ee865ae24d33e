import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client';
import { StdioServerTransport } from '@modelcontextprotocol/server/stdio';
import { JsonRpcClient, type RpcToolResult } from './json-rpc-client.ts';

/** A client that can show nothing by itself: no links, no forms. */
export interface BareClient extends AsyncDisposable {
  readonly name: string;
  call(tool: string, args?: Readonly<Record<string, unknown>>): Promise<RpcToolResult>;
  /** What has come to it, and what its server has logged. */
  seen(): string;
}

/** The official client in both eras, and a script that speaks JSON-RPC and knows no more. */
export const clientKinds = ['2026-07-28', '2025-11-25', 'plain JSON-RPC'] as const;
export type ClientKind = (typeof clientKinds)[number];

const program = fileURLToPath(new URL('stdio-server.ts', import.meta.url));

/** Starts the server as a client does, and speaks with it over its pipes. */
export async function connectByStdio(kind: ClientKind, settings: object): Promise<BareClient> {
  const child = spawn(process.execPath, ['--no-warnings', program], {
    stdio: ['pipe', 'pipe', 'pipe'],
    env: { ...process.env, LOGIN_EXAMPLE: JSON.stringify(settings) },
  });
  const exited = once(child, 'exit');
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk: Buffer) => (output += chunk.toString()));
  }
  const leave = async (): Promise<void> => {
    child.stdin.end();
    await exited;
  };
  const common = { name: `${kind} over stdio`, seen: () => output };
  if (kind === 'plain JSON-RPC') {
    const client = new JsonRpcClient(child);
    await client.initialize();
    return { ...common, call: (tool, args) => client.call(tool, args), [Symbol.asyncDispose]: leave };
  }
  const client = officialClient(kind);
  await client.connect(new StdioServerTransport(child.stdout, child.stdin));
  return {
    ...common,
    call: callBy(client),
    [Symbol.asyncDispose]: async () => {
      await client.close();
      await leave();
    },
  };
}

/** Connects to the server over HTTP, as somebody. */
export async function connectByHttp(kind: ClientKind, url: string, token: string): Promise<BareClient> {
  let output = '';
  const headers = { authorization: `Bearer ${token}` };
  const common = { name: `${kind} over HTTP`, seen: () => output };
  const seeing: typeof fetch = async (input, init) => {
    const response = await fetch(input, init);
    if (response.headers.get('content-type')?.startsWith('application/json') === true)
      output += await response.clone().text();
    return response;
  };
  if (kind === 'plain JSON-RPC') {
    const ask = await openPlainSession(url, headers, (text) => (output += text));
    return {
      ...common,
      call: async (name, args = {}) => (await ask('tools/call', { name, arguments: args })) as RpcToolResult,
      [Symbol.asyncDispose]: async () => {},
    };
  }
  const client = officialClient(kind);
  await client.connect(
    new StreamableHTTPClientTransport(new URL(url), { requestInit: { headers }, fetch: seeing }),
  );
  return { ...common, call: callBy(client), [Symbol.asyncDispose]: () => client.close() };
}

function officialClient(era: Exclude<ClientKind, 'plain JSON-RPC'>): Client {
  return new Client(
    { name: 'bare', version: '1.0.0' },
    { capabilities: {}, versionNegotiation: { mode: era === '2026-07-28' ? { pin: era } : 'legacy' } },
  );
}

const callBy =
  (client: Client): BareClient['call'] =>
  async (name, args = {}) =>
    (await client.callTool({ name, arguments: { ...args } })) as RpcToolResult;

/** A session of Streamable HTTP by hand. Resolves to what sends a request. */
async function openPlainSession(
  url: string,
  given: Readonly<Record<string, string>>,
  see: (text: string) => void,
): Promise<(method: string, params: object) => Promise<unknown>> {
  const headers: Record<string, string> = {
    ...given,
    'content-type': 'application/json',
    accept: 'application/json, text/event-stream',
  };
  let sent = 0;
  const post = async (message: object): Promise<{ response: Response; body: string }> => {
    const response = await fetch(url, {
      method: 'POST',
      headers,
      body: JSON.stringify({ jsonrpc: '2.0', ...message }),
    });
    const body = await response.text();
    see(body);
    if (!response.ok) throw new Error(`the server answered ${response.status}`);
    return { response, body };
  };
  const ask = async (method: string, params: object): Promise<unknown> => {
    const id = ++sent;
    const { body } = await post({ id, method, params });
    // One event for each message, or the one message itself.
    const messages = body.includes('data: ')
      ? body.split('\n').flatMap((line) => (line.startsWith('data: ') ? [line.slice(6)] : []))
      : [body];
    const answers = messages.flatMap((text) => {
      const message =
        text.trim() === '' ? {} : (JSON.parse(text) as { id?: number; result?: unknown; error?: unknown });
      return message.id === id ? [message] : [];
    });
    if (answers[0] === undefined || answers[0].error !== undefined)
      throw new Error(`${method} was not answered`);
    return answers[0].result;
  };
  const id = ++sent;
  const params = {
    protocolVersion: '2025-11-25',
    capabilities: {},
    clientInfo: { name: 'plain', version: '1.0.0' },
  };
  const { response } = await post({ id, method: 'initialize', params });
  headers['mcp-session-id'] = response.headers.get('mcp-session-id') ?? '';
  headers['mcp-protocol-version'] = '2025-11-25';
  await post({ method: 'notifications/initialized' });
  return ask;
}
