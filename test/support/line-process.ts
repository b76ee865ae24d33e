import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';

/** A program in a process of its own that prints lines, and may wait for one. */
export class LineProcess {
  readonly #process: ChildProcess;
  readonly #lines: AsyncIterator<string>;

  /** @param args What Node is started with. @param cwd Where a script finds its packages. */
  constructor(args: readonly string[], cwd?: string) {
    this.#process = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', ...args], {
      stdio: ['pipe', 'pipe', 'inherit'],
      ...(cwd !== undefined && { cwd }),
      // Whatever happens to the test, no process stays behind.
      timeout: 120_000,
      killSignal: 'SIGKILL',
    });
    // Whoever was killed hears nothing.
    this.#process.stdin!.on('error', () => {});
    this.#lines = createInterface(this.#process.stdout!)[Symbol.asyncIterator]();
  }

  get pid(): number | undefined {
    return this.#process.pid;
  }

  /** The next line it prints. @throws {Error} when it ends first. */
  async line(): Promise<string> {
    const { value, done } = await this.#lines.next();
    if (done) throw new Error(`the process ended with ${this.#process.exitCode ?? this.#process.signalCode}`);
    return value;
  }

  /** Its next line, as JSON. */
  async outcome<T>(): Promise<T> {
    return JSON.parse(await this.line()) as T;
  }

  /** Gives it the line it waits for. */
  start(): void {
    this.#process.stdin!.write('go\n');
  }

  async kill(signal: 'SIGTERM' | 'SIGKILL' = 'SIGKILL'): Promise<void> {
    if (this.#process.exitCode !== null || this.#process.signalCode !== null) return;
    const ended = once(this.#process, 'exit');
    this.#process.kill(signal);
    await ended;
  }
}

/** Lets processes that say `ready` and wait go on in the same moment, once all have said so. */
export async function startTogether(processes: readonly LineProcess[]): Promise<void> {
  for (const each of processes) {
    const line = await each.line();
    if (line !== 'ready') throw new Error(`a process that was to be ready said ${JSON.stringify(line)}`);
  }
  for (const each of processes) each.start();
}
