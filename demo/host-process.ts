import { fork, type ChildProcess } from 'node:child_process';
import type { FromHost, ToHost } from './host.ts';

/** A running process of the agent host. */
export interface HostProcess {
  readonly name: string;
  readonly pid: number;
  readonly port: number;
  readonly output: () => string;
  ask(user: string): void;
  /** As a crash would end it: at once, with nothing said. */
  kill(): Promise<void>;
  stop(): Promise<void>;
}

const startMs = 15_000;

/** Starts one process; resolves when it accepts requests. */
export async function startHostProcess(options: {
  name: string;
  directory: string;
  publicUrl: string;
  calendarUrl: string;
  onMessage: (host: string, message: FromHost) => void;
}): Promise<HostProcess> {
  const { name, directory, publicUrl, calendarUrl, onMessage } = options;
  const child = fork(new URL('./host.ts', import.meta.url), [directory, publicUrl, calendarUrl], {
    silent: true,
    execArgv: ['--disable-warning=ExperimentalWarning'],
  });
  let output = '';
  child.stdout?.on('data', (chunk: Buffer) => (output += chunk.toString()));
  child.stderr?.on('data', (chunk: Buffer) => (output += chunk.toString()));
  const exited = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  const port = await new Promise<number>((resolve, reject) => {
    const failed = (why: string): void => reject(new Error(`the host process ${name} ${why}:\n${output}`));
    const timer = setTimeout(() => failed(`was not ready within ${startMs} ms`), startMs);
    child.once('exit', (code) => failed(`ended with ${code}`));
    child.on('message', (message: FromHost) => {
      if ('listening' in message) {
        clearTimeout(timer);
        resolve(message.listening.port);
      } else {
        onMessage(name, message);
      }
    });
  });
  return {
    name,
    pid: child.pid ?? 0,
    port,
    output: () => output,
    ask: (user) => send(child, { ask: { user } }),
    kill: async () => {
      child.kill('SIGKILL');
      await exited;
    },
    stop: async () => {
      send(child, { stop: true });
      const timer = setTimeout(() => child.kill('SIGKILL'), 5_000);
      await exited;
      clearTimeout(timer);
    },
  };
}

function send(child: ChildProcess, message: ToHost): void {
  if (child.connected) child.send(message);
}
