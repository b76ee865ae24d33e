import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { openBrowser } from '../../src/interaction/this-machine/open-browser.ts';

/** Puts a program in the browser opener's place, which writes down what it was called with. */
function installOpener(ending = ''): { calls: () => string[]; pwned: string } {
  const directory = mkdtempSync(join(tmpdir(), 'postern-opener-'));
  const path = process.env['PATH'] ?? '';
  onTestFinished(() => {
    process.env['PATH'] = path;
    rmSync(directory, { recursive: true, force: true });
  });
  const log = join(directory, 'calls');
  const program = join(directory, process.platform === 'darwin' ? 'open' : 'xdg-open');
  // As such scripts often do: what they are given goes through a shell once more.
  writeFileSync(program, `#!/bin/sh\nprintf '%s\\n' "$#:$1" >> "${log}"\neval "printf '' '$1'"\n${ending}\n`);
  chmodSync(program, 0o755);
  process.env['PATH'] = `${directory}${delimiter}${path}`;
  return {
    calls: () => (existsSync(log) ? readFileSync(log, 'utf8').trim().split('\n') : []),
    pwned: join(directory, 'pwned'),
  };
}

describe.skipIf(process.platform === 'win32')('the browser’s opener', () => {
  test('gets one argument, in which nothing is left that a shell could act on', async () => {
    const { calls, pwned } = installOpener();
    const hostile = [
      `http://127.0.0.1:1/$(touch ${pwned})`,
      `http://127.0.0.1:1/\`touch ${pwned}\``,
      `http://127.0.0.1:1/x';touch ${pwned};'`,
      `http://127.0.0.1:1/x?a=1&b=$(touch%20${pwned})|touch ${pwned}`,
      'http://127.0.0.1:1/x?a=1&b=2#fragment',
    ];
    for (const url of hostile) expect(await openBrowser(url)).toBe(true);
    await vi.waitFor(() => expect(calls()).toHaveLength(hostile.length), { timeout: 5_000 });
    for (const call of calls()) expect(call).toMatch(/^1:http:\/\/127\.0\.0\.1:1\/[\w\-./:?=%~+,@[\]&]*$/u);
    expect(existsSync(pwned)).toBe(false);
  });

  test.each(['file:///etc/passwd', 'javascript:alert(1)', 'vscode://x', 'data:text/html,x'])(
    'is not called for %s',
    async (url) => {
      const { calls } = installOpener();
      expect(await openBrowser(url)).toBe(false);
      expect(calls()).toEqual([]);
    },
  );

  test('that ends badly has opened nothing', async () => {
    const { calls } = installOpener('exit 3');
    expect(await openBrowser('http://127.0.0.1:1/')).toBe(false);
    expect(calls()).toHaveLength(1);
  });

  test('that is not installed is no error: the link is shown instead', async () => {
    const path = process.env['PATH'] ?? '';
    process.env['PATH'] = '/nowhere';
    onTestFinished(() => void (process.env['PATH'] = path));
    expect(await openBrowser('http://127.0.0.1:1/')).toBe(false);
  });
});
