import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { expect, test, vi } from 'vitest';
import { Client } from '../../src/client/index.ts';
import { isIssuer, walk, walkToCallback } from '../heart/walk.ts';
import { CommandLine, program, type Running } from '../support/command-line.ts';
import { createCookieBrowser } from '../support/cookie-browser.ts';
import { ProgrammableDevices, withDeviceCodes } from '../support/programmable-devices.ts';
import { describeWithService } from '../support/services.ts';
import { openStage, textOf, type Stage } from '../support/stage.ts';
import { openTerminal } from '../support/terminal.ts';

const linkForm =
  /To sign in to "[^"]+"(?: as "work")?, open (http:\S+\/connect\/\S+) \(on this machine, until \d\d:\d\d\)/u;

async function openLine(): Promise<{ stage: Stage; line: CommandLine; url: string }> {
  const stage = await openStage();
  stage.as.approveAs('alice');
  return { stage, line: new CommandLine(), url: stage.calendar.url };
}

/** Opens the link that a command says, and consents. */
async function consent(running: Running): Promise<void> {
  const [, link = ''] = await running.says(linkForm);
  await walk(createCookieBrowser(), link);
}

async function signIn(line: CommandLine, ...args: readonly string[]): Promise<void> {
  const running = line.start('login', ...args);
  await consent(running);
  expect((await running.ended).code).toBe(0);
}

/** A file of servers that names this one. */
function nameIt({ home }: CommandLine, url: string): string {
  const file = join(home, 'servers.json');
  writeFileSync(file, JSON.stringify({ mcpServers: { calendar: { url } } }));
  return file;
}

test('whoever signs in once is not asked again: by a call, by another process, by a program with the same store', async () => {
  const { stage, line, url } = await openLine();
  const running = line.start('login', url);
  await running.says(
    /Sign-ins are kept in \S+, sealed with a key in a file beside them, for you alone to read/u,
  );
  await consent(running);
  const { host } = new URL(url);
  expect(await running.ended).toMatchObject({ code: 0, stdout: `Signed in to ${host}.\n` });

  const again = await line.run('login', url);
  expect(again).toMatchObject({ code: 0, stdout: `Already signed in to ${host}.\n`, stderr: '' });
  expect(await line.run('call', url, 'whoami')).toMatchObject({ code: 0, stdout: 'alice\n', stderr: '' });
  const { answer } = await line.json('list');
  expect(answer.result.servers).toMatchObject([
    { server: host, url, account: 'default', configured: false, next: null, kept: { condition: 'good' } },
  ]);

  // Once it has a name, the sign-in is that name's, for programs that give it the same one, too.
  const file = nameIt(line, url);
  expect((await line.run('call', 'calendar', 'whoami', '--config', file)).stdout).toBe('alice\n');
  vi.stubEnv('XDG_DATA_HOME', join(line.home, 'data'));
  try {
    await using client = new Client({ calendar: { url } }, { persist: 'postern' });
    expect(textOf(await client.callTool('whoami'))).toBe('alice');
  } finally {
    vi.unstubAllEnvs();
  }
  expect(stage.as.count('authorize')).toBe(1);
});

test('a script is told at once that somebody has to sign in, and is given no link that dies with it', async () => {
  const { line, url } = await openLine();
  const { code, stdout, stderr } = await line.run('call', url, 'whoami', '--json');
  expect(JSON.parse(stdout)).toMatchObject({
    ok: false,
    exitCode: 3,
    error: {
      code: 'ERR_POSTERN_AUTH_REQUIRED',
      actor: 'person',
      hint: `Run \`postern login ${url}\`, and then this again.`,
    },
  });
  expect([code, `${stdout}${stderr}`.includes('/connect/')]).toEqual([3, false]);
  const checked = await line.json('list', '--check', '--config', nameIt(line, url));
  const next = 'postern login calendar';
  expect(checked.answer.result.servers).toMatchObject([
    { server: 'calendar', kept: null, waiting: null, next, condition: { condition: 'needs-consent' } },
  ]);
  // Nobody is said to be asked who is not.
  const { answer } = await line.json('list', '--config', nameIt(line, url));
  expect(answer.result.servers).toMatchObject([{ kept: null, waiting: null }]);
});

