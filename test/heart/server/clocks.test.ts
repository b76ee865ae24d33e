import { describe, expect, onTestFinished, test } from 'vitest';
import { MemoryBackend, type Clock } from '../../../src/index.ts';
import { allowPrivateNetwork, createOAuthHttp } from '../../../src/oauth/index.ts';
import {
  Oob,
  deviceCode,
  oauthRedirect,
  PendingManager,
  type Flow,
  type NamedFlow,
  type OAuthCredential,
} from '../../../src/oob/index.ts';
import { FaultyStorage } from '../../support/faulty-storage.ts';
import { userOf } from '../../support/page-host.ts';
import { consent, openFlowStage, planFor, type FlowStage } from '../../support/flow-stage.ts';
import { namespaces } from '../../support/process-world.ts';
import { openToolStage, until } from '../../support/tool-stage.ts';
import { passwordFlow, requestAs } from './form-stage.ts';

const minuteMs = 60_000;
const resource = 'calendar.example';

/** A store that has a clock of its own, which is right, as a database has. */
function storeWithOwnTime(): FaultyStorage {
  const storage = new FaultyStorage(new MemoryBackend());
  return Object.assign(storage, { now: async (): Promise<number> => Date.now() });
}

interface TwoProcesses {
  readonly stage: FlowStage;
  /** Of another machine, whose clock is wrong. */
  readonly other: Oob;
  readonly otherClock: Clock;
}

async function openTwo(aheadMinutes: number): Promise<TwoProcesses> {
  const storage = storeWithOwnTime();
  const watchLeaseMs = 300;
  const stage = await openFlowStage({ oob: { storage, watchLeaseMs } });
  const otherClock = (): number => Date.now() + aheadMinutes * minuteMs;
  const { publicUrl } = stage.host;
  const other = new Oob({
    storage,
    namespaces,
    publicUrl,
    verifyUser: userOf,
    clock: otherClock,
    watchLeaseMs,
  });
  onTestFinished(() => other.close());
  return { stage, other, otherClock };
}

/** A flow under one name in both processes, each with the clock of its own. */
function registerIn(
  { stage, other, otherClock }: TwoProcesses,
  make: (http: ReturnType<typeof createOAuthHttp>) => Flow<OAuthCredential>,
): { readonly flow: NamedFlow<OAuthCredential>; readonly otherFlow: NamedFlow<OAuthCredential> } {
  return {
    flow: stage.oob.flow('theirs', make(stage.http)),
    otherFlow: other.flow(
      'theirs',
      make(createOAuthHttp({ [allowPrivateNetwork]: true, clock: otherClock })),
    ),
  };
}

