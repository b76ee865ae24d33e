import type { CallToolResult, InputRequiredResult } from '@modelcontextprotocol/client';
import { describe, expect, test } from 'vitest';
import type { ClientManager } from '../../src/client/index.ts';
import type { StorageBackend } from '../../src/storage/contract.ts';
import { storedByLayer } from '../../scripts/storage-schema-page.ts';
import { MemoryBackend } from '../../src/storage/memory-backend.ts';
import { walk } from '../heart/walk.ts';
import { losableStore, tableOf, type LosableStore } from '../support/key-loss.ts';
import { callbackOf, challengeOf, codeOn, openStage } from '../support/stage.ts';
import { openToolStage, textOf, type ToolClient, type ToolStage } from '../support/tool-stage.ts';

const query = { connection: 'warehouse' };

/** What one person of a server meets after a key was lost: who is asked for something that they had given, or were asked for. */
interface OnServer {
  /** Alice had given her password. */
  readonly alice: 'served' | 'asked anew';
  /** Bob was waited for, at a link. */
  readonly bob: 'at his link' | 'at another link';
}

const onServer: Readonly<Record<string, OnServer>> = {
  everything: { alice: 'asked anew', bob: 'at another link' },
  credential: { alice: 'asked anew', bob: 'at his link' },
  'app:request-state-key': { alice: 'served', bob: 'at his link' },
  pending: { alice: 'served', bob: 'at another link' },
  slot: { alice: 'served', bob: 'at another link' },
  route: { alice: 'served', bob: 'at his link' },
  'app:live-interaction': { alice: 'served', bob: 'at his link' },
  attempts: { alice: 'served', bob: 'at his link' },
  'ending-form': { alice: 'served', bob: 'at his link' },
  declined: { alice: 'served', bob: 'at his link' },
  forgotten: { alice: 'served', bob: 'at his link' },
  asking: { alice: 'served', bob: 'at his link' },
  'used-request-state': { alice: 'served', bob: 'at his link' },
};

const answered = { 'credential-1': { action: 'accept' } };

function linkOf({ inputRequests = {} }: InputRequiredResult): string {
  return (inputRequests['credential-1'] as { params: { url: string } }).params.url;
}

/** One request of the protocol, with no help of the client's. */
function send(
  client: ToolClient['client'],
  more: object = {},
): Promise<CallToolResult | InputRequiredResult> {
  const params = { name: 'run_query', arguments: query, ...more };
  return client.callTool(params, { allowInputRequired: true });
}

/** One call, as a program makes it that knows nothing of what was before: asked once at most. */
async function call(stage: ToolStage, { client }: ToolClient, user: string): Promise<string[]> {
  const links: string[] = [];
  let more = {};
  for (let rounds = 0; rounds < 4; rounds++) {
    const result = await send(client, more);
    if (!('inputRequests' in result)) {
      expect(textOf(result as CallToolResult)).toBe(`run_query at warehouse as ${user}/db-${user}`);
      return links;
    }
    const { requestState } = result as InputRequiredResult;
    const url = linkOf(result as InputRequiredResult);
    links.push(url);
    await stage.finish(url, user);
    more = { requestState, inputResponses: answered };
  }
  throw new Error('the call did not come to an end');
}

describe('a server that has lost the key of', () => {
  test.each(Object.entries(onServer))('%s goes on, for new people and for old', async (table, expected) => {
    const store = losableStore(new MemoryBackend());
    const stage = await openToolStage({ oob: { storage: store.storage }, tool: { waitMs: 0 } });
    const as = (user: string) => stage.connect('modern', { user });
    await call(stage, await as('alice'), 'alice');
    const bob = await as('bob');
    const asked = (await send(bob.client)) as InputRequiredResult;
    const link = linkOf(asked);

    await store.lose(table);
    await stage.restart();
    expect(await call(stage, await as('carol'), 'carol')).toHaveLength(1);
    expect((await call(stage, await as('alice'), 'alice')).length > 0 ? 'asked anew' : 'served').toBe(
      expected.alice,
    );
    // What he held from before is refused at worst, and never again once he has called anew.
    const held = { requestState: asked.requestState, inputResponses: answered };
    const retried = await send(bob.client, held).catch((error: unknown) => error);
    expect(JSON.stringify(retried)).not.toContain('KEY_UNAVAILABLE');
    expect(await call(stage, await as('bob'), 'bob')).toEqual([
      expected.bob === 'at his link' ? link : expect.not.stringMatching(link),
    ]);
    // And all are served from then on.
    for (const user of ['alice', 'bob', 'carol']) expect(await call(stage, await as(user), user)).toEqual([]);
    for (const line of stage.logger.lines.filter((each) => each.includes('KEY_UNAVAILABLE')))
      expect(line).toMatch(/"table":"[\w-]+","sealedWith":"before"/u);
  });
});