test('who declines is told so, and the command ends with 4', async () => {
  const { line, url } = await openLine();
  const running = line.start('login', url);
  const [, link = ''] = await running.says(linkForm);
  const browser = createCookieBrowser();
  // Thinks better of it at the issuer's, and comes back to the link.
  await browser.open(link, { stopBefore: isIssuer });
  await browser.open(link);
  await browser.submit({}, 'decline');
  const { code, stderr } = await running.ended;
  expect([code, stderr]).toEqual([4, expect.stringContaining('ERR_POSTERN_AUTH_DENIED')]);
  // Who types it again wants to be asked again.
  await line.start('login', url).says(linkForm);
});

test('a logout that the server has not confirmed is not called revoked, and leaves nothing that could be used', async () => {
  const { stage, line, url } = await openLine();
  await signIn(line, url);
  stage.as.on('revoke', () => ({ status: 503 }));
  const { code, stdout } = await line.run('logout', '--all');
  expect([code, stdout]).toEqual([0, expect.stringContaining('signed out here; the issuer did not confirm')]);
  expect(stdout).not.toContain('revoked');
  expect(await line.run('logout', url)).toMatchObject({ code: 0, stdout: 'Nobody was signed in.\n' });
});

test('two accounts at one server stand side by side, and --force makes one somebody else’s', async () => {
  const { stage, line, url } = await openLine();
  await signIn(line, url);
  stage.as.approveAs('bob');
  await signIn(line, url, '--account', 'work');
  stage.as.approveAs('carol');
  await signIn(line, url, '--force');
  const calls = await Promise.all([
    line.run('call', url, 'whoami'),
    line.run('call', url, 'whoami', '--account', 'work'),
  ]);
  expect(calls.map(({ stdout }) => stdout)).toEqual(['carol\n', 'bob\n']);
  const { stdout } = await line.run('logout', url, '--account', 'work');
  expect(stdout).toMatch(/\(work\): signed out, and revoked at the server\.\n$/u);
});

test('--paste takes the address that a browser on another machine ended at', async () => {
  const { line, url } = await openLine();
  const running = line.start('login', url, '--paste');
  const [, there = ''] = await running.says(/paste the address that it ends at:\n(http\S+)\n/u);
  running.child.stdin?.write('what?\n');
  await running.says(/That did not work\. /u);
  const ended = await walkToCallback(createCookieBrowser(), there);
  running.child.stdin?.write(`${ended.href}\n`);
  expect((await running.ended).code).toBe(0);
});

test('--device shows a code, where the server has codes', async () => {
  const stage = await openStage({ as: { metadata: withDeviceCodes } });
  const devices = new ProgrammableDevices(stage.as);
  const running = new CommandLine().start('login', stage.calendar.url, '--device');
  await running.says(/enter the code WDJB-0001 at http\S+\/enter \(any device, until \d\d:\d\d\)/u);
  devices.approve('alice');
  expect((await running.ended).code).toBe(0);
});

test('Ctrl-C while somebody is waited for ends with 130, and leaves no listener', async () => {
  const { line, url } = await openLine();
  const running = line.start('login', url);
  const [, link = ''] = await running.says(linkForm);
  running.child.kill('SIGINT');
  expect((await running.ended).code).toBe(130);
  const [refusal] = (await once(connect(Number(new URL(link).port), '127.0.0.1'), 'error').catch(
    (error: unknown) => [error],
  )) as [Error];
  expect(refusal).toMatchObject({ code: 'ECONNREFUSED' });
});

await describeWithService('python3', 'a command at a terminal', ({ where: python }) => {
  test('asks for the sign-in on its way, counts down, and answers', async () => {
    const { url } = await openLine();
    const env = { POSTERN_KEYCHAIN: 'off' };
    const terminal = openTerminal(program, ['call', url, 'whoami'], { python, env });
    const [, link = ''] = await terminal.shows(/open (http:\S+\/connect\/\S+) \(on/u);
    await terminal.shows(/Waiting for you, 9:\d\d left/u);
    await walk(createCookieBrowser(), link);
    expect([await terminal.ended, terminal.screen().endsWith('alice\r\n')]).toEqual([0, true]);
  });
});
