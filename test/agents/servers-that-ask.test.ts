import { expect, test, vi } from 'vitest';
import type { SignInRequest } from '../../src/agents/index.ts';
import { openPair, theirLink } from '../heart/agent/asking-pair.ts';
import { scriptedRuns } from './scripted-agent.ts';

const query = { call: 'queries__run_query', args: { connection: 'db' } };
const patience = { timeout: 30_000 };

test.each(['says so on our page', 'tells nobody but the server'])(
  'a call waits for a person whom its server asks at a link of its own, who %s, and is made once',
  async (how) => {
    const pair = await openPair('stateless', undefined, { sweepMs: 100, tryMs: 100 });
    const told: SignInRequest[] = [];
    const answers: (readonly string[])[] = [];
    const runs = scriptedRuns(pair.manager, {
      tell: (request) => void told.push(request),
      onAnswer: ({ answer }) => void answers.push(answer),
    });
    const started = await runs.start('alice', [query, query]);
    expect(started).toMatchObject({ status: 'waiting', waitsFor: [{ challenge: { kind: 'elicitation' } }] });
    expect(told).toMatchObject([{ service: 'queries' }]);
    await pair.server.finish(await theirLink(pair));
    if (how === 'says so on our page') {
      const browser = await pair.host.openBrowser('alice');
      await browser.open(told[0]!.challenge.url);
      expect((await browser.submit({}, 'done')).status).toBe(200);
    }
    await pair.manager.start();
    await vi.waitFor(() => expect(answers).toHaveLength(1), patience);
    expect(answers[0]).toEqual([
      expect.stringContaining('Call "queries__run_query" again'),
      'run_query at db as alice/db-alice',
    ]);
    expect(pair.server.effects).toHaveLength(1);
  },
);
