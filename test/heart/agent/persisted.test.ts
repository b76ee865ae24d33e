import { execFile, type ChildProcess } from 'node:child_process';
import { mkdtemp, readdir, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, onTestFinished, test } from 'vitest';
import { Client, LocalAuthCoordinator } from '../../../src/client/index.ts';
import { createCookieBrowser } from '../../support/cookie-browser.ts';
import { openStage, type Stage } from '../../support/stage.ts';

const program = `
  const { Client } = await import(${JSON.stringify(new URL('../../../src/client/index.ts', import.meta.url).href)});
  await using client = new Client({ calendar: { url: process.argv[1] } }, { persist: 'my-cli' });
  const { content } = await client.callTool('whoami');
  console.log(content[0].text);`;

interface Run {
  readonly child: ChildProcess;
  readonly links: string[];
  /** What it printed, when it has ended; `undefined` when it was ended. */
  readonly answer: Promise<string | undefined>;
}

/** A program in a home of its own, over SSH, so that no browser opens. */
async function openHome(
  stage: Stage,
): Promise<{ home: string; run: (onLink: (link: string) => void) => Run }> {
  const home = await mkdtemp(join(tmpdir(), 'postern-home-'));
  onTestFinished(() => rm(home, { recursive: true, force: true }));
  const env = { PATH: process.env['PATH'], XDG_DATA_HOME: home, SSH_CONNECTION: '1.2.3.4 5 6.7.8.9 22' };
  const args = [
    '--input-type=module',
    '--disable-warning=ExperimentalWarning',
    '-e',
    program,
    stage.calendar.url,
  ];
  return {
    home,
    run: (onLink) => {
      const running = promisify(execFile)(process.execPath, args, { env, timeout: 30_000 });
      const links: string[] = [];
      running.child.stderr?.on('data', (chunk: string) => {
        const link = /http:\/\/127\.0\.0\.1:\d+\/\S+/u.exec(chunk)?.[0];
        if (link === undefined) return;
        links.push(link);
        onLink(link);
      });
      const answer = running.then(
        ({ stdout }) => stdout.trim(),
        () => undefined,
      );
      return { child: running.child, links, answer };
    },
  };
}

const visit = (link: string): void => void createCookieBrowser().open(link);

test('a program at a terminal stays signed in from one run to the next, in its user’s own folder', async () => {
  const stage = await openStage();
  stage.as.approveAs('me');
  const { home, run } = await openHome(stage);
  const first = run(visit);
  expect([await first.answer, first.links.length]).toEqual(['me', 1]);
  const second = run(visit);
  expect([await second.answer, second.links.length, stage.as.count('authorize')]).toEqual(['me', 0, 1]);
  const folder = join(home, 'my-cli', 'postern');
  expect((await stat(folder)).mode & 0o777).toBe(0o700);
  for (const file of await readdir(folder))
    expect((await stat(join(folder, file))).mode & 0o077, file).toBe(0);
});

test('one that is interrupted while it waits leaves nothing behind: the next run tells the link, and goes on', async () => {
  const stage = await openStage();
  stage.as.approveAs('me');
  const { run } = await openHome(stage);
  const first: Run = run(() => void first.child.kill('SIGINT'));
  expect(await first.answer).toBeUndefined();
  // As a shell reports it.
  expect(first.child.exitCode).toBe(130);
  await expect(fetch(first.links[0]!)).rejects.toThrow('fetch failed');
  const second = run(visit);
  expect([await second.answer, second.links.length]).toEqual(['me', 1]);
});

test.each([
  ['a name that can be no folder', { persist: '../other' }],
  ['a coordinator beside it', { persist: 'my-cli', coordinator: new LocalAuthCoordinator() }],
])('what is kept between runs is refused with %s, before anything is done', (_, options) => {
  expect(() => new Client({}, options)).toThrow(
    expect.objectContaining({ code: 'ERR_POSTERN_CONFIG_MISCONFIGURED' }),
  );
});
