import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

/** A worker of `sqlite-worker.ts` in a process of its own. */
export class WorkerProcess {
  readonly #process: ChildProcess;
  readonly #lines: AsyncIterator<string>;

  constructor(task: string, path: string, argument: string = '') {
    const script = join(import.meta.dirname, 'sqlite-worker.ts');
    this.#process = spawn(process.execPath, [script, task, path, argument], {
      stdio: ['pipe', 'pipe', 'inherit'],
      // Whatever happens to the test, no process stays behind.
      timeout: 120_000,
      killSignal: 'SIGKILL',
    });
    this.#lines = createInterface(this.#process.stdout!)[Symbol.asyncIterator]();
  }

  /** The next line it prints. */
  async line(): Promise<string> {
    const { value, done } = await this.#lines.next();
    if (done) throw new Error(`the worker ended with ${this.#process.exitCode ?? this.#process.signalCode}`);
    return value;
  }

  start(): void {
    this.#process.stdin!.write('go\n');
  }

  async outcome<T>(): Promise<T> {
    return JSON.parse(await this.line()) as T;
  }

  async kill(): Promise<void> {
    if (this.#process.exitCode !== null || this.#process.signalCode !== null) return;
    const ended = once(this.#process, 'exit');
    this.#process.kill('SIGKILL');
    await ended;
  }
}
