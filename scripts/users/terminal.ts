import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { until } from './until.ts';

/** A shell that is typed into, one command after the other, and what stands on its screen. */
export class Terminal implements AsyncDisposable {
  readonly #shell: ChildProcess;
  readonly #exited: Promise<unknown>;
  #screen = '';
  #typed = 0;
  #isClosed = false;

  constructor(folder: string, env: Readonly<Record<string, string>>) {
    // A group of its own, so that Ctrl-C and the end reach whatever was started in it, and nothing else.
    this.#shell = spawn('bash', ['--norc', '--noprofile'], {
      cwd: folder,
      env,
      detached: true,
      stdio: ['pipe', 'pipe', 'pipe'],
    });
    this.#exited = once(this.#shell, 'close');
    for (const stream of [this.#shell.stdout, this.#shell.stderr])
      stream?.setEncoding('utf8').on('data', (part: string) => (this.#screen += part));
    // Who interrupts a program wants the shell to live on.
    this.#shell.stdin?.write('trap : INT\n');
  }

  /** Everything shown so far, without the marks by which the end of a command is known. */
  get screen(): string {
    return this.#screen.replaceAll(/^«\d+ \d+»\n/gmu, '');
  }

  /** Types a command. Resolves to its exit code. @throws {Error} when it is not over within a minute. */
  async type(command: string): Promise<number> {
    const number = ++this.#typed;
    // Read as a whole before any of it runs: what a program takes from standard input is not the mark.
    this.#shell.stdin?.write(`{ ${command}\n} </dev/null; printf '«${number} %s»\\n' "$?"\n`);
    const mark = new RegExp(`«${number} (?<code>\\d+)»`, 'u');
    const code = await until(`"${command}" ends`, this, () => {
      if (this.#isClosed) throw new Error(`the terminal was closed while "${command}" ran`);
      return mark.exec(this.#screen)?.groups?.['code'];
    });
    return Number(code);
  }

  /** What stands on the screen, as soon as it matches. */
  shows(text: RegExp): Promise<RegExpExecArray> {
    return until(`the screen shows ${text.source}`, this, () => text.exec(this.screen) ?? undefined);
  }

  /** Ctrl-C. */
  interrupt(): void {
    process.kill(-(this.#shell.pid ?? 0), 'SIGINT');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isClosed = true;
    if (this.#shell.exitCode === null && this.#shell.pid !== undefined)
      process.kill(-this.#shell.pid, 'SIGKILL');
    await this.#exited;
  }
}
