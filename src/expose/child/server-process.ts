import { spawn, type ChildProcess } from 'node:child_process';
import { sleep, timeLimit } from '../../core/clock.ts';
import type { Logger } from '../../core/logger.ts';
import { readLines, writeLines, type LineWriter, type RefusedLine } from '../../wire/lines.ts';
import type { Message } from '../../wire/message.ts';
import { drainErrorOutput, type ErrorOutput } from './error-output.ts';
import type { ProcessGuard } from './process-guard.ts';

/** A program and its arguments, as the operator has given them. No shell reads them. */
export interface ChildCommand {
  readonly command: string;
  readonly args: readonly string[];
  readonly cwd?: string | undefined;
}

/** How a process came to its end. */
export interface ProcessEnd {
  readonly code?: number | undefined;
  readonly signal?: string | undefined;
  /** Why it was not started, or was given up. */
  readonly reason?: string | undefined;
  /** The last that it said on standard error. */
  readonly lastLine: string;
}

export interface ServerProcessOptions {
  readonly command: ChildCommand;
  readonly env: Readonly<Record<string, string>>;
  /** Values in `env` that must not be repeated in a log. */
  readonly secrets: readonly string[];
  /** Tells what it was started with. */
  readonly version?: string | undefined;
  readonly maxLineBytes: number;
  readonly guard: ProcessGuard;
  readonly logger: Logger;
  /** A promise holds back what the process writes. */
  readonly onMessage: (message: Message) => Promise<void> | void;
  /** A line that was meant to answer somebody, and cannot be read. */
  readonly onRefused: (refusal: RefusedLine) => void;
  /** Once, when no more comes of it. */
  readonly onEnd: (end: ProcessEnd) => void;
}

/** How long a child has after its standard input has ended, and then after SIGTERM: not five seconds together. */
const politeMs = 500;
const termMs = 3_000;
/** How long what a child has written is still read after its end: a grandchild may hold the pipe open for ever. */
const lastWordsMs = 200;
const lookMs = 25;

const running = new Set<number>();
let sweepsAtExit = false;

/** A stdio server that runs, in a process group of its own. */
export class ServerProcess {
  readonly #options: ServerProcessOptions;
  readonly #child: ChildProcess;
  readonly #writer: LineWriter | undefined;
  readonly #errors: ErrorOutput | undefined;
  readonly #gone: Promise<void>;
  #stopReading: () => void = () => undefined;
  #end: ProcessEnd | undefined;
  #reason: string | undefined;
  #ignoredLines = 0;
  #stopping: Promise<void> | undefined;
  #sweeping: Promise<void> | undefined;

