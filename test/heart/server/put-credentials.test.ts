import type { CallToolResult } from '@modelcontextprotocol/client';
import { describe, expect, test } from 'vitest';
import { Continuations, createNamespace, MemoryBackend, type StorageBackend } from '../../../src/kernel.ts';
import { PendingManager, type FormValues, type NamedFlow, type ToolContext } from '../../../src/oob/index.ts';
import { openFlowStage, planFor, redirectFlow } from '../../support/flow-stage.ts';
import { namespaces } from '../../support/process-world.ts';
import { until } from '../../support/tool-stage.ts';
import { isGood, passwordFlow } from './form-stage.ts';
import { openMcpStage } from './mcp-stage.ts';

const resource = 'calendar.example';

describe('a credential that the host writes itself', () => {
  test('reaches all who wait for it, in every process, and the link says that it is done (issue 8.22)', async () => {
    const stage = await openFlowStage({ processes: 2 });
    const flow = passwordFlow(stage);
    const principal = await stage.principal('alice');
    const { url } = await stage.linkOf('alice', flow);
    const waiting = stage.oobs.map(({ credentials }) =>
      credentials.acquire(principal, { resource, flow }, { waitMs: 15_000 }),
    );
    const all = Promise.all(waiting);
    all.catch(() => {});
    await stage.oob.credentials.put(principal, { resource, flow }, { password: 'by the host' });
    expect(await all).toEqual([{ password: 'by the host' }, { password: 'by the host' }]);
    const page = await (await stage.host.openBrowser('alice')).open(url);
    expect([page.status, isGood(page)]).toEqual([200, true]);
    expect(await stage.oob.credentials.findInteraction(principal, resource)).toBeUndefined();
  });

  test.each(['withdraw', 'decline'] as const)(
    'is kept, although who waited for it has given up in the same moment by a %s (issue 8.22)',
    async (how) => {
      const stage = await openFlowStage();
      const flow = passwordFlow(stage);
      const principal = await stage.principal('alice');
      const { url } = await stage.linkOf('alice', flow);
      const browser = await stage.host.openBrowser('alice');
      await browser.open(url);
      const giveUp = {
        withdraw: () => stage.oob.credentials.withdraw(principal, resource),
        decline: () => browser.submit({}, 'decline'),
      };
      let isFirst = true;
      stage.storage.fault = async ({ operation, on }) => {
        if (!isFirst || operation !== 'commit' || !on.includes('credential')) return undefined;
        isFirst = false;
        await giveUp[how]();
        return undefined;
      };
      await stage.oob.credentials.put(principal, { resource, flow }, { password: 'by the host' });
      expect(isFirst).toBe(false);
      expect(await stage.oob.credentials.acquire(principal, { resource, flow })).toEqual({
        password: 'by the host',
      });
    },
  );

  test('of another account than the one before is the host’s to write, and is not revoked', async () => {
    const stage = await openFlowStage();
    const flow = redirectFlow(stage);
    const principal = await stage.principal('alice');
    const { client } = planFor(stage.as, 'https://app.example/callback');
    const { issuer, origin } = stage.as;
    const grantOf = (subject: string) => ({
      accessToken: `token of ${subject}`,
      tokenType: 'bearer',
      subject,
      issuer,
      client,
      resource,
      tokenEndpoint: `${origin}/token`,
      revocationEndpoint: `${origin}/revoke`,
      obtainedAtMs: Date.now(),
    });
    await stage.oob.credentials.put(principal, { resource, flow }, grantOf('alice'));
    await stage.linkOf('alice', flow, { scopes: ['more'] });
    const more = { resource, flow, scopes: ['more'] };
    await stage.oob.credentials.put(principal, more, grantOf('alice-at-work'));
    expect(await stage.oob.credentials.acquire(principal, more)).toMatchObject({ subject: 'alice-at-work' });
    expect(stage.as.count('revoke')).toBe(0);
  });

  test('is there for the next who asks, under its own alias only (issue 8.22)', async () => {
    const stage = await openFlowStage();
    const flow = passwordFlow(stage);
    const principal = await stage.principal('alice');
    const { credentials } = stage.oob;
    const work = { resource, flow, alias: 'work', scopes: ['read'] };
    await credentials.put(principal, work, { password: 'by the host' });
    expect(await credentials.acquire(principal, work)).toEqual({ password: 'by the host' });
    expect(await credentials.list(principal)).toMatchObject([{ resource, alias: 'work', scopes: ['read'] }]);
  });

  test('that covers less than what is waited for is not given to who waits for more (issue 8.22)', async () => {
    const stage = await openFlowStage();
    const flow = passwordFlow(stage);
    const principal = await stage.principal('alice');
    const more = { resource, flow, scopes: ['read', 'write'] };
    const { pendingId } = await stage.linkOf('alice', flow, more);
    const less = { resource, flow, scopes: ['read'] };
    await stage.oob.credentials.put(principal, less, { password: 'x' });
    // They are still asked by the link they have; who needs no more is served.
    expect((await stage.linkOf('alice', flow, more)).pendingId).toBe(pendingId);
    expect(await stage.oob.credentials.acquire(principal, less)).toEqual({ password: 'x' });
  });

  test('ends the wait of a tool call in a session (issue 8.22)', async () => {
    let flow: NamedFlow<FormValues> | undefined;
    const { stage, connect } = await openMcpStage((server, { oob }, login) => {
      flow = login;
      const handler = async (_args: unknown, { credential }: ToolContext): Promise<CallToolResult> => {
        const { password } = await credential({ resource, flow: login });
        return { content: [{ type: 'text', text: `with ${String(password)}` }] };
      };
      server.registerTool('need', {}, oob.tool(handler));
    });
    const { client, prompts } = await connect('session');
    const call = client.callTool({ name: 'need' });
    call.catch(() => {});
    await until(() => prompts[0]);
    const principal = await stage.principal('alice');
    await stage.oob.credentials.put(principal, { resource, flow: flow! }, { password: 'by the host' });
    expect((await call).content).toEqual([{ type: 'text', text: 'with by the host' }]);
  });
});

