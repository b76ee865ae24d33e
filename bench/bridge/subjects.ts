import { spawn, type ChildProcess } from 'node:child_process';
import { existsSync, mkdirSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../../', import.meta.url));
const peers = join(root, 'interop/peers');
const postern = join(root, 'dist/cli/main.js');
const peerScripts = {
  'mcp-remote': 'mcp-remote/node_modules/mcp-remote/dist/proxy.js',
  supergateway: 'bridges/node_modules/supergateway/dist/index.js',
  'mcp-proxy': 'bridges/node_modules/mcp-proxy/dist/bin/mcp-proxy.mjs',
} as const;
type Peer = keyof typeof peerScripts;

/** The server behind every gateway. */
export const stdioServer: string = fileURLToPath(new URL('../servers/stdio-server.ts', import.meta.url));

/** A program under measure: what to start, and what to call it. */
export interface Subject {
  readonly label: string;
  readonly script: string;
  readonly args: (where: { readonly url: string; readonly port: number }) => readonly string[];
  /** Where it then answers, if it does over HTTP. */
  readonly path?: string;
}

/** From stdio to a server that is reached over HTTP. */
export function bridgeSubjects(): Subject[] {
  const ours: Subject = { label: 'postern bridge', script: postern, args: ({ url }) => ['bridge', url] };
  return [ours, peer('mcp-remote', ({ url }) => [url, '--allow-http'])].filter(isThere);
}

/** One process of ours before many servers. */
export function manyServersSubject(urls: readonly string[]): Subject {
  return {
    label: `postern bridge, ${urls.length} servers in one process`,
    script: postern,
    args: () => ['bridge', ...urls.flatMap((url, index) => ['--server', `s${index}=${url}`])],
  };
}

/** From HTTP to a server that is reached over stdio. */
export function exposeSubjects(): Subject[] {
  const command = [process.execPath, stdioServer];
  return [
    {
      label: 'postern expose',
      script: postern,
      args: ({ port }: { port: number }) => ['expose', '--port', String(port), '--', ...command],
      path: '/mcp',
    },
    {
      ...peer('supergateway', ({ port }) =>
        `--port ${port} --outputTransport streamableHttp --stateful --logLevel none --stdio`
          .split(' ')
          .concat(command.join(' ')),
      ),
      path: '/mcp',
    },
    { ...peer('mcp-proxy', ({ port }) => ['--port', String(port), '--', ...command]), path: '/mcp' },
  ].filter(isThere);
}

/** The peers that are not installed. */
export function missingPeers(): string[] {
  return (Object.keys(peerScripts) as Peer[]).filter((name) => !existsSync(join(peers, peerScripts[name])));
}

function peer(name: Peer, args: Subject['args']): Subject {
  return { label: name, script: join(peers, peerScripts[name]), args };
}

function isThere({ script }: Subject): boolean {
  return existsSync(script);
}

/** Starts a program in a home of its own, which keeps what it has stored from one start to the next. */
export function start(subject: Subject, where: { url: string; port: number }, home: string): ChildProcess {
  mkdirSync(home, { recursive: true });
  const { HOME: _home, ...rest } = process.env;
  return spawn(process.execPath, [subject.script, ...subject.args(where)], {
    cwd: home,
    stdio: ['pipe', 'pipe', 'ignore'],
    // A group of its own, so that what it starts ends with it.
    detached: true,
    env: { ...rest, HOME: home, MCP_REMOTE_CONFIG_DIR: join(home, 'mcp-remote') },
  });
}

/** Ends a program with all that it has started. */
export async function end(child: ChildProcess): Promise<void> {
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
  const exited = new Promise((resolve) => child.once('exit', resolve));
  process.kill(-child.pid, 'SIGKILL');
  await exited;
}

/** A port that nobody listens on just now. */
export async function findFreePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (address === null || typeof address === 'string') throw new Error('no port is free');
  return address.port;
}
