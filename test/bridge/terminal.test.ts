import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { walkToCallback } from '../heart/walk.ts';
import { createCookieBrowser } from '../support/cookie-browser.ts';
import { describeWithService } from '../support/services.ts';
import { openStage } from '../support/stage.ts';
import { openTerminal } from '../support/terminal.ts';

const program = fileURLToPath(new URL('../../src/cli/main.ts', import.meta.url));

await describeWithService(
  'python3',
  'a bridge that a person has started at a terminal',
  ({ where: python }) => {
    test('asks for the sign-in by itself, takes the address that a browser elsewhere ended at, and ends by Ctrl-C', async () => {
      const stage = await openStage();
      stage.as.approveAs('alice');
      const terminal = openTerminal(program, ['bridge', stage.calendar.url], { python });
      await terminal.shows(/This waits for a host/u);
      const [, there = ''] = await terminal.shows(/paste the address that it ends at:\r\n(http\S+)\r\n/u);
      terminal.child.stdin?.write('http://127.0.0.1:1/callback?code=a&state=b\n');
      await terminal.shows(/That did not work\. /u);
      const ended = await walkToCallback(createCookieBrowser(), there);
      terminal.child.stdin?.write(`${ended.href}\n`);
      await terminal.shows(/Signed in to "/u);
      terminal.child.stdin?.write('\u0003');
      expect(await terminal.ended).toBe(130);
    });
  },
);