describe('a parked call', () => {
  const alice = createNamespace('user', 'alice');

  /** How many calls run within a moment, of those that were announced: nothing sweeps. */
  async function runsAfter(
    storage: StorageBackend,
    pendingId: string,
    end: () => Promise<unknown>,
  ): Promise<number> {
    const continuations = new Continuations({ storage });
    continuations.register('call', { resume: async () => {} });
    await continuations.park(alice, { handler: 'call', payload: {}, waitingFor: pendingId });
    await end();
    let runs = 0;
    for (let tries = 0; tries < 100 && runs === 0; tries++) {
      runs = await continuations.runDue({ sweep: false });
      if (runs === 0) await new Promise((resolve) => setTimeout(resolve, 10));
    }
    return runs;
  }

  test.each(['complete', 'cancel'] as const)(
    'goes on at once when its pending was ended by %s, without a sweep (issue 8.22)',
    async (how) => {
      const storage = new MemoryBackend();
      const manager = new PendingManager({
        storage,
        namespaces,
        linkFor: (id) => `https://app.example/approve/${id}`,
      });
      const { id } = await manager.create({ token: 'alice' }, { kind: 'approval', data: undefined });
      expect(await runsAfter(storage, id, () => manager[how](id))).toBe(1);
    },
  );

  test.each(['save', 'decline'] as const)(
    'goes on at once when the button %s was pressed on the page of its link, without a sweep (issue 8.22)',
    async (button) => {
      const stage = await openFlowStage();
      const { url, pendingId } = await stage.linkOf('alice', passwordFlow(stage));
      const browser = await stage.host.openBrowser('alice');
      await browser.open(url);
      const press = () => browser.submit({ password: 'x' }, button);
      expect(await runsAfter(stage.storage, pendingId, press)).toBe(1);
    },
  );
});
