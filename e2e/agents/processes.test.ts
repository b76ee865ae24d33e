import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test, vi } from 'vitest';
import { startCalendarServer, type CalendarServer } from '../../demo/calendar-server.ts';
import { walk } from '../../test/heart/walk.ts';
import { hangingTool } from '../../test/support/hanging-tool.ts';
import { openPageHost } from '../../test/support/page-host.ts';
import { startPageProcess, type PageProcess } from '../../test/support/page-process.ts';
import { startProgrammableAuthorizationServer } from '../../test/support/programmable-authorization-server.ts';
import { resourceSideOf } from '../../test/support/stage.ts';
import type { RunQuestion, RunReport } from './run-process.ts';

const ask = { call: 'request_authentication', args: { service: 'calendar', reason: 'your day' } };
const faces = ['openai', 'ai-sdk', 'langchain', 'mastra'];
const patience = { timeout: 100_000, interval: 250 };

interface Processes {
  readonly calendar: CalendarServer;
  /** One more process on the store. */
  readonly start: () => Promise<PageProcess<RunQuestion, unknown>>;
  /** Has alice go through a link. */
  readonly consent: (link: string) => Promise<void>;
  /** How often the slow tool was reached. */
  readonly reached: () => number;
}

/** Processes of a host on one SQLite file, and a calendar with a tool that answers nobody. */
async function openProcesses(face: string): Promise<Processes> {
  let reached = 0;
  const as = await startProgrammableAuthorizationServer();
  onTestFinished(() => as.close());
  const calendar = await startCalendarServer({
    authorizationServer: resourceSideOf(as),
    extraTools: hangingTool(() => reached++),
  });
  onTestFinished(() => calendar.close());
  const host = await openPageHost();
  onTestFinished(() => host.close());
  const directory = mkdtempSync(join(tmpdir(), 'postern-runs-'));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  const program = new URL('run-process.ts', import.meta.url);
  const args = [directory, host.publicUrl, calendar.url, face];
  return {
    calendar,
    reached: () => reached,
    start: () => startPageProcess<RunQuestion, unknown>(program, args, host),
    consent: async (link) => {
      as.approveAs('alice');
      const page = await walk(await host.openBrowser('alice'), link);
      expect(page.status).toBe(200);
    },
  };
}

async function reportOf(process: PageProcess<RunQuestion, unknown>): Promise<RunReport> {
  return (await process.ask({ report: true })) as RunReport;
}

test.each(faces)(
  '%s: a run whose process was killed during the pause is answered by another, once, on one SQLite file',
  async (face) => {
    const { calendar, start, consent } = await openProcesses(face);
    const first = await start();
    const script = [[{ call: 'note' }, ask], [{ call: 'calendar__list_events' }]];
    const begun = await first.ask({ start: { user: 'alice', script, metadata: { thread: 't1' } } });
    expect(begun).toEqual({ waiting: expect.any(String) });
    const { told } = await reportOf(first);
    await first.kill();

    const others = [await start(), await start()];
    await consent(told[0]!.challenge.url);
    const answers = async () =>
      (await Promise.all(others.map(async (other) => (await reportOf(other)).answers))).flat();
    await vi.waitFor(async () => expect(await answers()).toHaveLength(1), patience);
    expect(await answers()).toMatchObject([{ contextId: 'alice', metadata: { thread: 't1' } }]);
    expect((await answers())[0]!.text).toMatch(/noted 1[^]*Alice: dentist/u);
    expect(calendar.counters.calls['list_events']).toBe(1);
  },
);

test.each(faces)(
  '%s: a call whose process was killed while it was made is not made again, and the model is told that nobody knows',
  async (face) => {
    const { reached, start, consent } = await openProcesses(face);
    const first = await start();
    const slow = { call: 'calendar__slow' };
    const script = [[ask], [slow], [slow]];
    await first.ask({ start: { user: 'alice', script, metadata: {} } });
    await consent((await reportOf(first)).told[0]!.challenge.url);
    // The second link is for what the tool needs besides.
    await vi.waitFor(async () => expect((await reportOf(first)).told).toHaveLength(2), patience);
    await consent((await reportOf(first)).told[1]!.challenge.url);
    await vi.waitFor(() => expect(reached()).toBe(1), patience);
    await first.kill();

    const second = await start();
    await vi.waitFor(async () => expect((await reportOf(second)).answers).toHaveLength(1), patience);
    expect((await reportOf(second)).answers[0]!.text).toContain(
      'not known whether this call was carried out',
    );
    expect(reached()).toBe(1);
  },
  120_000,
);
