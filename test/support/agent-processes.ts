import { fork, type ChildProcess } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { forward } from '../../demo/plain-request.ts';
import type { CallOutcome, FromAgent, ToAgent } from './agent-process.ts';
import type { PageHost } from './page-host.ts';

/** A running process of `agent-process.ts`. */
export interface AgentProcess {
  readonly port: number;
  call(contextId: string, calls?: number): Promise<readonly CallOutcome[]>;
  status(contextId: string): Promise<string>;
  /** As a crash would end it. */
  kill(): Promise<void>;
}

const startMs = 20_000;

/** Starts processes on one store. The pages of the host are served by all of them in turn. */
export async function startAgents(
  count: number,
  options: { host: PageHost; calendarUrl: string },
): Promise<readonly AgentProcess[]> {
  const directory = mkdtempSync(join(tmpdir(), 'postern-agents-'));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  const { host, calendarUrl } = options;
  const agents = await Promise.all(
    Array.from({ length: count }, () => startAgent([directory, host.publicUrl, calendarUrl])),
  );
  for (const { port } of agents) {
    host.handlers.push((request) => forward(request, port));
  }
  return agents;
}

async function startAgent(args: readonly string[]): Promise<AgentProcess> {
  const child = fork(new URL('agent-process.ts', import.meta.url), args, {
    execArgv: ['--disable-warning=ExperimentalWarning'],
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  });
  const exited = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  const kill = async (): Promise<void> => {
    child.kill('SIGKILL');
    await exited;
  };
  onTestFinished(kill);
  const waiting = new Map<number, (message: FromAgent) => void>();
  const port = await new Promise<number>((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`no agent within ${startMs} ms`)), startMs);
    child.once('exit', (code) => reject(new Error(`the agent ended with ${code}`)));
    child.on('message', (message: FromAgent) => {
      if ('port' in message) {
        clearTimeout(timer);
        resolve(message.port);
      } else {
        waiting.get(message.id)?.(message);
        waiting.delete(message.id);
      }
    });
  });
  let asked = 0;
  const ask = (message: Question): Promise<FromAgent> =>
    new Promise((resolve) => {
      const id = ++asked;
      waiting.set(id, resolve);
      send(child, { ...message, id });
    });
  return {
    port,
    kill,
    call: async (contextId, calls = 1) => {
      const answer = await ask({ contextId, calls });
      return 'outcomes' in answer ? answer.outcomes : [];
    },
    status: async (contextId) => {
      const answer = await ask({ contextId, status: true });
      return 'status' in answer ? answer.status : '';
    },
  };
}

type Question = { contextId: string; calls: number } | { contextId: string; status: true };

function send(child: ChildProcess, message: ToAgent): void {
  if (child.connected) child.send(message);
}
