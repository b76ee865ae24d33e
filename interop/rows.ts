import { fileURLToPath } from 'node:url';
import type { Program } from './child.ts';
import type { Column, Findings } from './columns.ts';
import { modes, tellClientStory, type ClientPeer, type Mode } from './stories/client-story.ts';
import { tellServerStory, type HttpProgram, type ServerPeer } from './stories/server-story.ts';
import { tellAuthorizationStory, type AuthorizationPeer } from './stories/authorization-story.ts';

/** One peer in one way of use: a line of the table. */
export interface Row {
  /** Unique, and what `known.json` names it by. */
  readonly name: string;
  readonly part: Part;
  /** The folder below `peers/`, with a lock file of its own unless it needs nothing but the development dependencies. */
  readonly folder: string;
  /** Whether it belongs to the short cut. */
  readonly short: boolean;
  /** Columns that say nothing about this row, and why. */
  readonly beside?: Partial<Record<Column, string>>;
  readonly run: () => Promise<Findings>;
}

export const parts = {
  authorization: 'Authorization servers, met by an agent',
  server: 'Servers without a login, met by an agent',
  client: 'Clients of a server that asks its person for a secret',
} as const;
export type Part = keyof typeof parts;

/** Columns that say nothing about a part, and why. */
export const beside: Readonly<Record<Part, Partial<Record<Column, string>>>> = {
  authorization: {},
  server: {
    login: 'There is no login.',
    expiry: 'There is no token.',
    revocation: 'There is no grant.',
    'registrations lost': 'Nobody is registered.',
    pages: 'Nobody is shown a page.',
  },
  client: {
    expiry: 'What the person gives does not expire.',
    'registrations lost': 'Nobody is registered.',
  },
};

export function peerPath(folder: string, file = ''): string {
  return fileURLToPath(new URL(`peers/${folder}/${file}`, import.meta.url));
}

type About<Peer> = Omit<Peer, 'script' | 'cwd'> & {
  readonly folder: string;
  readonly script: string;
  readonly short?: boolean;
};

function authorization(name: string, about: About<AuthorizationPeer>): Row {
  const { folder, script, short = false, ...peer } = about;
  return {
    name,
    part: 'authorization',
    folder,
    short,
    run: () => tellAuthorizationStory({ ...peer, cwd: peerPath(folder), script: peerPath(folder, script) }),
  };
}

function server(
  name: string,
  about: ServerPeer & { readonly folder: string; readonly short?: boolean },
): Row {
  const { folder, short = false, ...peer } = about;
  return { name, part: 'server', folder, short, run: () => tellServerStory(peer) };
}

/** One line for each way the client can reach our server. */
function client(
  name: string,
  about: Omit<About<ClientPeer>, 'mode'> & { readonly modes?: readonly Mode[] },
): Row[] {
  const { folder, script, short = false, modes: chosen = allModes, ...peer } = about;
  return chosen.map((mode) => ({
    name: `${name}, ${modes[mode]}`,
    part: 'client',
    folder,
    short,
    ...(mode === 'stdio' && { beside: { 'our restart': 'The client starts the server itself.' } }),
    run: () => tellClientStory({ ...peer, mode, cwd: peerPath(folder), script: peerPath(folder, script) }),
  }));
}

const allModes = Object.keys(modes) as Mode[];

const ahoy = { tool: 'ahoy', args: {} };
const notify = { tool: 'start-notification-stream', args: { interval: 10, count: 1 } };
const greet = { tool: 'greet', args: { name: 'ahoy' } };

/** One of the examples of SDK v1, as it was published. */
function example(file: string, path = '/mcp'): (port: number) => HttpProgram {
  const script = inFolder('sdk-v1', `sdk/dist/esm/examples/server/${file}.js`);
  const isSse = path === '/sse';
  return (port) => ({
    script,
    port,
    path,
    env: { INTEROP_PORT: String(port), MCP_PORT: String(port) },
    ...(isSse && { transport: 'sse' }),
  });
}

/** A server of ours on somebody's framework, that says `ahoy`. */
function small(folder: string, path: string, ...args: readonly string[]): (port: number) => HttpProgram {
  return (port) => ({
    script: peerPath(folder, 'server.mjs'),
    args: [String(port), ...args],
    path,
    port,
    ...(path === '/sse' && { transport: 'sse' }),
  });
}

/** The server `everything`, over stdio, behind a bridge. */
function bridged(bridge: string, path: string, args: (port: string, inner: string) => readonly string[]) {
  return (port: number): HttpProgram => ({
    script: peerPath('bridges', `node_modules/${bridge}`),
    args: args(String(port), inFolder('bridges', 'server-everything/dist/index.js')),
    path,
    port,
    ...(path === '/sse' && { transport: 'sse' }),
  });
}

