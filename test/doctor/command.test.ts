import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { DoctorReport } from '../../src/doctor/index.ts';
import { walk } from '../heart/walk.ts';
import { CommandLine } from '../support/command-line.ts';
import { createCookieBrowser } from '../support/cookie-browser.ts';
import { startProgrammableAuthorizationServer } from '../support/programmable-authorization-server.ts';
import { openStage } from '../support/stage.ts';

function reportIn(stdout: string): DoctorReport {
  return (JSON.parse(stdout) as { readonly result: DoctorReport }).result;
}

test('what keeps people out ends the command with 8, in words and in JSON, and leaves nothing on this machine', async () => {
  await using as = await startProgrammableAuthorizationServer({
    metadata: { code_challenge_methods_supported: undefined },
  });
  const line = new CommandLine({ FORCE_COLOR: '0' });
  const [words, json] = [
    await line.run('doctor', as.resource, '--quiet'),
    await line.run('doctor', as.resource, '--json'),
  ];
  expect(words).toMatchObject({ code: 8, stderr: '' });
  expect(words.stdout).toContain('✗ PKCE\n    problem: ');
  expect(words.stdout).not.toContain('✓ The address');
  expect(json).toMatchObject({ code: 8, stderr: '' });
  expect(reportIn(json.stdout)).toMatchObject({ version: 1, verdict: 'problem', counts: { problem: 1 } });
  expect(existsSync(join(line.home, 'data'))).toBe(false);
  expect(as.count('resource')).toBeGreaterThan(0);
});

test('a server that is not reached ends it with 5, and one on stdio with 2', async () => {
  const line = new CommandLine();
  // A port that was free a moment ago.
  const as = await startProgrammableAuthorizationServer();
  await as.close();
  expect(await line.run('doctor', as.resource)).toMatchObject({
    code: 5,
    stdout: expect.stringContaining('(ECONNREFUSED)') as string,
  });
  expect(await line.run('doctor', 'ftp://files.example')).toMatchObject({ code: 2 });
});

test('a sign-in that is stored is looked into: its client, and what its token opens; nothing of it is spent', async () => {
  const { as, calendar } = await openStage();
  const line = new CommandLine();
  const running = line.start('login', calendar.url);
  const [, link = ''] = await running.says(/open (http:\S+\/connect\/\S+)/u);
  await walk(createCookieBrowser(), link);
  expect((await running.ended).code).toBe(0);
  const asked = { register: as.count('register'), refresh: as.count('refresh') };
  const { code, stdout } = await line.run('doctor', calendar.url, '--json');
  const { checks } = reportIn(stdout);
  // This authorization server sends browsers anywhere, which is a warning.
  expect(code).toBe(7);
  expect(checks.find(({ check }) => check === 'sign-in')?.facts).toEqual([
    expect.stringMatching(/^accepted: \d+ tools in the first page$/u),
  ]);
  expect(checks.find(({ check }) => check === 'registration')?.facts).toContain(
    'would be used: the client that was registered before',
  );
  expect(as.count('register')).toBe(asked.register);
  // The one that is made up.
  expect(as.count('refresh')).toBe(asked.refresh + 1);
  const token = as.tokens.families.at(-1);
  expect(token?.revoked).toBe(false);
});
