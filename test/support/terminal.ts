import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished, vi } from 'vitest';

/** Runs a program at a terminal of its own, 100 columns wide, and hands on what is typed, and its exit code. */
const pty = `
import fcntl, os, pty, struct, sys, termios
pid, fd = pty.fork()
if pid == 0:
    # What is typed stands on no screen: with an address that a browser ended at, the watch for secrets would find it there.
    settings = termios.tcgetattr(0)
    settings[3] &= ~termios.ECHO
    termios.tcsetattr(0, termios.TCSANOW, settings)
    os.execv(sys.argv[1], sys.argv[1:])
fcntl.ioctl(fd, termios.TIOCSWINSZ, struct.pack('HHHH', 40, 100, 0, 0))
import select
while True:
    ready, _, _ = select.select([0, fd], [], [])
    if fd in ready:
        try:
            data = os.read(fd, 4096)
        except OSError:
            data = b''
        if not data:
            break
        os.write(1, data)
    if 0 in ready:
        typed = os.read(0, 4096)
        if typed:
            os.write(fd, typed)
_, status = os.waitpid(pid, 0)
sys.exit(os.waitstatus_to_exitcode(status) % 256)
`;

/** A program at a terminal of its own. */
export interface Terminal {
  readonly child: ChildProcess;
  readonly ended: Promise<number>;
  screen(): string;
  shows(text: RegExp): Promise<RegExpExecArray>;
}

/**
 * Runs a script of Node's at a terminal of its own, with a home of its own, until the test has ended.
 *
 * @param options `python`: where it is, which makes the terminal. `env`: beside a home, and no display.
 */
export function openTerminal(
  script: string,
  args: readonly string[],
  options: { readonly python: string; readonly env?: Readonly<Record<string, string>> },
): Terminal {
  const home = mkdtempSync(join(tmpdir(), 'postern-terminal-'));
  const env = {
    PATH: '/nowhere',
    HOME: home,
    NODE_NO_WARNINGS: '1',
    SSH_CONNECTION: '1.2.3.4 5 6.7.8.9 22',
    ...options.env,
  };
  const command = ['-c', pty, process.execPath, script, ...args];
  const child = spawn(options.python, command, { env, timeout: 60_000 });
  let screen = '';
  child.stdout.on('data', (part: Buffer) => (screen += part.toString()));
  child.stderr.on('data', (part: Buffer) => (screen += part.toString()));
  const ended = once(child, 'close').then(([code]) => code as number);
  onTestFinished(async () => {
    child.kill('SIGKILL');
    await ended;
    rmSync(home, { recursive: true, force: true });
  });
  return {
    child,
    ended,
    screen: () => screen,
    shows: (text) =>
      vi.waitFor(
        () => {
          const found = text.exec(screen);
          if (found === null) throw new Error(`not shown yet: ${screen}`);
          return found;
        },
        { timeout: 15_000 },
      ),
  };
}
