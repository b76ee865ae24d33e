import { spawn, execFile, type ChildProcess } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { chown, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { promisify } from 'node:util';
import { Client } from 'pg';
import { sleep } from '../../src/core/clock.ts';
import { findFreePort } from '../../demo/find-free-port.ts';

/** Where PostgreSQL's programs are, and who may run them: they refuse to run as root. */
export interface PostgresPrograms {
  readonly directory: string;
  readonly owner: { readonly uid: number; readonly gid: number } | undefined;
}

export interface PostgresServer extends AsyncDisposable {
  readonly port: number;
  /** Of the role `postgres`. */
  readonly password: string;
}

const startMs = 15_000;

export function findPostgresPrograms(): PostgresPrograms | undefined {
  const debian = '/usr/lib/postgresql';
  const versions = existsSync(debian) ? readdirSync(debian).toSorted((a, b) => Number(b) - Number(a)) : [];
  const directories = [
    ...(process.env['PATH'] ?? '').split(delimiter),
    ...versions.map((version) => join(debian, version, 'bin')),
  ];
  const directory = directories.find((one) =>
    ['initdb', 'postgres'].every((name) => existsSync(join(one, name))),
  );
  if (directory === undefined) return undefined;
  if (process.getuid?.() !== 0) return { directory, owner: undefined };
  const [, uid, gid] = /^postgres:[^:]*:(\d+):(\d+):/mu.exec(readFileSync('/etc/passwd', 'utf8')) ?? [];
  return uid === undefined ? undefined : { directory, owner: { uid: Number(uid), gid: Number(gid) } };
}

/**
 * A cluster of its own in a temporary directory, which checks passwords: one that is there already may trust everybody
 * on loopback.
 */
export async function startPostgres({ directory, owner }: PostgresPrograms): Promise<PostgresServer> {
  const home = await mkdtemp(join(tmpdir(), 'postern-postgres-'));
  const password = randomBytes(18).toString('hex');
  const data = join(home, 'data');
  const remove = (): Promise<void> => rm(home, { recursive: true, force: true });
  const as = { ...owner, cwd: home, env: { LC_ALL: 'C', PATH: process.env['PATH'] ?? '' } };
  let server: ChildProcess | undefined;
  try {
    const passwordFile = join(home, 'password');
    await writeFile(passwordFile, password, { mode: 0o600 });
    if (owner !== undefined)
      await Promise.all([home, passwordFile].map((path) => chown(path, owner.uid, owner.gid)));
    const init = [
      '-D',
      data,
      '-U',
      'postgres',
      '-A',
      'scram-sha-256',
      `--pwfile=${passwordFile}`,
      '-E',
      'UTF8',
      '--locale=C',
      '--no-sync',
    ];
    await promisify(execFile)(join(directory, 'initdb'), init, { ...as, timeout: startMs });
    await rm(passwordFile);
    const port = await findFreePort();
    const settings = {
      port,
      listen_addresses: '127.0.0.1',
      unix_socket_directories: '',
      fsync: 'off',
      shared_buffers: '16MB',
      max_connections: 20,
    };
    const flags = Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
    server = spawn(join(directory, 'postgres'), ['-D', data, ...flags], { ...as, stdio: 'ignore' });
    const started = server;
    const kill = (): void => void started.kill('SIGQUIT');
    process.once('exit', kill);
    await untilItAnswers(port, password);
    return {
      port,
      password,
      async [Symbol.asyncDispose]() {
        process.removeListener('exit', kill);
        await stop(started);
        await remove();
      },
    };
  } catch (error) {
    if (server !== undefined) await stop(server);
    await remove();
    throw error;
  }
}

async function stop(server: ChildProcess): Promise<void> {
  if (server.exitCode !== null || server.signalCode !== null) return;
  const ended = new Promise((resolve) => server.once('exit', resolve));
  server.kill('SIGQUIT');
  await Promise.race([ended, sleep(3_000)]);
  server.kill('SIGKILL');
}

async function untilItAnswers(port: number, password: string): Promise<void> {
  const deadline = performance.now() + startMs;
  for (;;) {
    const client = new Client({ host: '127.0.0.1', port, user: 'postgres', password, database: 'postgres' });
    client.on('error', () => {});
    try {
      await client.connect();
      return;
    } catch (cause) {
      if (performance.now() > deadline) throw new Error('PostgreSQL did not start', { cause });
      await sleep(50);
    } finally {
      await client.end().catch(() => {});
    }
  }
}
