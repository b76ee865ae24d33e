import { fork, type ChildProcess } from 'node:child_process';
import { fileURLToPath } from 'node:url';

export interface ChildProgramOptions<From> {
  /** How errors call it. */
  readonly name: string;
  readonly program: URL;
  readonly args?: readonly string[] | undefined;
  /** Besides the environment of this process. */
  readonly env?: Readonly<Record<string, string>> | undefined;
  /** Told each message as it comes. */
  readonly onMessage?: ((message: From) => void) | undefined;
}

/** A program in a process of its own that is told things over IPC, and everything it has said. */
export class ChildProgram<To extends object | string, From> {
  readonly name: string;
  readonly messages: From[] = [];
  readonly exited: Promise<{ code: number | null; signal: string | null }>;
  isAlive = true;
  /** What it has printed. */
  output = '';
  readonly #child: ChildProcess;
  readonly #watchers = new Set<() => void>();

  constructor({ name, program, args = [], env, onMessage }: ChildProgramOptions<From>) {
    this.name = name;
    this.#child = fork(fileURLToPath(program), args, {
      silent: true,
      execArgv: ['--disable-warning=ExperimentalWarning'],
      env: { ...process.env, ...env },
    });
    for (const stream of [this.#child.stdout, this.#child.stderr]) {
      stream?.on('data', (chunk: Buffer) => (this.output += chunk.toString()));
    }
    this.#child.on('message', (message: From) => {
      this.messages.push(message);
      onMessage?.(message);
      this.#wake();
    });
    // Its last words may still be in the channel when it has gone.
    this.#child.once('disconnect', () => this.#wake());
    this.exited = new Promise((resolve) => {
      this.#child.once('exit', (code, signal) => {
        this.isAlive = false;
        this.#wake();
        resolve({ code, signal });
      });
    });
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  send(message: To): void {
    if (this.#child.connected) this.#child.send(message, () => {});
  }

  /**
   * The first message that `pick` recognises, of those said already and those to come; `undefined` when the process
   * ends first.
   *
   * @throws {Error} after `withinMs`.
   */
  async said<T>(
    what: string,
    pick: (message: From) => T | undefined,
    withinMs = 20_000,
  ): Promise<T | undefined> {
    const deadline = performance.now() + withinMs;
    for (let heard = 0; ;) {
      for (; heard < this.messages.length; heard++) {
        const found = pick(this.messages[heard] as From);
        if (found !== undefined) return found;
      }
      if (!this.isAlive && !this.#child.connected) return undefined;
      const leftMs = deadline - performance.now();
      if (leftMs <= 0) throw this.#failed(`did not say within ${withinMs} ms: ${what}`);
      await this.#change(leftMs);
    }
  }

  /** As {@link said}. @throws {Error} also when the process ends first. */
  async heard<T>(what: string, pick: (message: From) => T | undefined, withinMs?: number): Promise<T> {
    const found = await this.said(what, pick, withinMs);
    if (found === undefined) throw this.#failed(`ended, and had not said: ${what}`);
    return found;
  }

  signal(name: 'SIGKILL' | 'SIGTERM'): void {
    this.#child.kill(name);
  }

  /** Ends it as a crash would, whatever it does. */
  async end(): Promise<void> {
    if (!this.isAlive) return;
    this.#child.kill('SIGKILL');
    await this.exited;
  }

  #failed(how: string): Error {
    const last = JSON.stringify(this.messages.at(-1));
    return new Error(`${this.name} ${how}; the last it said was ${last}\n${this.output}`);
  }

  async #change(withinMs: number): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(resolve, withinMs);
    this.#watchers.add(resolve);
    await promise;
    clearTimeout(timer);
    this.#watchers.delete(resolve);
  }

  #wake(): void {
    for (const wake of this.#watchers) wake();
  }
}
