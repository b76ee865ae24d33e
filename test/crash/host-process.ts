import { fork } from 'node:child_process';
import { join } from 'node:path';
import type { FromHost, ToHost } from './host-worker.ts';
import { formatKillPoint, type KillPoint } from './kill-points.ts';

/** How a host process is started. */
export interface HostOptions {
  readonly name: string;
  readonly directory: string;
  readonly publicUrl: string;
  readonly calendarUrl: string;
  readonly leaseMs: number;
  readonly killAt?: KillPoint | undefined;
  readonly refreshDelayMs?: number | undefined;
  readonly onMessage?: ((host: HostProcess, message: FromHost) => void) | undefined;
}

/** A host of `host-worker.ts` in a process of its own, and everything it has said. */
export class HostProcess {
  readonly name: string;
  readonly messages: FromHost[] = [];
  readonly exited: Promise<{ code: number | null; signal: string | null }>;
  isAlive = true;
  port = 0;
  output = '';
  readonly #child;
  readonly #watchers = new Set<() => void>();

  constructor(options: HostOptions) {
    this.name = options.name;
    this.#child = fork(
      join(import.meta.dirname, 'host-worker.ts'),
      [options.directory, options.publicUrl, options.calendarUrl],
      {
        silent: true,
        execArgv: ['--disable-warning=ExperimentalWarning'],
        env: {
          ...process.env,
          LEASE_MS: String(options.leaseMs),
          ...(options.killAt && { KILL_AT: formatKillPoint(options.killAt) }),
          ...(options.refreshDelayMs && { REFRESH_DELAY_MS: String(options.refreshDelayMs) }),
        },
      },
    );
    for (const stream of [this.#child.stdout, this.#child.stderr]) {
      stream?.on('data', (chunk: Buffer) => (this.output += chunk.toString()));
    }
    this.#child.on('message', (message: FromHost) => {
      this.messages.push(message);
      if ('listening' in message) this.port = message.listening.port;
      options.onMessage?.(this, message);
      for (const wake of this.#watchers) wake();
    });
    this.exited = new Promise((resolve) => {
      this.#child.once('exit', (code, signal) => {
        this.isAlive = false;
        for (const wake of this.#watchers) wake();
        resolve({ code, signal });
      });
    });
  }

  send(message: ToHost): void {
    if (this.#child.connected) this.#child.send(message, () => {});
  }

  /**
   * The first message that `pick` recognises, of those said already and those to come; `undefined` when the process ends first.
   *
   * @throws {Error} after `timeoutMs`.
   */
  async said<T>(
    what: string,
    pick: (message: FromHost) => T | undefined,
    timeoutMs = 20_000,
  ): Promise<T | undefined> {
    const deadline = performance.now() + timeoutMs;
    for (;;) {
      for (const message of this.messages) {
        const found = pick(message);
        if (found !== undefined) return found;
      }
      // Its last words may still be in the channel when it has gone.
      if (!this.isAlive && !this.#child.connected) return undefined;
      const leftMs = deadline - performance.now();
      if (leftMs <= 0)
        throw new Error(`${this.name} did not say within ${timeoutMs} ms: ${what}\n${this.output}`);
      await this.#change(Math.min(leftMs, 100));
    }
  }

  /** @throws {Error} when it did not start. */
  async started(): Promise<this> {
    const port = await this.said('listening', (message) =>
      'listening' in message ? message.listening.port : undefined,
    );
    if (port === undefined) throw new Error(`${this.name} ended at its start:\n${this.output}`);
    return this;
  }

  signal(name: 'SIGKILL' | 'SIGTERM'): void {
    this.#child.kill(name);
  }

  /** Ends it, whatever it does. */
  async end(): Promise<void> {
    if (!this.isAlive) return;
    this.#child.kill('SIGKILL');
    await this.exited;
  }

  async #change(withinMs: number): Promise<void> {
    let wake = (): void => {};
    let timer: NodeJS.Timeout | undefined;
    await new Promise<void>((resolve) => {
      wake = resolve;
      timer = setTimeout(resolve, withinMs);
      this.#watchers.add(wake);
    });
    clearTimeout(timer);
    this.#watchers.delete(wake);
  }
}
