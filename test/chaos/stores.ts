import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdir } from 'node:fs/promises';
import { connect } from 'node:net';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { BackendName } from './schedule.ts';
import { findFreePort } from '../../demo/find-free-port.ts';

/** A store of the run's own. */
export interface ChaosStore {
  /** Where it listens; `undefined` for a file. */
  readonly port: number | undefined;
  /** The URL that leads to it through another port. */
  urlAt(port: number | undefined): string;
  /** Takes it away at once, and brings it back after `downMs`. A file is locked for that long instead. */
  restart(downMs: number): Promise<void>;
  close(): Promise<void>;
}

/** Starts a store whose data lies in `directory`. */
export function openChaosStore(backend: BackendName, directory: string): Promise<ChaosStore> {
  switch (backend) {
    case 'sqlite':
      return openFile(directory);
    case 'redis':
      return openRedisServer(directory);
    case 'postgres':
      return openPostgresServer(directory);
    case 'dynamodb':
      return openDynalite(directory);
  }
}

async function openFile(directory: string): Promise<ChaosStore> {
  const path = join(directory, 'store.db');
  return {
    port: undefined,
    urlAt: () => `sqlite:${path}`,
    async restart(downMs) {
      const database = new DatabaseSync(path);
      try {
        database.exec('PRAGMA busy_timeout = 200; BEGIN EXCLUSIVE');
        await sleep(downMs);
        database.exec('ROLLBACK');
      } catch {
        // Others would not let go of it: then it is busy enough.
      } finally {
        database.close();
      }
    },
    close: async () => {},
  };
}

async function openRedisServer(directory: string): Promise<ChaosStore> {
  const data = join(directory, 'redis');
  await mkdir(data);
  const options = {
    port: 0,
    bind: '127.0.0.1',
    dir: data,
    save: '',
    appendonly: 'yes',
    appendfsync: 'always',
  };
  return openProgram((port) => ({
    command: 'redis-server',
    arguments: Object.entries({ ...options, port }).flatMap(([name, value]) => [`--${name}`, String(value)]),
    endsBy: 'SIGKILL',
    url: (at) => `redis://127.0.0.1:${at}`,
  }));
}

async function openDynalite(directory: string): Promise<ChaosStore> {
  const program = fileURLToPath(new URL('./dynamodb-process.ts', import.meta.url));
  const data = join(directory, 'dynalite');
  // It checks none, and the SDK sends nothing without.
  Object.assign(process.env, { AWS_ACCESS_KEY_ID: 'local', AWS_SECRET_ACCESS_KEY: 'local' });
  return openProgram((port) => ({
    command: process.execPath,
    arguments: [program, String(port), data],
    endsBy: 'SIGTERM',
    url: (at) => `dynamodb:chaos?region=local&create=true&endpoint=http://127.0.0.1:${at}`,
  }));
}

interface Program {
  readonly command: string;
  readonly arguments: readonly string[];
  readonly endsBy: 'SIGKILL' | 'SIGTERM';
  readonly url: (port: number | undefined) => string;
}

async function openProgram(programAt: (port: number) => Program): Promise<ChaosStore> {
  const port = await findFreePort();
  const program = programAt(port);
  const start = async (): Promise<ChildProcess> => {
    const child = spawn(program.command, program.arguments, { stdio: 'ignore' });
    child.on('error', () => {});
    await listening(port, child);
    return child;
  };
  let running = await start();
  let restarting: Promise<void> | undefined;
  const end = async (): Promise<void> => {
    if (running.exitCode !== null || running.signalCode !== null) return;
    const exited = once(running, 'exit');
    running.kill(program.endsBy);
    await exited;
  };
  return {
    port,
    urlAt: program.url,
    async restart(downMs) {
      restarting ??= (async () => {
        await end();
        await sleep(downMs);
        running = await start();
      })().finally(() => (restarting = undefined));
      await restarting;
    },
    async close() {
      await restarting;
      await end();
    },
  };
}

/** A cluster of its own. PostgreSQL does not run as root, so there it runs as its own user. */
async function openPostgresServer(directory: string): Promise<ChaosStore> {
  const data = join(directory, 'postgres');
  const isRoot = process.getuid?.() === 0;
  const run = async (command: string, ...given: string[]): Promise<void> => {
    const [program, args] = isRoot
      ? ['runuser', ['-u', 'postgres', '--', command, ...given]]
      : [command, given];
    await promisify(execFile)(program, args, { cwd: '/', timeout: 60_000 });
  };
  await mkdir(data);
  if (isRoot) {
    await chmod(directory, 0o711);
    await promisify(execFile)('chown', ['postgres', data]);
  }
  const port = await findFreePort();
  await run('initdb', '-D', data, '-A', 'trust', '-U', 'postgres', '--no-sync', '--no-locale', '-E', 'UTF8');
  // What the operating system was given outlives the server's processes; nothing here pulls the plug.
  const settings = `-p ${port} -c listen_addresses=127.0.0.1 -c unix_socket_directories= -c fsync=off`;
  const start = (): Promise<void> =>
    run('pg_ctl', '-D', data, '-o', settings, '-l', join(data, 'server.log'), '-w', 'start');
  const stop = (): Promise<void> => run('pg_ctl', '-D', data, '-m', 'immediate', '-w', 'stop');
  await start();
  let restarting: Promise<void> | undefined;
  return {
    port,
    urlAt: (at) => `postgres://postgres@127.0.0.1:${at}/postgres`,
    async restart(downMs) {
      restarting ??= (async () => {
        await stop();
        await sleep(downMs);
        await start();
      })().finally(() => (restarting = undefined));
      await restarting;
    },
    async close() {
      await restarting?.catch(() => {});
      await stop();
    },
  };
}

async function listening(port: number, child: ChildProcess): Promise<void> {
  for (const deadline = performance.now() + 20_000; performance.now() < deadline; await sleep(20)) {
    if (child.exitCode !== null || child.pid === undefined) break;
    const socket = connect({ port, host: '127.0.0.1' });
    const isUp = await Promise.race([
      once(socket, 'connect').then(() => true),
      once(socket, 'error').then(() => false),
    ]).catch(() => false);
    socket.destroy();
    if (isUp) return;
  }
  throw new Error(`${child.spawnfile} did not start; is it installed?`);
}
