import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, onTestFinished, test } from 'vitest';

interface Report {
  readonly testResults: readonly {
    readonly assertionResults: readonly {
      readonly title: string;
      readonly status: string;
      readonly failureMessages: readonly string[];
    }[];
  }[];
}

const root = fileURLToPath(new URL('../..', import.meta.url));

/** What a run of the fixture says. What it prints is not looked at: it is full of what it leaks. */
async function runFixture(): Promise<{ code: number; report: Report }> {
  const directory = await mkdtemp(join(tmpdir(), 'postern-leaks-'));
  onTestFinished(() => rm(directory, { recursive: true, force: true }));
  const file = join(directory, 'report.json');
  const vitest = join(root, 'node_modules/vitest/vitest.mjs');
  const args = [
    'run',
    '--config',
    'test/secrets/vitest.config.ts',
    '--reporter=json',
    `--outputFile=${file}`,
  ];
  const child = spawn(process.execPath, [vitest, ...args], { cwd: root, stdio: 'ignore' });
  const [code] = (await once(child, 'exit')) as [number];
  return { code, report: JSON.parse(await readFile(file, 'utf8')) as Report };
}

test(
  'a test that lets a secret out fails, by whatever way, and the run with it',
  { timeout: 120_000 },
  async () => {
    const { code, report } = await runFixture();
    const results = report.testResults.flatMap(({ assertionResults }) => assertionResults);
    const places = results.map(({ title, status, failureMessages }) => {
      const said = /a secret stands in (?<places>.+)/u.exec(failureMessages.join('\n'))?.groups?.['places'];
      return [title, status, said];
    });
    expect(code).toBe(1);
    expect(places).toEqual([
      ['leaks to the console', 'failed', 'the console (plain)'],
      ['leaks to standard error', 'failed', 'standard error (hexadecimal)'],
      ['leaks to standard output, in two pieces', 'failed', 'standard output (plain)'],
      ['leaks to a log', 'failed', 'a log (plain)'],
      ['leaks in the message of an error', 'failed', 'an error (plain)'],
      ['leaks in the cause of an error', 'failed', 'an error (base64)'],
      ['leaks on a page', 'failed', 'a page (plain)'],
      ['leaks in an argument list', 'failed', 'an argument list (plain)'],
      ['leaks to the stdout of a process', 'failed', 'the output of a process (base64)'],
      ['leaks to the stderr of a process', 'failed', 'the errors of a process (base64)'],
      ['leaks a verifier', 'failed', 'a log (plain)'],
      ['leaks the private half of a key', 'failed', 'a log (plain)'],
    ]);
    expect(JSON.stringify(report), 'the report does not repeat the secret').not.toContain('zleaked');
  },
);
