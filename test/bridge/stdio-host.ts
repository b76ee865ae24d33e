import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { PassThrough, type Readable, type Writable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { onTestFinished } from 'vitest';
import { runBridge, type BridgeOptions } from '../../src/bridge/index.ts';
import { silentLogger } from '../../src/core/logger.ts';
import { MemoryBackend } from '../../src/storage/memory-backend.ts';

const program = fileURLToPath(new URL('../../src/cli/main.ts', import.meta.url));

/** A message as it came. */
export interface Line {
  readonly text: string;
  readonly id?: number | string | null;
  readonly method?: string;
  readonly params?: Readonly<Record<string, unknown>>;
  readonly result?: any;
  readonly error?: { readonly code: number; readonly message: string; readonly data?: unknown };
}

/** A folder for what bridges keep, gone after the test. */
export function createHome(): string {
  const home = mkdtempSync(join(tmpdir(), 'postern-bridge-'));
  onTestFinished(() => rmSync(home, { recursive: true, force: true }));
  return home;
}

/** A bridge that a host has started, by its ends. */
interface Started {
  readonly input: Writable;
  readonly output: Readable;
  /** The exit code. */
  readonly ended: Promise<number | null>;
  readonly kill: () => Promise<void>;
  readonly pid?: number | undefined;
}

/** A host on stdio, which writes and reads lines. */
export class StdioHost {
  readonly #bridge: Started;
  readonly #lines: Line[] = [];
  readonly #waiting = new Set<() => void>();
  /** What the bridge says to people. */
  readonly talk: string[] = [];
  #count = 0;
  #hasEnded = false;

  private constructor(start: (say: (line: string) => void) => Started) {
    this.#bridge = start((line) => {
      this.talk.push(line);
      this.#wake();
    });
    createInterface(this.#bridge.output).on('line', (text) => {
      this.#lines.push({ ...(JSON.parse(text) as object), text });
      this.#wake();
    });
    const over = (): void => {
      this.#hasEnded = true;
      this.#wake();
    };
    this.#bridge.ended.then(over, over);
    onTestFinished(() => this.kill());
  }

  /** Starts `postern bridge` as a process. */
  static start(
    args: readonly string[],
    { home = createHome(), env = {} }: { home?: string; env?: Readonly<Record<string, string>> } = {},
  ): StdioHost {
    return new StdioHost((say) => startProcess(args, home, env, say));
  }

  /** Runs a bridge in this process: what most tests need, and a tenth of the time. */
  static run(servers: BridgeOptions['servers'] | string, options: Partial<BridgeOptions> = {}): StdioHost {
    const named = typeof servers === 'string' ? { plain: { url: servers } } : servers;
    return new StdioHost((say) => runHere({ servers: named, openBrowser: false, ...options }, say));
  }

  get pid(): number | undefined {
    return this.#bridge.pid;
  }

  send(message: object | string): void {
    const text = typeof message === 'string' ? message : JSON.stringify({ jsonrpc: '2.0', ...message });
    this.#bridge.input.write(`${text}\n`);
  }

  /** Sends a request, and resolves to its answer. */
  async ask(method: string, params?: object, id: number | string = ++this.#count): Promise<Line> {
    this.send({ id, method, ...(params && { params }) });
    return this.answerTo(id);
  }

  answerTo(id: number | string | null): Promise<Line> {
    return this.line((line) => line.id === id && line.method === undefined);
  }

  /** The first line like this, which came or comes; taken. */
  line(isIt: (line: Line) => boolean): Promise<Line> {
    return this.#until(() => {
      const at = this.#lines.findIndex(isIt);
      return at === -1 ? undefined : this.#lines.splice(at, 1)[0];
    });
  }

  notification(method: string): Promise<Line> {
    return this.line((line) => line.method === method && line.id === undefined);
  }

  /** What the bridge says to people that matches. */
  said(pattern: RegExp): Promise<RegExpExecArray> {
    return this.#until(() => {
      for (const line of this.talk) {
        const found = pattern.exec(line);
        if (found !== null) return found;
      }
      return undefined;
    });
  }

  /** Greets as a host of 2025-11-25 does. */
  async greet(capabilities: object = {}, protocolVersion = '2025-11-25'): Promise<Line> {
    const answer = await this.ask('initialize', {
      protocolVersion,
      capabilities,
      clientInfo: { name: 'a host', version: '1' },
    });
    this.send({ method: 'notifications/initialized' });
    return answer;
  }

  /** What came and was not taken. */
  get rest(): readonly Line[] {
    return this.#lines;
  }

  /** Closes its end, and resolves to the exit code. */
  leave(): Promise<number | null> {
    this.#bridge.input.end();
    return this.#bridge.ended;
  }

  kill(): Promise<void> {
    return this.#bridge.kill();
  }

  #wake(): void {
    for (const wake of this.#waiting) wake();
  }

  async #until<T>(find: () => T | undefined): Promise<T> {
    for (;;) {
      const found = find();
      if (found !== undefined) return found;
      if (this.#hasEnded) throw new Error(`the bridge has ended: ${this.talk.join('\n')}`);
      await new Promise<void>((resolve) => {
        const wake = (): void => {
          this.#waiting.delete(wake);
          resolve();
        };
        this.#waiting.add(wake);
      });
    }
  }
}

function startProcess(
  args: readonly string[],
  home: string,
  env: Readonly<Record<string, string>>,
  say: (line: string) => void,
): Started {
  const { PATH = '' } = process.env;
  const child = spawn(
    process.execPath,
    ['--disable-warning=ExperimentalWarning', program, 'bridge', ...args],
    {
      stdio: ['pipe', 'pipe', 'pipe'],
      env: { PATH, HOME: home, XDG_DATA_HOME: home, XDG_CONFIG_HOME: home, XDG_CACHE_HOME: home, ...env },
      // Whatever happens to the test, no process stays behind.
      timeout: 120_000,
      killSignal: 'SIGKILL',
    },
  );
  child.stdin.on('error', () => {});
  createInterface(child.stderr).on('line', say);
  const ended = new Promise<number | null>((resolve) => child.once('exit', resolve));
  return {
    input: child.stdin,
    output: child.stdout,
    ended,
    pid: child.pid,
    kill: async () => {
      child.kill('SIGKILL');
      await ended;
    },
  };
}

function runHere(options: BridgeOptions, say: (line: string) => void): Started {
  const input = new PassThrough();
  const output = new PassThrough();
  const stop = new AbortController();
  const storage = new MemoryBackend();
  const ended = runBridge({
    storage: async () => storage,
    logger: silentLogger,
    say,
    ...options,
    input,
    output,
    signal: stop.signal,
  });
  return {
    input,
    output,
    ended,
    kill: async () => {
      stop.abort();
      await ended;
    },
  };
}