describe('a process whose clock is wrong', () => {
  test.each([15, 61, -15, -61])(
    'by %i minutes gives a browser its cookie for as long as the link lives',
    async (minutes) => {
      const { stage, other } = await openTwo(minutes);
      const flow = passwordFlow(stage);
      other.flow('login', flow.flow);
      const { url } = await stage.linkOf('alice', flow);
      const response = await other.fetch(requestAs('alice', url));
      const maxAge = Number(/Max-Age=(?<s>\d+)/u.exec(response.headers.getSetCookie().join())?.groups?.['s']);
      expect(response.status).toBe(200);
      expect(maxAge).toBeGreaterThan(8 * 60);
      expect(maxAge).toBeLessThanOrEqual(10 * 60 + 1);
    },
  );

  /** A device code that is granted at the third poll. */
  function registerDevice(two: TwoProcesses): ReturnType<typeof registerIn> {
    const { as } = two.stage;
    const body = { device_code: 'd', user_code: 'WDJB', expires_in: 600, interval: 0.05 };
    as.on('device', () => ({ body: { ...body, verification_uri: `${as.origin}/enter` } }));
    as.on('token', ({ count }) =>
      count < 3
        ? { status: 400, body: { error: 'authorization_pending' } }
        : { body: { access_token: 'granted', token_type: 'Bearer' } },
    );
    return registerIn(two, (http) => deviceCode({ http, authorize: () => planFor(as, '') }));
  }

  test.each([11, 61])(
    'by %i minutes ahead declares no device code dead that still lives',
    async (minutes) => {
      const two = await openTwo(minutes);
      const { flow, otherFlow } = registerDevice(two);
      await two.stage.linkOf('alice', flow);
      await two.stage.oob.close();
      const principal = await two.stage.principal('alice');
      const { accessToken } = await two.other.credentials.acquire(
        principal,
        { resource, flow: otherFlow },
        { waitMs: 8_000 },
      );
      expect(accessToken).toBe('granted');
    },
  );

  test('ahead takes over the polling for a device code from a process that is gone', async () => {
    const two = await openTwo(15);
    const { flow, otherFlow } = registerDevice(two);
    two.stage.as.on('token', () => ({ status: 400, body: { error: 'authorization_pending' } }));
    const { pendingId } = await two.stage.linkOf('alice', flow);
    const principal = await two.stage.principal('alice');
    const waiting = two.other.credentials.acquire(
      principal,
      { resource, flow: otherFlow },
      { waitMs: 4_000 },
    );
    waiting.catch(() => {});
    await new Promise((resolve) => setTimeout(resolve, 200));
    expect((await two.stage.oob.findPending(pendingId))?.status).toBe('pending');
    await two.stage.oob.close();
    two.stage.as.on('token', () => ({ body: { access_token: 'granted', token_type: 'Bearer' } }));
    expect((await waiting).accessToken).toBe('granted');
  });

  /** How often the store is read in a second and a half. */
  async function readsIn(storage: FaultyStorage, wait: Promise<unknown>): Promise<number> {
    wait.catch(() => {});
    await new Promise((resolve) => setTimeout(resolve, 200));
    let reads = 0;
    storage.fault = ({ operation }) => {
      if (operation === 'get' || operation === 'list') reads++;
      return undefined;
    };
    await new Promise((resolve) => setTimeout(resolve, 1_500));
    return reads;
  }

  test('ahead does not read the store again and again while it waits for a person', async () => {
    const { stage, other } = await openTwo(15);
    const flow = passwordFlow(stage);
    other.flow('login', flow.flow);
    await stage.linkOf('alice', flow);
    const principal = await stage.principal('alice');
    const wait = other.credentials.acquire(principal, { resource, flow }, { waitMs: 2_500 });
    expect(await readsIn(other.storage as FaultyStorage, wait)).toBeLessThan(12);
  });

  test('ahead does not read the store again and again while it waits for a pending of one’s own', async () => {
    const storage = storeWithOwnTime();
    const linkFor = (id: string): string => `https://app.example/approve/${id}`;
    const right = new PendingManager({ storage, namespaces, linkFor });
    const clock = (): number => Date.now() + 15 * minuteMs;
    const ahead = new PendingManager({ storage, namespaces, linkFor, clock });
    const { pending } = await right.create({ token: 'alice' }, { kind: 'approval', data: undefined });
    const wait = ahead.waitFor(pending, { timeoutMs: 2_500 });
    expect(await readsIn(storage, wait)).toBeLessThan(12);
  });

  test('ahead renews no token that is still good', async () => {
    const two = await openTwo(61);
    const { stage, other } = two;
    const { flow, otherFlow } = registerIn(two, (http) =>
      oauthRedirect({ http, authorize: ({ redirectUri }) => planFor(stage.as, redirectUri) }),
    );
    const { url } = await stage.linkOf('alice', flow);
    await consent(await stage.host.openBrowser('alice'), url);
    const principal = await stage.principal('alice');
    const held = await other.credentials.acquire(principal, { resource, flow: otherFlow });
    expect([held.accessToken.length > 0, stage.as.count('refresh')]).toEqual([true, 0]);
  });
});

describe('a server whose clock was set forward while a person was asked', () => {
  test('takes the request state of a link that still lives', async () => {
    let aheadMs = 0;
    const stage = await openToolStage({
      oob: { storage: storeWithOwnTime(), clock: () => Date.now() + aheadMs },
    });
    const client = await stage.connect('modern', {
      answer: async ({ url }) => {
        await stage.finish(url);
        aheadMs = 16 * minuteMs;
        return 'accept';
      },
    });
    const result = await client.call('run_query', { connection: 'warehouse' });
    expect(result.content).toEqual([{ type: 'text', text: 'run_query at warehouse as alice/db-alice' }]);
  });

  test('announces the completion of a prompt after its call', async () => {
    const stage = await openToolStage({
      passServer: true,
      tool: { sessionWaitMs: 300 },
      oob: { storage: storeWithOwnTime(), clock: () => Date.now() + 15 * minuteMs },
    });
    const client = await stage.connect('session');
    await client.call('run_query', { connection: 'warehouse' });
    await stage.finish(client.prompts[0]?.url ?? '');
    await until(() => client.completed.length > 0);
    expect(client.completed).toEqual([client.prompts[0]?.elicitationId]);
  });
});
