import { fork, type ChildProcess } from 'node:child_process';
import { createWriteStream, type WriteStream } from 'node:fs';
import { join } from 'node:path';
import { FaultProxy } from '../support/fault-proxy.ts';
import type { FromHost, HostConfig, ToHost } from './host.ts';
import type { OperationLog } from './operation-log.ts';

export interface HostOptions extends Omit<HostConfig, 'name' | 'storageUrl' | 'webPort' | 'clockAheadMs'> {
  readonly log: OperationLog;
  /** The store's port, when it is behind one, and the URL that leads through another. */
  readonly storePort: number | undefined;
  readonly storageUrlAt: (port: number | undefined) => string;
  readonly webPortBehind: number;
  readonly onLink: (link: Extract<FromHost, { link: unknown }>['link']) => void;
}

const startMs = 20_000;
/** How far the clocks of one host and the next are apart. The second's is right. */
const clockStepMs = 10 * 60_000;

/** One place in the fleet: a host process, the next one when it was killed, and their ways to the store and to the web. */
export class HostPlace {
  readonly index: number;
  readonly storeProxy: FaultProxy | undefined;
  readonly webProxy: FaultProxy;
  port: number | undefined;
  readonly #options: HostOptions;
  readonly #output: WriteStream;
  readonly #waiting = new Map<string, (ended: { code?: string | undefined } | undefined) => void>();
  #child: ChildProcess | undefined;
  #life = 0;
  #isFrozen = false;
  #starting: Promise<void> | undefined;
  /** Whether the next end of the process is somebody's will. */
  #isEndPlanned = false;
  #isClosing = false;

  static async open(index: number, options: HostOptions): Promise<HostPlace> {
    const storeProxy =
      options.storePort === undefined ? undefined : await FaultProxy.open({ port: options.storePort });
    return new HostPlace(index, options, storeProxy, await FaultProxy.open({ port: options.webPortBehind }));
  }

  private constructor(
    index: number,
    options: HostOptions,
    storeProxy: FaultProxy | undefined,
    webProxy: FaultProxy,
  ) {
    this.index = index;
    this.#options = options;
    this.storeProxy = storeProxy;
    this.webProxy = webProxy;
    this.#output = createWriteStream(join(options.directory, `h${index}.log`));
  }

  get name(): string {
    return `h${this.index}.${this.#life}`;
  }

  get isAlive(): boolean {
    return this.#child !== undefined && this.port !== undefined;
  }

  get isFrozen(): boolean {
    return this.#isFrozen;
  }

  /** Starts a process in this place, unless one is there. Resolves when it accepts requests; rejects when it does not get there. */
  start(): Promise<void> {
    if (this.isAlive) return Promise.resolve();
    this.#starting ??= this.#start().finally(() => (this.#starting = undefined));
    return this.#starting;
  }

  async #start(): Promise<void> {
    this.#isEndPlanned = false;
    this.#life++;
    const { log: _log, storePort: _port, storageUrlAt, webPortBehind: _web, onLink, ...rest } = this.#options;
    const config: HostConfig = {
      ...rest,
      name: this.name,
      storageUrl: storageUrlAt(this.storeProxy?.port),
      webPort: this.webProxy.port,
      clockAheadMs: (this.index - 1) * clockStepMs,
    };
    const child = fork(new URL('./host.ts', import.meta.url), [JSON.stringify(config)], {
      silent: true,
      execArgv: ['--disable-warning=ExperimentalWarning'],
    });
    this.#child = child;
    child.stdout?.pipe(this.#output, { end: false });
    child.stderr?.pipe(this.#output, { end: false });
    const hasStarted = new Promise<boolean>((resolve) => {
      const timer = setTimeout(() => resolve(false), startMs);
      const settle = (isUp: boolean): void => {
        clearTimeout(timer);
        resolve(isUp);
      };
      child.once('exit', () => settle(false));
      child.on('message', (message: FromHost) => {
        if ('listening' in message) {
          this.port = message.listening.port;
          settle(true);
        } else if ('link' in message) {
          onLink(message.link);
        } else if ('ended' in message) {
          this.#waiting.get(message.ended.id)?.(message.ended);
        }
      });
    });
    child.once('exit', (code, signal) => this.#onExit(child, signal ?? `exit code ${code}`));
    if (!(await hasStarted)) {
      child.kill('SIGKILL');
      throw new Error(`${config.name} did not start`);
    }
  }

  /** Has the process do something. Resolves with its end; `undefined` when the process ends first, or is not there. */
  do(what: Extract<ToHost, { do: string }>): Promise<{ code?: string | undefined } | undefined> {
    return new Promise((resolve) => {
      if (this.#child?.connected !== true) return resolve(undefined);
      this.#waiting.set(what.id, (ended) => {
        this.#waiting.delete(what.id);
        resolve(ended);
      });
      this.#child.send(what, (error) => {
        if (error !== null) this.#waiting.get(what.id)?.(undefined);
      });
    });
  }

  setClock(offsetMs: number): void {
    if (this.#child?.connected === true)
      this.#child.send({ clockOffsetMs: offsetMs } satisfies ToHost, () => {});
  }

  /** As a crash would: at once, nothing said. */
  async kill(): Promise<void> {
    const child = this.#child;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const exited = new Promise((resolve) => child.once('exit', resolve));
    this.#isEndPlanned = true;
    child.kill('SIGKILL');
    await exited;
  }

  freeze(): void {
    this.#isFrozen = this.#child?.kill('SIGSTOP') ?? false;
  }

  thaw(): void {
    this.#isFrozen = false;
    this.#child?.kill('SIGCONT');
  }

  /** Ends the process in good order, or else at once, and closes everything of this place. */
  async close(): Promise<void> {
    this.#isClosing = true;
    const child = this.#child;
    this.thaw();
    if (child?.connected === true) {
      const exited = new Promise((resolve) => child.once('exit', resolve));
      child.send({ stop: true } satisfies ToHost, () => {});
      const timer = setTimeout(() => child.kill('SIGKILL'), 5_000);
      await exited;
      clearTimeout(timer);
    }
    await this.storeProxy?.close();
    await this.webProxy.close();
    await new Promise<void>((resolve) => this.#output.end(resolve));
  }

  #onExit(child: ChildProcess, how: string): void {
    if (this.#child !== child) return;
    const hadStarted = this.port !== undefined;
    const isPlanned = this.#isEndPlanned || (this.#isClosing && how === 'exit code 0');
    const { log } = this.#options;
    // Said when it is certain that no more can follow: what it wrote last is in its log.
    log.say({ k: 'info', op: 'kill', id: this.name, host: this.name });
    // A program whose store is away may well refuse to start. Once it has started, nothing may end it.
    if (!isPlanned)
      log.say({
        k: 'info',
        op: hadStarted ? 'crash' : 'start-failed',
        id: this.name,
        host: this.name,
        what: how,
      });
    this.#child = undefined;
    this.port = undefined;
    this.#isFrozen = false;
    for (const settle of this.#waiting.values()) settle(undefined);
    // What supervises processes in a real deployment.
    if (!this.#isEndPlanned && !this.#isClosing) setTimeout(() => void this.start().catch(() => {}), 200);
  }
}
