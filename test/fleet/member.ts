import { fork, type ChildProcess } from 'node:child_process';
import type { FromMember, ToMember } from './member-process.ts';

/** Where a fleet keeps what it shares. */
export interface FleetPlace {
  readonly storageUrl: string;
  readonly keyringFile: string;
}

/** A process of a fleet, seen from outside. */
export class Member {
  readonly messages: FromMember[] = [];
  readonly #child: ChildProcess;
  readonly #watchers = new Set<() => void>();
  #output = '';

  constructor({ storageUrl, keyringFile }: FleetPlace, { isDeaf = false } = {}) {
    this.#child = fork(
      new URL('./member-process.ts', import.meta.url),
      [storageUrl, keyringFile, ...(isDeaf ? ['deaf'] : [])],
      { silent: true, execArgv: ['--disable-warning=ExperimentalWarning'] },
    );
    for (const stream of [this.#child.stdout, this.#child.stderr]) {
      stream?.on('data', (chunk: Buffer) => (this.#output += chunk.toString()));
    }
    this.#child.on('message', (message: FromMember) => {
      this.messages.push(message);
      this.#wake();
    });
    this.#child.once('exit', () => this.#wake());
  }

  send(message: ToMember): void {
    this.#child.send(message);
  }

  /**
   * The first message that `pick` recognises, of those said already and those to come.
   *
   * @throws {Error} after `withinMs`, and when the process ends first.
   */
  async said<T>(pick: (message: FromMember) => T | undefined, withinMs = 10_000): Promise<T> {
    const deadline = performance.now() + withinMs;
    for (;;) {
      for (const message of this.messages) {
        const found = pick(message);
        if (found !== undefined) return found;
      }
      const leftMs = deadline - performance.now();
      if (leftMs <= 0 || this.#child.exitCode !== null) {
        throw new Error(
          `a member did not say what was expected: ${JSON.stringify(this.messages.at(-1))}\n${this.#output}`,
        );
      }
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, leftMs);
        this.#watchers.add(() => {
          clearTimeout(timer);
          resolve();
        });
      });
    }
  }

  async end(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const exited = new Promise((resolve) => this.#child.once('exit', resolve));
    this.#child.kill('SIGKILL');
    await exited;
  }

  #wake(): void {
    for (const wake of this.#watchers) wake();
    this.#watchers.clear();
  }
}
