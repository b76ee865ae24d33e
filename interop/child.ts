import { spawn, type ChildProcess } from 'node:child_process';
import { createServer } from 'node:net';
import { within } from './within.ts';

/** A program to start: a script that speaks with its parent, or somebody's command that does not. */
export interface Program {
  readonly script: string;
  readonly args?: readonly string[];
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
  /** For a command that does not say when it is ready: the port that it listens on then. */
  readonly port?: number;
}

interface Message {
  readonly ready?: unknown;
  readonly shown?: string;
  readonly id?: number;
  readonly value?: unknown;
  readonly error?: string;
}

const preloads = ['moving-clock', 'loopback-only'].flatMap((name) => [
  '--import',
  new URL(`shared/${name}.mjs`, import.meta.url).href,
]);
const startMs = 60_000;
const answerMs = 90_000;
const children = new Set<Child>();

/** A peer or an agent in a process of its own, with a clock that its parent can move forward. */
export class Child {
  readonly #process: ChildProcess;
  readonly #exited: Promise<void>;
  readonly #asked = new Map<number, { resolve: (value: unknown) => void; reject: (error: Error) => void }>();
  #next = 1;
  #said = '';
  /** What the process said about itself when it could be used. */
  ready: unknown;
  /** Hears of what the process shows to its person while it is busy. */
  onShown: (text: string) => void = () => {};

  private constructor(process: ChildProcess) {
    this.#process = process;
    this.#exited = new Promise((resolve) => {
      process.once('error', () => resolve());
      process.once('exit', () => resolve());
    });
    void this.#exited.then(() => {
      children.delete(this);
      for (const { reject } of this.#asked.values()) reject(this.#gone());
    });
    for (const stream of [process.stdout, process.stderr]) {
      stream?.on('data', (chunk: Buffer) => (this.#said = (this.#said + String(chunk)).slice(-4_000)));
    }
  }

  /** Starts a program, and resolves when it can be used. @throws {Error} with what it said, when it cannot. */
  static async start(program: Program, aheadMs = 0): Promise<Child> {
    const process_ = spawn(
      process.execPath,
      ['--disable-warning=ExperimentalWarning', ...preloads, program.script, ...(program.args ?? [])],
      {
        stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
        // A group of its own, so that what a peer starts ends with it.
        detached: true,
        ...(program.cwd && { cwd: program.cwd }),
        env: { ...process.env, ...program.env, INTEROP_CLOCK_AHEAD_MS: String(aheadMs) },
      },
    );
    const child = new Child(process_);
    children.add(child);
    try {
      await within(startMs, `the start of ${program.script}`, child.#becomeReady(program.port));
      return child;
    } catch (error) {
      await child.kill();
      throw error;
    }
  }

  /** What it printed last, for whoever looks for a cause. */
  get said(): string {
    return this.#said;
  }

  ask(command: string, args?: unknown): Promise<unknown> {
    return this.#send({ command, args });
  }

  /** From now on its clock is this much ahead of the machine's. */
  async setAhead(aheadMs: number): Promise<void> {
    await this.#send({ aheadMs });
  }

  /** Ends it at once and for good, as a crash would, with all it has started. */
  async kill(): Promise<void> {
    this.killNow();
    await this.#exited;
  }

  killNow(): void {
    const { pid } = this.#process;
    if (pid === undefined) return;
    try {
      process.kill(-pid, 'SIGKILL');
    } catch {
      // It has ended already.
    }
  }

  async #becomeReady(port: number | undefined): Promise<void> {
    const said = new Promise<void>((resolve) => {
      this.#process.on('message', (message: Message) => {
        if (message.shown !== undefined) this.onShown(message.shown);
        if (message.ready !== undefined) {
          this.ready = message.ready;
          resolve();
        }
        const asked = this.#asked.get(message.id ?? 0);
        if (asked === undefined) return;
        this.#asked.delete(message.id ?? 0);
        if (message.error === undefined) asked.resolve(message.value);
        else asked.reject(new Error(message.error));
      });
    });
    const ended = this.#exited.then(() => {
      throw this.#gone();
    });
    await Promise.race([port === undefined ? said : answersOn(port), ended]);
  }

  async #send(message: object): Promise<unknown> {
    if (!this.#process.connected) throw this.#gone();
    const id = this.#next++;
    const answer = new Promise<unknown>((resolve, reject) => this.#asked.set(id, { resolve, reject }));
    this.#process.send({ ...message, id });
    return within(answerMs, `an answer to ${JSON.stringify(message).slice(0, 80)}`, answer);
  }

  #gone(): Error {
    return new Error(`the process has ended; it said last:\n${this.#said}`);
  }
}

/** Ends every child that is left. */
export function killAll(): void {
  for (const child of children) child.killNow();
}

let nextPort = 20_000 + (process.pid % 700) * 10;

/** A port that is free, below those that the system gives to connections: one of these could be gone in a moment. */
export async function findFreePort(): Promise<number> {
  for (let tries = 0; tries < 1_000; tries++) {
    const port = nextPort++;
    const server = createServer();
    const isFree = await new Promise<boolean>((resolve) => {
      server.once('error', () => resolve(false));
      server.listen(port, '127.0.0.1', () => resolve(true));
    });
    if (!isFree) continue;
    await new Promise((resolve) => server.close(resolve));
    return port;
  }
  throw new Error('no port is free');
}

async function answersOn(port: number): Promise<void> {
  for (;;) {
    try {
      await fetch(`http://127.0.0.1:${port}/`, { signal: AbortSignal.timeout(5_000) });
      return;
    } catch {
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }
}
