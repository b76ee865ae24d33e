import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { openPageHost } from '../../support/page-host.ts';
import { startPageProcess } from '../../support/page-process.ts';
import { openToolStage, until } from '../../support/tool-stage.ts';
import { theirLink } from './asking-pair.ts';
import type { AskingQuestion } from './asking-process.ts';

/** Three processes of an agent on one store, of which the first parks a call and is killed; the others work. */
async function parkAndDie(era: 'modern' | 'stateless') {
  const server = await openToolStage({ tool: { waitMs: 20 } });
  const host = await openPageHost();
  onTestFinished(() => host.close());
  const directory = mkdtempSync(join(tmpdir(), 'postern-asking-'));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  const program = new URL('asking-process.ts', import.meta.url);
  const args = [directory, host.publicUrl, server.mcpUrl(era), era];
  const start = () => startPageProcess<AskingQuestion, string>(program, args, host);
  const [first, ...others] = await Promise.all([start(), start(), start()]);
  const link = await first.ask('park');
  await first.kill();
  for (const other of others) await other.ask('work');
  return { server, host, link };
}

describe('the process that parked a call dies, and two others go on', () => {
  for (const era of ['modern', 'stateless'] as const) {
    test(`${era}: the person is done at the server’s link and tells nobody; the call is made once (issue 8.23)`, async () => {
      const { server, host, link } = await parkAndDie(era);
      await server.finish(await theirLink({ server }));
      await until(() => server.effects.length > 0);
      const browser = await host.openBrowser('alice');
      await vi.waitFor(async () => expect((await browser.open(link)).html).not.toContain('I have done it'), {
        timeout: 20_000,
      });
      expect(server.effects).toHaveLength(1);
    }, 60_000);

    test(`${era}: the person says on our page that it is done; the call is made once (issue 8.23)`, async () => {
      const { server, host, link } = await parkAndDie(era);
      await server.finish(await theirLink({ server }));
      const browser = await host.openBrowser('alice');
      const page = await browser.open(link);
      // Unless a try was faster.
      if (page.html.includes('I have done it')) await browser.submit({}, 'done');
      await until(() => server.effects.length > 0);
      await new Promise((resolve) => setTimeout(resolve, 1_000));
      expect(server.effects).toHaveLength(1);
    }, 60_000);
  }
});