  constructor(options: ServerProcessOptions) {
    this.#options = options;
    const { command, args, cwd } = options.command;
    const child = spawn(command, args, {
      cwd,
      env: { ...options.env },
      stdio: ['pipe', 'pipe', 'pipe'],
      // A group of its own, so that its own children can be ended with it.
      detached: process.platform !== 'win32',
      windowsHide: true,
    });
    this.#child = child;
    this.#gone = new Promise((resolve) => {
      child.once('exit', () => resolve());
      child.once('error', () => resolve());
    });
    child.once('error', (error: NodeJS.ErrnoException) => {
      this.#reason ??= `it could not be started (${error.code ?? error.name})`;
      this.#finish();
    });
    child.once('exit', () => void this.#lastWords());
    const { stdin, stdout, stderr, pid } = child;
    // Without a pid nothing was started; 'error' tells of it.
    if (pid === undefined || stdin === null || stdout === null || stderr === null) return;
    watchAtExit(pid);
    options.guard.watch(pid);
    this.#errors = drainErrorOutput(stderr, options.secrets, (line) =>
      options.logger.info('the server says', { line }),
    );
    this.#writer = writeLines(stdin);
    this.#stopReading = readLines(stdout, {
      maxBytes: options.maxLineBytes,
      onMessage: options.onMessage,
      onRefused: (line) => this.#refused(line),
      onEnd: () => this.#outputEnded(),
    });
  }

  get version(): string {
    return this.#options.version ?? '';
  }

  /** What was sent and not yet read by the process, in bytes. */
  get queuedBytes(): number {
    return this.#writer?.queuedBytes ?? 0;
  }

  /** Resolves to `true` when the process takes more, to `false` when it takes nothing any more. */
  send(text: string): Promise<boolean> {
    return this.#writer?.send(text) ?? Promise.resolve(false);
  }

  /** Ends it, and whatever it has started, within five seconds: its input ends, then SIGTERM, then SIGKILL. */
  stop(reason = 'it was stopped'): Promise<void> {
    this.#reason ??= reason;
    this.#stopping ??= this.#stop();
    return this.#stopping;
  }

  async #stop(): Promise<void> {
    this.#writer?.end();
    if (!(await this.#isGoneWithin(politeMs))) {
      this.#signal('SIGTERM');
      if (!(await this.#isGoneWithin(termMs))) this.#signal('SIGKILL');
    }
    await this.#gone;
    await this.#endGroup();
    this.#finish();
  }

  /** It has ended, by itself or not; what it has written is read to its end. */
  async #lastWords(): Promise<void> {
    void this.#endGroup();
    const { stdout } = this.#child;
    const limit = timeLimit(lastWordsMs);
    if (stdout !== null && !stdout.readableEnded && !stdout.destroyed) {
      const ended = new Promise<void>((resolve) => stdout.once('end', resolve).once('close', resolve));
      await Promise.race([ended, limit.passed]);
    }
    limit.cancel();
    this.#finish();
  }

  #outputEnded(): void {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    // A server that cannot answer any more is none, though its process may live on.
    const limit = timeLimit(politeMs);
    void Promise.race([this.#gone, limit.passed]).then(() => {
      limit.cancel();
      return this.stop('it closed its standard output');
    });
  }

  #refused(line: RefusedLine): void {
    const { logger, onRefused, maxLineBytes } = this.#options;
    if (line.tooLong) {
      // Whose answer it would have been is not known, so none of those who wait could be told.
      void this.stop(`it wrote a line of more than ${maxLineBytes} bytes`);
      return;
    }
    if (line.id !== undefined) {
      onRefused(line);
      return;
    }
    this.#ignoredLines++;
    if (this.#ignoredLines !== 1) return;
    logger.warn('the server writes what is no message on its standard output; such lines are ignored', {
      reason: line.reason,
      bytes: line.bytes,
    });
  }

  #finish(): void {
    if (this.#end !== undefined) return;
    const { exitCode, signalCode } = this.#child;
    this.#end = {
      code: exitCode ?? undefined,
      signal: signalCode ?? undefined,
      reason: this.#reason,
      lastLine: this.#errors?.lastLine ?? '',
    };
    const { droppedBytes = 0 } = this.#errors ?? {};
    if (droppedBytes > 0) {
      this.#options.logger.info('not all that a server said was handed on', { bytes: droppedBytes });
    }
    this.#stopReading();
    this.#child.stdout?.destroy();
    this.#child.stderr?.destroy();
    this.#options.onEnd(this.#end);
  }

  /** Ends what the process has left behind in its group. */
  #endGroup(): Promise<void> {
    this.#sweeping ??= this.#sweep();
    return this.#sweeping;
  }

  async #sweep(): Promise<void> {
    const { pid } = this.#child;
    if (pid === undefined) return;
    const deadline = performance.now() + termMs / 2;
    for (let sent = false; isGroupAlive(pid); sent = true) {
      if (!sent) this.#signal('SIGTERM');
      if (performance.now() > deadline) {
        this.#signal('SIGKILL');
        break;
      }
      await sleep(lookMs);
    }
    running.delete(pid);
    this.#options.guard.forget(pid);
  }

  async #isGoneWithin(timeoutMs: number): Promise<boolean> {
    const limit = timeLimit(timeoutMs);
    const gone = await Promise.race([this.#gone.then(() => true), limit.passed.then(() => false)]);
    limit.cancel();
    return gone;
  }

  #signal(signal: NodeJS.Signals): void {
    const { pid } = this.#child;
    if (pid === undefined) return;
    try {
      if (process.platform === 'win32') this.#child.kill(signal);
      else process.kill(-pid, signal);
    } catch {
      // Nobody is left to be told.
    }
  }
}

function isGroupAlive(pid: number): boolean {
  if (process.platform === 'win32') return false;
  try {
    process.kill(-pid, 0);
    return true;
  } catch (error) {
    // What may not be signalled is there.
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

/** A process that ends without having stopped its children takes them along. */
function watchAtExit(pid: number): void {
  running.add(pid);
  if (sweepsAtExit || process.platform === 'win32') return;
  sweepsAtExit = true;
  process.on('exit', () => {
    for (const group of running) {
      try {
        process.kill(-group, 'SIGKILL');
      } catch {
        // It ended first.
      }
    }
  });
}
