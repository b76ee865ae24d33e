/** One process of a server that parks reports until their person has given a password, and writes each that it makes to a log. */
import { appendFileSync } from 'node:fs';
import { Oob, findInteractionRequired, secretForm } from '../../src/oob/index.ts';
import { openLocalStorage } from '../../src/storage/local.ts';
import { answerParent } from './answer-parent.ts';
import { userOf } from './page-host.ts';
import { namespaces } from './process-world.ts';

export type ReportQuestion =
  | { readonly park: string; readonly user: string }
  /** `hang`: a report that was begun never ends. */
  | { readonly start: 'go' | 'hang' };

/** One report, as it stands in the log. */
export interface Reported {
  readonly key: string;
  readonly attempt: number;
  readonly user: string;
  readonly text: string;
  readonly password?: string;
  readonly code?: string;
  readonly pid: number;
}

const [directory = '', publicUrl = '', log = ''] = process.argv.slice(2);
let hangs = false;

const oob = new Oob({
  storage: openLocalStorage(directory),
  namespaces,
  publicUrl,
  verifyUser: userOf,
  resume: { claimMs: 1_000, sweepMs: 200, readyMs: 100 },
});
const login = oob.flow(
  'login',
  secretForm({
    type: 'object',
    properties: { password: { type: 'string', writeOnly: true } },
    required: ['password'],
  } as const),
);
const request = { resource: 'db.example', flow: login };

const write = (line: Omit<Reported, 'pid'>): void =>
  appendFileSync(log, `${JSON.stringify({ ...line, pid: process.pid })}\n`);

const reports = oob.continuation<{ text: string }>(
  'report',
  async ({ principal, payload, idempotencyKey: key, attempt }) => {
    const { password } = await oob.credentials.acquire(principal, request);
    write({ key, attempt, user: principal.initiator, text: payload.text, password });
    if (hangs) await new Promise(() => {});
  },
  {
    abandon: async ({ principal, payload, idempotencyKey: key, attempt }, code) =>
      write({ key, attempt, user: principal.initiator, text: payload.text, code }),
  },
);

await answerParent(oob.fetch, async (question: ReportQuestion) => {
  if ('start' in question) {
    hangs = question.start === 'hang';
    await oob.start();
    return process.pid;
  }
  const error: unknown = await oob.credentials
    .acquire(await oob.principal({ token: question.user }), request)
    .catch((reason: unknown) => reason);
  await reports.park(error, { text: question.park });
  return findInteractionRequired(error)?.interaction.url;
});
