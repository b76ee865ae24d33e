import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { ColdStart } from './cold-open-worker.ts';

const rounds = 150;
let root: string;
let openers: ChildProcess[];

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'postern-cold-'));
  openers = Array.from({ length: 4 }, () =>
    fork(join(import.meta.dirname, 'cold-open-worker.ts'), {
      execArgv: ['--disable-warning=ExperimentalWarning'],
    }),
  );
  await Promise.all(openers.map((opener) => once(opener, 'message')));
});

afterAll(async () => {
  for (const opener of openers) opener.kill('SIGKILL');
  await rm(root, { recursive: true, force: true });
});

test(`four processes that open a missing store in the same moment all open it, ${rounds} times in a row`, async () => {
  const outcomes = new Map<string, number>();
  for (let round = 0; round < rounds; round++) {
    const start: ColdStart = { directory: join(root, String(round)), atMs: Date.now() + 4 };
    const said = await Promise.all(
      openers.map(async (opener) => {
        const answer = once(opener, 'message');
        opener.send(start);
        return String((await answer)[0]);
      }),
    );
    for (const outcome of said) outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
  }
  expect(Object.fromEntries(outcomes)).toEqual({ opened: rounds * openers.length });
});
