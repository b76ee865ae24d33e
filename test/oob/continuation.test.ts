import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { createNamespace, MemoryBackend, silentLogger } from '../../src/index.ts';
import { Oob, findInteractionRequired, secretForm, type ResumedRequest } from '../../src/oob/index.ts';
import { openPageHost, type PageHost } from '../support/page-host.ts';
import { startPageProcess, type PageProcess } from '../support/page-process.ts';
import type { Reported, ReportQuestion } from '../support/report-process.ts';
import { createSteppedClock } from '../support/stepped-clock.ts';

type ReportProcess = PageProcess<ReportQuestion, string>;

interface World {
  readonly host: PageHost;
  readonly startProcess: () => Promise<ReportProcess>;
  /** What was made, in order. */
  readonly reported: () => Reported[];
}

async function openWorld(): Promise<World> {
  const directory = mkdtempSync(join(tmpdir(), 'postern-report-'));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  const host = await openPageHost();
  onTestFinished(() => host.close());
  const log = join(directory, 'reports.log');
  const program = new URL('../support/report-process.ts', import.meta.url);
  return {
    host,
    startProcess: () => startPageProcess(program, [join(directory, 'store'), host.publicUrl, log], host),
    reported: () => {
      try {
        const lines = readFileSync(log, 'utf8').trim().split('\n');
        return lines.map((line) => JSON.parse(line) as Reported);
      } catch {
        return [];
      }
    },
  };
}

async function give(host: PageHost, link: string, password: string): Promise<void> {
  const browser = await host.openBrowser('alice');
  await browser.open(link);
  await browser.submit({ password }, 'save');
}

test('a request whose process was killed goes on in another, once, for whom it was parked', async () => {
  const { host, startProcess, reported } = await openWorld();
  const first = await startProcess();
  const link = await first.ask({ park: 'sales', user: 'alice' });
  await first.kill();
  const second = await startProcess();
  await second.ask({ start: 'go' });
  await give(host, link, 'CNRYzsecretz-hunter2');
  await expect.poll(reported, { timeout: 20_000 }).toEqual([
    {
      key: expect.any(String),
      attempt: 1,
      user: 'alice',
      text: 'sales',
      password: 'CNRYzsecretz-hunter2',
      pid: expect.any(Number),
    },
  ]);
}, 60_000);

test('a process that is killed in the midst of a request leaves it to another, under the same key', async () => {
  const { host, startProcess, reported } = await openWorld();
  const first = await startProcess();
  await first.ask({ start: 'hang' });
  await give(host, await first.ask({ park: 'sales', user: 'alice' }), 'CNRYzsecretz-hunter2');
  await expect.poll(() => reported().length, { timeout: 20_000 }).toBe(1);
  await first.kill();
  const second = await startProcess();
  await second.ask({ start: 'go' });
  await expect.poll(() => reported().length, { timeout: 20_000 }).toBe(2);
  const [begun, again] = reported();
  expect([again?.key, again?.attempt]).toEqual([begun?.key, 2]);
  expect(again?.pid).not.toBe(begun?.pid);
}, 60_000);

const form = {
  type: 'object',
  properties: { password: { type: 'string', writeOnly: true } },
  required: ['password'],
} as const;
const alice = { token: 'alice' };

/** A server in this process, whose clock can be set forward. */
function open(): { oob: Oob; advance: (ms: number) => void } {
  const time = createSteppedClock();
  const oob = new Oob({
    storage: new MemoryBackend(time),
    namespaces: { resolve: async ({ token = '' }) => createNamespace('user', token) },
    initiatorOf: ({ id }) => `person ${id}`,
    publicUrl: 'https://app.example/oob',
    verifyUser: () => undefined,
    clock: time.clock,
    logger: silentLogger,
  });
  onTestFinished(() => oob.close());
  return { oob, advance: (ms) => time.advance(ms) };
}

test('a request that needs its person a second time is parked again, and that is no failure', async () => {
  const { oob } = open();
  const flow = oob.flow('login', secretForm(form));
  const principal = await oob.principal(alice);
  const seen: ResumedRequest<string>[] = [];
  const reports = oob.continuation<string>('report', async (request) => {
    seen.push(request);
    await oob.credentials.acquire(request.principal, { resource: 'one', flow });
    await oob.credentials.acquire(request.principal, { resource: 'two', flow });
  });
  const error: unknown = await oob.credentials
    .acquire(principal, { resource: 'one', flow })
    .catch((reason: unknown) => reason);
  await reports.park(error, 'sales');
  expect(await oob.runDue()).toBe(0);
  await oob.credentials.put(principal, { resource: 'one', flow }, { password: 'x' });
  expect(await oob.runDue()).toBe(1);
  expect(await oob.runDue()).toBe(0);
  await oob.credentials.put(principal, { resource: 'two', flow }, { password: 'y' });
  expect(await oob.runDue()).toBe(1);
  expect(seen.map(({ attempt, payload }) => [attempt, payload])).toEqual([
    [1, 'sales'],
    [1, 'sales'],
  ]);
  expect(seen[0]?.principal).toMatchObject({ initiator: 'person alice', namespace: { id: 'alice' } });
});

test('a request is parked on a pending of one’s own, and abandoned with the code of its end', async () => {
  const { oob, advance } = open();
  const abandoned: unknown[] = [];
  const jobs = oob.continuation<{ n: number }>('job', async () => {}, {
    abandon: async ({ payload }, code) => void abandoned.push([payload.n, code]),
  });
  const spec = { kind: 'approval', data: {} };
  const { pending: cancelled } = await oob.pendings.create(alice, spec);
  const { pending: late } = await oob.pendings.create(alice, spec);
  await jobs.park(cancelled, { n: 1 });
  await jobs.park(late, { n: 2 });
  await oob.pendings.cancel(cancelled.id);
  await oob.runDue();
  advance(11 * 60_000);
  await oob.runDue();
  expect(abandoned).toEqual([
    [1, 'ERR_POSTERN_PENDING_CANCELLED'],
    [2, 'ERR_POSTERN_PENDING_EXPIRED'],
  ]);
});

test('what asks for nobody is thrown as it is, and what waits for what never was is refused', async () => {
  const { oob } = open();
  const jobs = oob.continuation<string>('job', async () => {});
  const failure = new Error('the disk is full');
  await expect(jobs.park(failure, 'x')).rejects.toBe(failure);
  await expect(jobs.park(Object.assign(new Error('theirs'), { id: 'x' }), 'x')).rejects.toThrow('theirs');
  await expect(jobs.park({ id: 'A'.repeat(32) }, 'x')).rejects.toMatchObject({
    code: 'ERR_POSTERN_PENDING_NOT_FOUND',
  });
  expect(findInteractionRequired(failure)).toBeUndefined();
});
