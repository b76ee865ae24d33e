/** One process of an agent host that calls a server that asks for a person at a link of its own; it parks calls, and resumes them. */
import {
  ClientManager,
  findAuthorizationRequired,
  RemoteAuthCoordinator,
} from '../../../src/client/index.ts';
import { openLocalStorage } from '../../../src/storage/local.ts';
import { answerParent } from '../../support/answer-parent.ts';
import { userOf } from '../../support/page-host.ts';
import { runQuery } from './asking-call.ts';

/** `park`: makes the call, and parks it. `work`: resumes what is parked, from now on. */
export type AskingQuestion = 'park' | 'work';

const [directory = '', publicUrl = '', mcpUrl = '', era = ''] = process.argv.slice(2);

const coordinator = new RemoteAuthCoordinator({
  storage: openLocalStorage(directory),
  publicUrl,
  verifyUser: userOf,
  resume: { sweepMs: 100, tryMs: 200 },
});
const isModern = era === 'modern';
const manager = new ClientManager(
  { queries: { url: mcpUrl, headers: { authorization: 'Bearer alice' } } },
  {
    coordinator,
    versionNegotiation: isModern ? { pin: '2026-07-28' } : 'legacy',
    ...(isModern && { handlers: { elicitation: () => ({ action: 'accept' as const }) } }),
  },
);
const place = manager.continuation('later', async ({ client }) => void (await runQuery(client)));

/** Answers with the link that the call needs. */
async function park(): Promise<string> {
  const client = await manager.getClient('alice');
  const error: unknown = await runQuery(client).then(
    () => new Error('the call went through'),
    (reason: unknown) => reason,
  );
  await place.park(error, {});
  return findAuthorizationRequired(error)?.challenge.url ?? '';
}

await answerParent(coordinator.fetch, async (question: AskingQuestion): Promise<string> => {
  if (question === 'park') return park();
  await manager.start();
  return '';
});
