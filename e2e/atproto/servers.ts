import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Client } from '@modelcontextprotocol/client';
import { StdioServerTransport } from '@modelcontextprotocol/server/stdio';
import { connectByHttp, type BareClient, type ClientKind } from '../../examples/login-tool/clients.ts';
import { JsonRpcClient, type RpcToolResult } from '../../examples/login-tool/json-rpc-client.ts';
import { obtainAccessToken } from '../../examples/protected-server/scripted-client.ts';
import type { Network } from './network.ts';

export { clientKinds, type ClientKind } from '../../examples/login-tool/clients.ts';

const program = fileURLToPath(new URL('../../examples/atproto-server/main.ts', import.meta.url));

/** The MCP server of the example as a client has started it, or has connected to it. */
export interface AtprotoClient extends AsyncDisposable {
  call(tool: string, args?: Readonly<Record<string, unknown>>): Promise<RpcToolResult>;
  /** As a crash would end the server. */
  kill(): Promise<void>;
  /** What has come to the client, and what the server has logged. */
  seen(): string;
  /** As whom the person signs in to the server itself. */
  readonly user?: string;
}

/** Where servers of one machine keep what they have. */
export function openFolder(): { readonly path: string; readonly close: () => void } {
  const path = mkdtempSync(join(tmpdir(), 'postern-atproto-'));
  return { path, close: () => rmSync(path, { recursive: true, force: true }) };
}

interface Started {
  readonly child: ReturnType<typeof spawn>;
  readonly seen: () => string;
  readonly kill: (signal?: NodeJS.Signals) => Promise<void>;
}

function start(
  { plcUrl, pdsUrl }: Network,
  folder: string,
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Started {
  const child = spawn(process.execPath, ['--no-warnings', program, ...args], {
    stdio: ['pipe', 'pipe', 'pipe'],
    env: {
      ...process.env,
      ATPROTO_FOLDER: folder,
      ATPROTO_SERVICE: pdsUrl,
      ATPROTO_PLC_URL: plcUrl,
      ATPROTO_HANDLE_RESOLVER: pdsUrl,
      ATPROTO_PRIVATE: '1',
      ...env,
    },
    // Whatever happens to the test, no process stays behind.
    timeout: 180_000,
    killSignal: 'SIGKILL',
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk: Buffer) => (output += chunk.toString()));
  }
  child.stdin.on('error', () => {});
  return {
    child,
    seen: () => output,
    kill: async (signal = 'SIGKILL') => {
      if (child.exitCode !== null || child.signalCode !== null) return;
      const exited = once(child, 'exit');
      child.kill(signal);
      await exited;
    },
  };
}

export interface StdioOptions {
  readonly env?: Readonly<Record<string, string>>;
  /** Has the official client show links by itself: what its person does with one before they accept it. */
  readonly onLink?: (link: string) => Promise<void>;
}

/** Starts the server on stdio, and speaks with it over its pipes. */
export async function connectOnStdio(
  network: Network,
  folder: string,
  kind: ClientKind = 'plain JSON-RPC',
  { env, onLink }: StdioOptions = {},
): Promise<AtprotoClient> {
  const { child, seen, kill } = start(network, folder, [], env);
  const leave = async (): Promise<void> => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    const exited = once(child, 'exit');
    child.stdin?.end();
    await exited;
  };
  const streams = { stdin: child.stdin!, stdout: child.stdout! };
  if (kind === 'plain JSON-RPC') {
    const client = new JsonRpcClient(streams);
    await client.initialize();
    return { seen, kill, call: (tool, args) => client.call(tool, args), [Symbol.asyncDispose]: leave };
  }
  const client = new Client(
    { name: 'bare', version: '1.0.0' },
    {
      capabilities: onLink === undefined ? {} : { elicitation: { url: {} } },
      versionNegotiation: { mode: kind === '2026-07-28' ? { pin: kind } : 'legacy' },
    },
  );
  if (onLink !== undefined) {
    client.setRequestHandler('elicitation/create', async ({ params }) => {
      if (params.mode === 'url') await onLink(params.url);
      return { action: 'accept' };
    });
  }
  await client.connect(new StdioServerTransport(streams.stdout, streams.stdin));
  return {
    seen,
    kill,
    call: async (name, args = {}) =>
      (await client.callTool({ name, arguments: { ...args } })) as RpcToolResult,
    [Symbol.asyncDispose]: async () => {
      await client.close();
      await leave();
    },
  };
}

/** Starts the server over HTTP, and connects to it as somebody who has signed in to it. */
export async function connectOverHttp(
  network: Network,
  folder: string,
  kind: ClientKind,
  user = 'alice',
): Promise<AtprotoClient> {
  const { child, seen, kill } = start(network, folder, ['--http']);
  const url = await urlOf(child, seen);
  let client: BareClient;
  try {
    client = await connectByHttp(kind, url, await obtainAccessToken(url, user));
  } catch (error) {
    await kill();
    throw error;
  }
  return {
    user,
    seen: () => seen() + client.seen(),
    kill,
    call: (tool, args) => client.call(tool, args),
    [Symbol.asyncDispose]: async () => {
      await client[Symbol.asyncDispose]();
      await kill('SIGTERM');
    },
  };
}

async function urlOf(child: Started['child'], seen: () => string): Promise<string> {
  for (;;) {
    const url = /The MCP server: (\S+)\n/u.exec(seen())?.[1];
    if (url !== undefined) return url;
    if (child.exitCode !== null) throw new Error(`the server ended: ${seen()}`);
    await once(child.stdout!, 'data');
  }
}

export function textOf({ content }: RpcToolResult): string {
  return content.map(({ text }) => text).join('\n');
}

/** The link that a login was answered with. @throws {Error} when there is none. */
export function linkOf(result: RpcToolResult): string {
  const { pending } = (result.structuredContent ?? {}) as { pending?: { url: string } };
  if (pending === undefined) throw new Error(`no link: ${textOf(result)}`);
  return pending.url;
}

/** What `login list` says of the logins and the accounts. */
export interface Listed {
  readonly accounts: readonly {
    readonly handle: string;
    readonly default: boolean;
    readonly subject?: string;
  }[];
  readonly logins: readonly { readonly handle?: string; readonly status: string; readonly code?: string }[];
}

export async function listOf(client: AtprotoClient): Promise<Listed> {
  return (await client.call('login', { command: 'list' })).structuredContent as unknown as Listed;
}

/** The last login with a handle. */
export function loginOf({ logins }: Listed, handle: string): Listed['logins'][number] | undefined {
  return logins.find((login) => login.handle === handle);
}