const mcpProxy = 'mcp-proxy/dist/bin/mcp-proxy.mjs';
const supergateway = 'supergateway/dist/index.js';

const echo = { tool: 'echo', args: { message: 'ahoy' } };

function inFolder(folder: string, file: string): string {
  return peerPath(folder, `node_modules/@modelcontextprotocol/${file}`);
}

function everything(args: readonly string[]): { script: string; args: readonly string[] } {
  return { script: inFolder('reference-servers', 'server-everything/dist/index.js'), args };
}

function everythingOn(port: number, mode: string): Program {
  return { ...everything([mode]), env: { PORT: String(port) }, port };
}

/** Every line of the table, in its order. */
export const rows: readonly Row[] = [
  authorization('SDK v1 router, rotating refresh tokens', { folder: 'sdk-v1', script: 'router.mjs' }),
  authorization('SDK v1 router, legacy SSE', { folder: 'sdk-v1', script: 'router.mjs', args: ['sse'] }),
  authorization('SDK v1 demo provider, no refresh tokens', { folder: 'sdk-v1', script: 'demo-provider.mjs' }),
  authorization('oidc-provider', { folder: 'oidc-provider', script: 'serve.mjs', short: true }),
  authorization('better-auth with oauth-provider', { folder: 'better-auth', script: 'serve.mjs' }),
  authorization('workers-oauth-provider under miniflare', {
    folder: 'workers-oauth-provider',
    script: 'serve.mjs',
  }),
  authorization('fastmcp OAuthProvider', { folder: 'fastmcp', script: 'oauth.mjs', whoami: /signed in/u }),
  authorization('SDK v2 server-legacy router', { folder: 'sdk-v2-legacy', script: 'router.mjs' }),

  server('everything, stdio', { folder: 'reference-servers', stdio: everything(['stdio']), call: echo }),
  server('everything, streamable HTTP', {
    folder: 'reference-servers',
    http: (port) => ({ ...everythingOn(port, 'streamableHttp'), path: '/mcp' }),
    call: echo,
  }),
  server('everything, legacy SSE', {
    folder: 'reference-servers',
    http: (port) => ({ ...everythingOn(port, 'sse'), path: '/sse', transport: 'sse' }),
    call: echo,
  }),
  server('filesystem, stdio', {
    folder: 'reference-servers',
    stdio: { script: inFolder('reference-servers', 'server-filesystem/dist/index.js'), args: [peerPath('')] },
    call: { tool: 'list_directory', args: { path: peerPath('') } },
    answer: /reference-servers/u,
  }),
  server('memory, stdio', {
    folder: 'reference-servers',
    stdio: { script: inFolder('reference-servers', 'server-memory/dist/index.js') },
    call: { tool: 'read_graph', args: {} },
    answer: /entities/u,
  }),
  server('SDK v1 example, sessions', {
    folder: 'sdk-v1',
    http: example('simpleStreamableHttp'),
    call: greet,
  }),
  server('SDK v1 example, JSON replies', {
    folder: 'sdk-v1',
    http: example('jsonResponseStreamableHttp'),
    call: greet,
  }),
  server('SDK v1 example, stateless', {
    folder: 'sdk-v1',
    http: example('simpleStatelessStreamableHttp'),
    call: notify,
    answer: /Started/u,
  }),
  server('SDK v1 example, both transports', {
    folder: 'sdk-v1',
    http: example('sseAndStreamableHttpCompatibleServer'),
    call: notify,
    answer: /Started/u,
  }),
  server('SDK v1 example, legacy SSE', {
    folder: 'sdk-v1',
    http: example('simpleSseServer', '/sse'),
    call: notify,
    answer: /notification/iu,
  }),
  server('SDK v2 server, streamable HTTP', {
    folder: 'sdk-v2',
    http: small('sdk-v2', '/mcp', 'http'),
    call: ahoy,
    short: true,
  }),
  server('SDK v2 server, stdio', {
    folder: 'sdk-v2',
    stdio: { script: peerPath('sdk-v2', 'server.mjs'), args: ['0', 'stdio'] },
    call: ahoy,
    short: true,
  }),
  server('fastmcp, streamable HTTP', {
    folder: 'fastmcp',
    http: small('fastmcp', '/mcp', 'httpStream'),
    call: ahoy,
  }),
  server('fastmcp, legacy SSE', {
    folder: 'fastmcp',
    http: small('fastmcp', '/sse', 'httpStream'),
    call: ahoy,
  }),
  server('fastmcp, stdio', {
    folder: 'fastmcp',
    stdio: { script: peerPath('fastmcp', 'server.mjs'), args: ['0', 'stdio'] },
    call: ahoy,
  }),
  server('@hono/mcp', { folder: 'hono-mcp', http: small('hono-mcp', '/mcp'), call: ahoy }),
  server('mcp-use 1 server', { folder: 'mcp-use-1', http: small('mcp-use-1', '/mcp'), call: ahoy }),
  server('mcp-use 2 server', { folder: 'mcp-use-2', http: small('mcp-use-2', '/mcp'), call: ahoy }),
  server('everything behind mcp-proxy, streamable HTTP', {
    folder: 'bridges',
    http: bridged(mcpProxy, '/mcp', (port, inner) => [
      '--port',
      port,
      '--',
      process.execPath,
      inner,
      'stdio',
    ]),
    call: echo,
  }),
  server('everything behind mcp-proxy, stateless', {
    folder: 'bridges',
    http: bridged(mcpProxy, '/mcp', (port, inner) => [
      ...['--port', port, '--stateless', '--'],
      ...[process.execPath, inner, 'stdio'],
    ]),
    call: echo,
  }),
  server('everything behind mcp-proxy, legacy SSE', {
    folder: 'bridges',
    http: bridged(mcpProxy, '/sse', (port, inner) => [
      '--port',
      port,
      '--',
      process.execPath,
      inner,
      'stdio',
    ]),
    call: echo,
  }),
  server('everything behind supergateway, sessions', {
    folder: 'bridges',
    http: bridged(supergateway, '/mcp', (port, inner) => [
      ...['--port', port, '--outputTransport', 'streamableHttp', '--stateful'],
      ...['--stdio', `${process.execPath} ${inner} stdio`],
    ]),
    call: echo,
  }),
  server('everything behind supergateway, stateless', {
    folder: 'bridges',
    http: bridged(supergateway, '/mcp', (port, inner) => [
      ...['--port', port, '--outputTransport', 'streamableHttp'],
      ...['--stdio', `${process.execPath} ${inner} stdio`],
    ]),
    call: echo,
  }),
  server('everything behind supergateway, legacy SSE', {
    folder: 'bridges',
    http: bridged(supergateway, '/sse', (port, inner) => [
      ...['--port', port, '--outputTransport', 'sse'],
      ...['--stdio', `${process.execPath} ${inner} stdio`],
    ]),
    call: echo,
  }),

  ...client('SDK v1', { folder: 'sdk-v1', script: 'client.mjs' }),
  ...client('SDK v1 without elicitation', { folder: 'sdk-v1', script: 'client.mjs', args: ['plain'] }),
  ...client('SDK v2, 2025-11-25', { folder: 'sdk-v2', script: 'client.mjs', args: ['legacy'], short: true }),
  ...client('SDK v2, 2026-07-28', {
    folder: 'sdk-v2',
    script: 'client.mjs',
    args: ['modern'],
    modes: ['stateless', 'stdio'],
    short: true,
  }),
  ...client('AI SDK 1', { folder: 'ai-sdk-1', script: 'client.mjs' }),
  ...client('AI SDK 2', { folder: 'ai-sdk-2', script: 'client.mjs' }),
  ...client('AI SDK 2 with URL elicitation', {
    folder: 'ai-sdk-2',
    script: 'client.mjs',
    args: ['url'],
    modes: ['stateless'],
  }),
  ...client('mcp-remote', { folder: 'mcp-remote', script: 'client.mjs', modes: ['session', 'stateless'] }),
  ...client('mcporter, API', { folder: 'mcporter', script: 'client.mjs' }),
  ...client('mcporter, command', { folder: 'mcporter', script: 'command.mjs' }),
  ...client('inspector 2 CLI', { folder: 'inspector', script: 'command.mjs' }),
  ...client('inspector 0.15 CLI', { folder: 'inspector-0', script: 'command.mjs' }),
  ...client('LangChain adapters', { folder: 'langchain', script: 'client.mjs' }),
  ...client('Mastra 2', { folder: 'mastra-2', script: 'client.mjs' }),
  ...client('Mastra 0.14', { folder: 'mastra-0', script: 'client.mjs' }),
  ...client('OpenAI Agents', { folder: 'openai-agents', script: 'client.mjs' }),
  ...client('mcp-use 1', { folder: 'mcp-use-1', script: 'client.mjs' }),
];
