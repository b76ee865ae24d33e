import type { Program } from '../child.ts';
import { peerPath, type Row } from '../row.ts';
import { tellServerStory, type HttpProgram, type ServerPeer } from '../stories/server-story.ts';

function server(
  name: string,
  about: ServerPeer & { readonly folder: string; readonly short?: boolean },
): Row {
  const { folder, short = false, ...peer } = about;
  return { name, part: 'server', folder, short, run: () => tellServerStory(peer) };
}

const ahoy = { tool: 'ahoy', args: {} };
const notify = { tool: 'start-notification-stream', args: { interval: 10, count: 1 } };
const greet = { tool: 'greet', args: { name: 'ahoy' } };

/** One of the examples of SDK v1, as it was published. */
function example(file: string, transport?: 'sse'): (port: number) => HttpProgram {
  const script = inFolder('sdk-v1', `sdk/dist/esm/examples/server/${file}.js`);
  return (port) => ({
    script,
    port,
    path: '/mcp',
    env: { INTEROP_PORT: String(port), MCP_PORT: String(port) },
    ...(transport && { transport }),
  });
}

/** A server of ours on somebody's framework, that says `ahoy`. */
function small(folder: string, path: string, ...args: readonly string[]): (port: number) => HttpProgram {
  return (port) => ({
    script: peerPath(folder, 'server.mjs'),
    args: [String(port), ...args],
    env: { NODE_ENV: 'production' },
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

/** MCP servers that ask nobody to sign in. */
export const serverRows: readonly Row[] = [
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
    http: example('simpleSseServer', 'sse'),
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
      '--port',
      port,
      '--stateless',
      '--',
      process.execPath,
      inner,
      'stdio',
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
      '--port',
      port,
      '--outputTransport',
      'streamableHttp',
      '--stateful',
      '--stdio',
      `${process.execPath} ${inner} stdio`,
    ]),
    call: echo,
  }),
  server('everything behind supergateway, stateless', {
    folder: 'bridges',
    http: bridged(supergateway, '/mcp', (port, inner) => [
      '--port',
      port,
      '--outputTransport',
      'streamableHttp',
      '--stdio',
      `${process.execPath} ${inner} stdio`,
    ]),
    call: echo,
  }),
  server('everything behind supergateway, legacy SSE', {
    folder: 'bridges',
    http: bridged(supergateway, '/sse', (port, inner) => [
      '--port',
      port,
      '--outputTransport',
      'sse',
      '--stdio',
      `${process.execPath} ${inner} stdio`,
    ]),
    call: echo,
  }),
];
