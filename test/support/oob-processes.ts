import { fork } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { forward } from '../../demo/plain-request.ts';
import type { PageHost } from './page-host.ts';
import type { Acquired, FromServer, ToServer } from './oob-process.ts';

/** A running process of `oob-process.ts`. */
export interface ServerProcess {
  acquire(call: Omit<ToServer, 'id'>): Promise<readonly Acquired[]>;
  /** As a crash would end it. */
  kill(): Promise<void>;
}

const startMs = 20_000;

/** Starts processes on one sealed store. The pages of the host are served by all of them in turn. */
export async function startServers(
  count: number,
  options: { host: PageHost; issuer: string; leaseMs?: number },
): Promise<readonly ServerProcess[]> {
  const directory = mkdtempSync(join(tmpdir(), 'postern-oob-'));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  const { host, issuer, leaseMs = 15_000 } = options;
  const args = [directory, host.publicUrl, issuer, String(leaseMs)];
  return Promise.all(Array.from({ length: count }, () => startServer(args, host)));
}

async function startServer(args: readonly string[], host: PageHost): Promise<ServerProcess> {
  const child = fork(new URL('oob-process.ts', import.meta.url), args, {
    execArgv: ['--disable-warning=ExperimentalWarning'],
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  });
  const exited = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  const waiting = new Map<number, (outcomes: readonly Acquired[]) => void>();
  const port = await new Promise<number>((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`no server within ${startMs} ms`)), startMs);
    child.once('exit', (code) => reject(new Error(`the server ended with ${code}`)));
    child.on('message', (message: FromServer) => {
      if ('port' in message) {
        clearTimeout(timer);
        resolve(message.port);
      } else {
        waiting.get(message.id)?.(message.outcomes);
        waiting.delete(message.id);
      }
    });
  });
  const handler = (request: Request): Promise<Response> => forward(request, port);
  host.handlers.push(handler);
  const kill = async (): Promise<void> => {
    const place = host.handlers.indexOf(handler);
    if (place !== -1) host.handlers.splice(place, 1);
    child.kill('SIGKILL');
    await exited;
  };
  onTestFinished(kill);
  let asked = 0;
  return {
    kill,
    acquire: (call) =>
      new Promise((resolve) => {
        const id = ++asked;
        waiting.set(id, resolve);
        if (child.connected) child.send({ ...call, id });
      }),
  };
}
