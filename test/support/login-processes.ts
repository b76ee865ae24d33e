import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { JsonRpcClient } from '../../examples/login-tool/json-rpc-client.ts';
import type { LoginProcessOptions } from './login-process.ts';
import {
  startProgrammableAuthorizationServer,
  type ProgrammableAuthorizationServer,
} from './programmable-authorization-server.ts';
import { ProgrammableDevices } from './programmable-devices.ts';

const program = fileURLToPath(new URL('login-process.ts', import.meta.url));

/** A server with a login tool in a process of its own, and its plain client. */
export interface LoginProcess {
  readonly child: ChildProcess;
  readonly client: JsonRpcClient;
  /** What it has logged. */
  log(): string;
  /** As a crash would end it. */
  kill(): Promise<void>;
}

/** A machine with a person, a service out there, and servers with a login tool. */
export interface LoginMachine extends AsyncDisposable {
  readonly as: ProgrammableAuthorizationServer;
  readonly devices: ProgrammableDevices;
  /** Whether anything has tried to open a browser. */
  hasOpenedBrowser(): boolean;
  start(options?: Partial<Omit<LoginProcessOptions, 'directory' | 'issuer'>>): Promise<LoginProcess>;
}

/** The service approves whomever the request expects, else whoever was said last by `as.approveAs`. */
export async function openLoginMachine(): Promise<LoginMachine> {
  const closing = new AsyncDisposableStack();
  const directory = mkdtempSync(join(tmpdir(), 'postern-login-'));
  closing.defer(() => rmSync(directory, { recursive: true, force: true }));
  const as = closing.use(
    await startProgrammableAuthorizationServer({
      claims: (subject) => ({ preferred_username: `${subject}.example` }),
    }),
  );
  const devices = new ProgrammableDevices(as);
  devices.isAllowed = () => true;
  // What opens browsers, in front of whatever this machine has.
  const openers = join(directory, 'openers');
  const opened = join(directory, 'opened');
  mkdirSync(openers);
  for (const name of ['xdg-open', 'open', 'x-www-browser']) {
    writeFileSync(join(openers, name), `#!/bin/sh\necho "$@" >> ${opened}\n`);
    chmodSync(join(openers, name), 0o755);
  }
  return {
    as,
    devices,
    hasOpenedBrowser: () => existsSync(opened),
    start: async (options = {}) => {
      const store = join(directory, 'store');
      const all: LoginProcessOptions = { directory: store, issuer: as.issuer, way: 'redirect', ...options };
      const child = spawn(process.execPath, ['--no-warnings', program, JSON.stringify(all)], {
        stdio: ['pipe', 'pipe', 'pipe'],
        env: {
          ...process.env,
          PATH: `${openers}${delimiter}${process.env['PATH'] ?? ''}`,
          DISPLAY: ':0',
          BROWSER: 'xdg-open',
        },
        // Whatever happens to the test, no process stays behind.
        timeout: 120_000,
        killSignal: 'SIGKILL',
      });
      const kill = async (): Promise<void> => {
        if (child.exitCode !== null || child.signalCode !== null) return;
        const exited = once(child, 'exit');
        child.kill('SIGKILL');
        await exited;
      };
      closing.defer(kill);
      let log = '';
      child.stderr.on('data', (chunk: Buffer) => (log += chunk.toString()));
      const client = new JsonRpcClient(child);
      await client.initialize();
      return { child, client, log: () => log, kill };
    },
    [Symbol.asyncDispose]: () => closing.disposeAsync(),
  };
}
