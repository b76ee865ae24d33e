import { execFile } from 'node:child_process';
import { mkdtemp, readdir, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, onTestFinished, test } from 'vitest';
import { Client, LocalAuthCoordinator } from '../../../src/client/index.ts';
import { createCookieBrowser } from '../../support/cookie-browser.ts';
import { openStage } from '../../support/stage.ts';

const program = `
  const { Client } = await import(${JSON.stringify(new URL('../../../src/client/index.ts', import.meta.url).href)});
  await using client = new Client({ calendar: { url: process.argv[1] } }, { persist: 'my-cli' });
  const { content } = await client.callTool('whoami');
  console.log(content[0].text);`;

test('a program at a terminal stays signed in from one run to the next, in its user’s own folder', async () => {
  const stage = await openStage();
  const home = await mkdtemp(join(tmpdir(), 'postern-home-'));
  onTestFinished(() => rm(home, { recursive: true, force: true }));
  stage.as.approveAs('me');
  const run = async (): Promise<{ stdout: string; links: number }> => {
    const env = { PATH: process.env['PATH'], XDG_DATA_HOME: home, SSH_CONNECTION: '1.2.3.4 5 6.7.8.9 22' };
    const running = promisify(execFile)(
      process.execPath,
      ['--input-type=module', '--disable-warning=ExperimentalWarning', '-e', program, stage.calendar.url],
      { env, timeout: 30_000 },
    );
    let links = 0;
    running.child.stderr?.on('data', (chunk: string) => {
      const link = /http:\/\/127\.0\.0\.1:\d+\/\S+/u.exec(chunk)?.[0];
      if (link === undefined) return;
      links++;
      void createCookieBrowser().open(link);
    });
    return { stdout: (await running).stdout, links };
  };
  const first = await run();
  const second = await run();
  expect([first.stdout, first.links, second.stdout, second.links]).toEqual([
    first.stdout,
    1,
    first.stdout,
    0,
  ]);
  expect(stage.as.count('authorize')).toBe(1);
  const folder = join(home, 'my-cli', 'postern');
  expect((await stat(folder)).mode & 0o777).toBe(0o700);
  for (const file of await readdir(folder))
    expect((await stat(join(folder, file))).mode & 0o077, file).toBe(0);
});

test.each([
  ['a name that can be no folder', { persist: '../other' }],
  ['a coordinator beside it', { persist: 'my-cli', coordinator: new LocalAuthCoordinator() }],
])('what is kept between runs is refused with %s, before anything is done', (_, options) => {
  expect(() => new Client({}, options)).toThrow(
    expect.objectContaining({ code: 'ERR_POSTERN_CONFIG_MISCONFIGURED' }),
  );
});
