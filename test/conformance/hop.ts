import { spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const postern = fileURLToPath(new URL('../../src/cli/main.ts', import.meta.url));
const stdioServer = fileURLToPath(new URL('server/stdio-everything-process.ts', import.meta.url));
const startMs = 30_000;
const stopMs = 10_000;

/** What stands between the suite and the server under test. */
export interface Hop {
  /** Where the suite finds the server. */
  readonly url: string;
  /** What the processes have said, for whoever looks for a cause. */
  said(): string;
  close(): Promise<void>;
}

/** The server at `url`, once through stdio: a bridge to it, exposed again. */
export function startBridgeHop(url: string): Promise<Hop> {
  return startExpose([process.execPath, postern, 'bridge', url]);
}

/** The same server as a program on stdio, exposed. */
export function startExposeHop(): Promise<Hop> {
  return startExpose([process.execPath, stdioServer]);
}

async function startExpose(command: readonly string[]): Promise<Hop> {
  const home = await mkdtemp(join(tmpdir(), 'postern-conformance-home-'));
  const port = await findFreePort();
  const { HOME: _home, DISPLAY: _display, ...env } = process.env;
  const child = spawn(process.execPath, [postern, 'expose', '--port', String(port), '--', ...command], {
    cwd: home,
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...env, HOME: home },
  });
  let said = '';
  const collect = (chunk: Buffer): void => {
    said = (said + chunk.toString()).slice(-20_000);
  };
  child.stdout.on('data', collect);
  child.stderr.on('data', collect);
  const exited = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  const url = `http://127.0.0.1:${port}/mcp`;
  const close = async (): Promise<void> => {
    child.kill('SIGTERM');
    const killed = setTimeout(() => process.kill(-(child.pid ?? 0), 'SIGKILL'), stopMs);
    await exited;
    clearTimeout(killed);
    await rm(home, { recursive: true, force: true });
  };
  try {
    await Promise.race([
      listensAt(url),
      exited.then(() => {
        throw new Error(`expose ended by itself:\n${said}`);
      }),
    ]);
  } catch (error) {
    if (child.exitCode === null) await close();
    throw error;
  }
  return { url, said: () => said, close };
}

/** Resolves when somebody answers there, whatever it is. @throws {Error} when nobody does in time. */
async function listensAt(url: string): Promise<void> {
  const giveUpAt = performance.now() + startMs;
  for (;;) {
    try {
      await (await fetch(url, { method: 'DELETE', signal: AbortSignal.timeout(startMs) })).body?.cancel();
      return;
    } catch (error) {
      if (performance.now() > giveUpAt) throw error;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }
}

async function findFreePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (address === null || typeof address === 'string') throw new Error('no port is free');
  return address.port;
}
