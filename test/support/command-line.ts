import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { onTestFinished, vi } from 'vitest';

/** The program, as its sources are. */
export const program: string = fileURLToPath(new URL('../../src/cli/main.ts', import.meta.url));

/** What a command has come to. */
export interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** A command that runs. */
export interface Running {
  readonly child: ChildProcess;
  readonly ended: Promise<Ended>;
  /** Waits until it has said something on standard error. */
  says(text: RegExp): Promise<RegExpExecArray>;
}

/** Somebody with a home of their own, no display, no keychain, and nobody looking at what is said. */
export class CommandLine {
  readonly home: string = mkdtempSync(join(tmpdir(), 'postern-cli-'));
  readonly env: Readonly<Record<string, string>>;

  /** @param env beside a home; `undefined` leaves one out. */
  constructor(env: Readonly<Record<string, string | undefined>> = {}) {
    const { NODE_COMPILE_CACHE: cache } = process.env;
    this.env = Object.fromEntries(
      Object.entries({
        PATH: '/nowhere',
        HOME: this.home,
        XDG_DATA_HOME: join(this.home, 'data'),
        XDG_CONFIG_HOME: join(this.home, 'config'),
        NODE_NO_WARNINGS: '1',
        POSTERN_KEYCHAIN: 'off',
        NODE_COMPILE_CACHE: cache,
        ...env,
      }).filter((entry): entry is [string, string] => entry[1] !== undefined),
    );
    onTestFinished(() => rmSync(this.home, { recursive: true, force: true }));
  }

  /** Starts a command; whatever becomes of the test, it ends with it. */
  start(...args: readonly string[]): Running {
    const child = spawn(process.execPath, [program, ...args], {
      env: this.env,
      cwd: this.home,
      timeout: 50_000,
    });
    let stdout = '';
    let stderr = '';
    child.stdout.on('data', (part: Buffer) => (stdout += part.toString()));
    child.stderr.on('data', (part: Buffer) => (stderr += part.toString()));
    child.stdin.on('error', () => {});
    const ended = once(child, 'close').then(([code]) => ({ code: code as number | null, stdout, stderr }));
    onTestFinished(async () => {
      child.kill('SIGKILL');
      await ended;
    });
    const says = (text: RegExp): Promise<RegExpExecArray> =>
      vi.waitFor(
        () => {
          const found = text.exec(stderr);
          if (found === null) throw new Error(`not said yet: ${stderr}`);
          return found;
        },
        { timeout: 20_000 },
      );
    return { child, ended, says };
  }

  /** Runs a command to its end, with nothing on its standard input. */
  run(...args: readonly string[]): Promise<Ended> {
    return this.runWith('', ...args);
  }

  /** Runs a command to its end. */
  async runWith(input: string, ...args: readonly string[]): Promise<Ended> {
    const { child, ended } = this.start(...args);
    child.stdin?.end(input);
    return ended;
  }

  /** Runs a command to its end, and reads its answer. */
  async json(...args: readonly string[]): Promise<{ code: number | null; answer: any }> {
    const { code, stdout } = await this.run(...args, '--json');
    return { code, answer: JSON.parse(stdout) as unknown };
  }
}
