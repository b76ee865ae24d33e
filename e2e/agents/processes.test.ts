import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test, vi } from 'vitest';
import { startCalendarServer } from '../../demo/calendar-server.ts';
import { walk } from '../../test/heart/walk.ts';
import { openPageHost } from '../../test/support/page-host.ts';
import { startPageProcess } from '../../test/support/page-process.ts';
import { startProgrammableAuthorizationServer } from '../../test/support/programmable-authorization-server.ts';
import { resourceSideOf } from '../../test/support/stage.ts';
import type { RunQuestion, RunReport } from './run-process.ts';

const script = [
  [{ call: 'note' }, { call: 'request_authentication', args: { service: 'calendar', reason: 'your day' } }],
  [{ call: 'calendar__list_events' }],
];

test.each(['openai', 'ai-sdk'])(
  '%s: a run whose process was killed during the pause is answered by another, once, on one SQLite file',
  async (face) => {
    const as = await startProgrammableAuthorizationServer();
    onTestFinished(() => as.close());
    const calendar = await startCalendarServer({ authorizationServer: resourceSideOf(as) });
    onTestFinished(() => calendar.close());
    const host = await openPageHost();
    onTestFinished(() => host.close());
    const directory = mkdtempSync(join(tmpdir(), 'postern-runs-'));
    onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
    const program = new URL('run-process.ts', import.meta.url);
    const args = [directory, host.publicUrl, calendar.url, face];
    const start = () => startPageProcess<RunQuestion, unknown>(program, args, host);
    const report = { report: true } as const;

    const first = await start();
    const begun = await first.ask({ start: { user: 'alice', script, metadata: { thread: 't1' } } });
    expect(begun).toEqual({ waiting: expect.any(String) });
    const { told } = (await first.ask(report)) as RunReport;
    await first.kill();

    const others = [await start(), await start()];
    as.approveAs('alice');
    const page = await walk(await host.openBrowser('alice'), told[0]!.challenge.url);
    expect(page.status).toBe(200);
    const answers = async () =>
      (
        await Promise.all(others.map(async (other) => ((await other.ask(report)) as RunReport).answers))
      ).flat();
    await vi.waitFor(async () => expect(await answers()).toHaveLength(1), { timeout: 40_000, interval: 200 });
    expect(await answers()).toMatchObject([{ contextId: 'alice', metadata: { thread: 't1' } }]);
    expect((await answers())[0]!.text).toMatch(/noted 1[^]*Alice: dentist/u);
    expect(calendar.counters.calls['list_events']).toBe(1);
  },
);
