import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, onTestFinished, test, vi } from 'vitest';
import { createCookieBrowser } from '../support/cookie-browser.ts';
import { ProgrammableDevices, withDeviceCodes } from '../support/programmable-devices.ts';
import { describeWithService } from '../support/services.ts';
import { openStage, type Stage } from '../support/stage.ts';
import { isIssuer, walk, walkToCallback } from '../heart/walk.ts';

const program = fileURLToPath(new URL('calling-process.ts', import.meta.url));
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

interface Terminal {
  readonly child: ChildProcess;
  readonly ended: Promise<number>;
  screen(): string;
  shows(text: RegExp): Promise<RegExpExecArray>;
}

function openTerminal(stage: Stage, python: string, ...more: readonly string[]): Terminal {
  const home = mkdtempSync(join(tmpdir(), 'postern-terminal-'));
  const env = { PATH: '/nowhere', HOME: home, NODE_NO_WARNINGS: '1', SSH_CONNECTION: '1.2.3.4 5 6.7.8.9 22' };
  const args = ['-c', pty, process.execPath, program, stage.calendar.url, ...more];
  const child = spawn(python, args, { env, timeout: 60_000 });
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

await describeWithService('python3', 'a program at a terminal without a display', ({ where: python }) => {
  test('shows its link in one line, with when it ends, counts down, and goes on', async () => {
    const stage = await openStage();
    stage.as.approveAs('alice');
    const terminal = openTerminal(stage, python);
    const [, link = ''] = await terminal.shows(
      /To sign in to "calendar", open (http:\S+\/connect\/\S+) \(on this machine, until \d\d:\d\d\)\r\n/u,
    );
    await terminal.shows(/Waiting for you, 9:\d\d left/u);
    await walk(createCookieBrowser(), link);
    expect([await terminal.ended, terminal.screen().endsWith('alice')]).toEqual([0, true]);
  });

  test('takes the address that a browser elsewhere ended at', async () => {
    const stage = await openStage();
    stage.as.approveAs('alice');
    const terminal = openTerminal(stage, python);
    const [, there = ''] = await terminal.shows(/paste the address that it ends at:\r\n(http\S+)\r\n/u);
    terminal.child.stdin?.write('what?\n');
    await terminal.shows(/That did not work\. /u);
    const ended = await walkToCallback(createCookieBrowser(), there);
    terminal.child.stdin?.write(`${ended.href}\n`);
    expect([await terminal.ended, terminal.screen().endsWith('alice')]).toEqual([0, true]);
  });

  test('shows a code that a phone can scan, where the server has codes', async () => {
    const stage = await openStage({ as: { metadata: withDeviceCodes } });
    const devices = new ProgrammableDevices(stage.as);
    const terminal = openTerminal(stage, python);
    await terminal.shows(/enter the code WDJB-0001 at http\S+\/enter \(any device, until \d\d:\d\d\)\r\n/u);
    await terminal.shows(/[█▀▄]{10,}/u);
    devices.approve('alice');
    expect([await terminal.ended, terminal.screen().endsWith('alice')]).toEqual([0, true]);
  });

  /** Opens the link in a browser of its own, thinks better of it at the issuer's, comes back to the link, and declines. */
  async function decline(terminal: Terminal): Promise<void> {
    const [, link = ''] = await terminal.shows(/open (http:\S+\/connect\/\S+) \(on/u);
    const browser = createCookieBrowser();
    await browser.open(link, { stopBefore: isIssuer });
    await browser.open(link);
    await browser.submit({}, 'decline');
    await terminal.shows(/declined\r\n/u);
  }

  test('says that its person declined a moment ago, and asks them again on their wish', async () => {
    const stage = await openStage();
    stage.as.approveAs('alice');
    const terminal = openTerminal(stage, python, 'again');
    await decline(terminal);
    await terminal.shows(
      /You declined to sign in to "calendar" a moment ago\. Ask you again\? \[Y\/n, 30 s\]/u,
    );
    terminal.child.stdin?.write('\n');
    const [, link = ''] = await terminal.shows(/Ask you again[\s\S]*open (http:\S+\/connect\/\S+) \(on/u);
    await walk(createCookieBrowser(), link);
    expect([await terminal.ended, terminal.screen().endsWith('alice')]).toEqual([0, true]);
  });

  test('leaves it at a decline where its person does not want to be asked again', async () => {
    const terminal = openTerminal(await openStage(), python, 'again');
    await decline(terminal);
    await terminal.shows(/Ask you again\?/u);
    terminal.child.stdin?.write('n\n');
    await terminal.ended;
    expect(terminal.screen()).toContain('ERR_POSTERN_AUTH_DENIED');
    expect(terminal.screen().match(/\/connect\//gu)).toHaveLength(1);
  });

  test('that is interrupted leaves no listener behind, and says 130', async () => {
    const terminal = openTerminal(await openStage(), python);
    const [, port] = await terminal.shows(/http:\/\/127\.0\.0\.1:(\d+)\/connect\/\S+/u);
    await terminal.shows(/Waiting for you/u);
    terminal.child.stdin?.write('\u0003');
    expect(await terminal.ended).toBe(130);
    const [refusal] = (await once(connect(Number(port), '127.0.0.1'), 'error').catch((error: unknown) => [
      error,
    ])) as [Error];
    expect(refusal).toMatchObject({ code: 'ECONNREFUSED' });
  });
});