/** What one context of an agent meets after a key was lost. */
interface OfAgent {
  /** Alice had signed in. */
  readonly alice: 'served' | 'asked anew';
  /** Bob had been sent out, and comes back from the authorization server. */
  readonly bob: 'signed in' | 'told that his link is unknown';
}

const ofAgent: Readonly<Record<string, OfAgent>> = {
  everything: { alice: 'asked anew', bob: 'told that his link is unknown' },
  credential: { alice: 'asked anew', bob: 'signed in' },
  pending: { alice: 'served', bob: 'told that his link is unknown' },
  slot: { alice: 'served', bob: 'signed in' },
  route: { alice: 'served', bob: 'told that his link is unknown' },
  attempt: { alice: 'served', bob: 'told that his link is unknown' },
  attempts: { alice: 'served', bob: 'signed in' },
  'app:registration': { alice: 'served', bob: 'signed in' },
  'app:client-issuer': { alice: 'served', bob: 'signed in' },
  'app:live-interaction': { alice: 'served', bob: 'signed in' },
};

describe('an agent that has lost the key of', () => {
  test.each(Object.entries(ofAgent))('%s goes on, for new people and for old', async (table, expected) => {
    let store: LosableStore | undefined;
    const around = (storage: StorageBackend) => (store ??= losableStore(storage)).storage;
    const stage = await openStage({ hosts: 2, around });
    const [before, afterwards] = stage.managers as [ClientManager, ClientManager];
    await stage.signIn('alice');
    const { url } = await challengeOf((await before.getClient('bob')).callTool('whoami'));
    const bob = await stage.host.openBrowser('bob');
    stage.as.approveAs('bob');
    const back = await callbackOf(bob, url);

    await before.close();
    await store!.lose(table);
    const whoami = async (context: string) =>
      textOf(await (await afterwards.getClient(context)).callTool('whoami'));
    const signIn = async (context: string): Promise<void> => {
      const { url: link } = await challengeOf(whoami(context));
      stage.as.approveAs(context);
      const page = await walk(await stage.host.openBrowser(context), link);
      expect(page.status).toBe(200);
      await expect.poll(() => whoami(context), { timeout: 20_000 }).toContain(context);
    };
    await signIn('carol');
    if (expected.alice === 'asked anew') await signIn('alice');
    expect(await whoami('alice')).toContain('alice');
    const page = await bob.open(back.href);
    if (expected.bob === 'signed in') expect(page.status).toBe(200);
    else {
      expect(codeOn(page)).toBe('ERR_POSTERN_AUTH_STATE_UNKNOWN');
      await signIn('bob');
    }
    expect(await whoami('bob')).toContain('bob');
    for (const line of stage.logger.lines.filter((each) => each.includes('KEY_UNAVAILABLE')))
      expect(line).toMatch(/"table":"[\w-]+","sealedWith":"before"/u);
  });
});

/** What no table above loses, and why. */
const elsewhere: Readonly<Record<string, string>> = {
  'app:browser-sign-in': 'test/browser-sign-in/browser-sign-in.test.ts',
  'app:sealed-with': 'src/storage/check-storage.test.ts',
  'app:machine': 'src/interaction/this-machine/machine-record.test.ts',
  'resume:waiting': 'test/kernel, and src/resume/unreadable-requests.test.ts: set aside and said',
  'resume:ready': 'as above',
  continuation: 'as above',
  'token-subject': 'src/namespace/token-hash.test.ts',
  'renewal-failed': 'read as none: src/interaction/credentials/renewal-failures.ts',
  'app:document-refused': 'read as none, a day old at most',
  'app:discovery': 'read as none, and found out anew',
  retired: 'read by a sweep, which goes on: src/interaction/credentials/retirements.test.ts',
  'app:retired': 'as above',
  label: 'left out of a list, and said',
  person: 'left out of a list, and said',
  prompted: 'read as none: the link is shown once more',
  'default-account': 'read as none: the first account is the default',
  'link-owner': 'test/heart/this-machine.test.ts',
  catalogue: 'read as none, and said: src/bridge/catalogue.ts',
  'agent-run': 'tried again, then given up and told: test/agents/lost-key.test.ts',
  'agent-run-part': 'as above',
  'agent-call': 'counts as made, with nobody knowing how: test/agents/lost-key.test.ts',
  'agent-running': 'a lease, over within seconds',
  'agent-calling': 'a lease, over within seconds',
  claim: 'a lease, over within seconds',
  trying: 'a lease, over within a minute',
  renewing: 'a lease, over within seconds',
  watch: 'a lease, over within seconds',
};

test('every kind of record that is kept is in a table of what its loss costs', () => {
  const known = new Set([...Object.keys(onServer), ...Object.keys(ofAgent), ...Object.keys(elsewhere)]);
  const kept = Object.values(storedByLayer)
    .flat()
    .map(({ key }) => tableOf(key.split(':')));
  expect([...new Set(kept)].filter((table) => !known.has(table))).toEqual([]);
});
