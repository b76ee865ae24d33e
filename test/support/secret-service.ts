import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { onTestFinished } from 'vitest';

/**
 * The keychain of a desktop, of somebody who is signed in at it, until the test has ended: a session bus of their own, and
 * GNOME's keyring on it.
 *
 * @param folder of theirs, empty.
 * @returns the environment of their programs.
 */
export async function openSecretService(folder: string): Promise<Readonly<Record<string, string>>> {
  const runtime = join(folder, 'runtime');
  mkdirSync(runtime, { mode: 0o700 });
  const home = {
    HOME: folder,
    XDG_RUNTIME_DIR: runtime,
    XDG_DATA_HOME: join(folder, 'keyrings'),
    PATH: '/usr/bin:/bin',
  };
  const bus = start('dbus-daemon', ['--session', '--nofork', '--nopidfile', '--print-address=1'], home);
  const [address] = (await once(createInterface(bus.stdout!), 'line')) as [string];
  const env = { ...home, DBUS_SESSION_BUS_ADDRESS: address };
  // Goes into the background when it can be asked, and ends with the bus.
  const keyring = start('gnome-keyring-daemon', ['--unlock', '--components=secrets'], env);
  keyring.stdin!.end('a password');
  await once(keyring, 'exit');
  return { XDG_RUNTIME_DIR: runtime, DBUS_SESSION_BUS_ADDRESS: address };
}

function start(
  program: string,
  args: readonly string[],
  env: Readonly<Record<string, string>>,
): ChildProcess {
  const child = spawn(`/usr/bin/${program}`, args, {
    env,
    stdio: ['pipe', 'pipe', 'ignore'],
    timeout: 60_000,
  });
  const ended = once(child, 'exit');
  onTestFinished(async () => {
    child.kill();
    await ended;
  });
  return child;
}
