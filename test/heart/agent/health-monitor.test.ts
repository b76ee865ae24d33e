import { expect, onTestFinished, test } from 'vitest';
import { Client, LocalAuthCoordinator, type ServerConfigs } from '../../../src/client/index.ts';
import { MemoryBackend, silentLogger } from '../../../src/index.ts';
import { startMortalMcpServer } from '../../support/mortal-mcp-server.ts';
import { FaultProxy } from '../../support/fault-proxy.ts';
import { createSteppedClock, type SteppedClock } from '../../support/stepped-clock.ts';
import { openStage, withParams } from '../../support/stage.ts';
import { walkToCallback } from '../walk.ts';

function openClient(servers: ServerConfigs): { client: Client; time: SteppedClock } {
  const time = createSteppedClock();
  const coordinator = new LocalAuthCoordinator({ storage: new MemoryBackend(), logger: silentLogger });
  const client = new Client(servers, { coordinator, clock: time.clock, connectTimeoutMs: 5_000 });
  onTestFinished(() => client.close());
  return { client, time };
}

const names = (sessions: readonly { readonly server: string }[]): string[] =>
  sessions.map(({ server }) => server).toSorted();

test('a monitor finds who does not answer any more, and connects to them again when they are back', async () => {
  const [steady, shaky] = [await startMortalMcpServer(), await startMortalMcpServer()];
  const proxy = await FaultProxy.open({ port: Number(new URL(shaky.url).port) });
  onTestFinished(() => proxy.close());
  const { client, time } = openClient({
    steady: { url: steady.url },
    shaky: { url: `http://127.0.0.1:${proxy.port}/mcp` },
  });
  await client.connect();
  const monitor = client.monitor({ everyMs: 60_000, timeoutMs: 1_000 });
  onTestFinished(() => monitor.stop());
  const look = async (): Promise<string[][]> => {
    const { healthy, reconnected, failed } = await monitor.check();
    return [names(healthy), names(reconnected), names(failed)];
  };
  expect(await look()).toEqual([['shaky', 'steady'], [], []]);
  proxy.refuse();
  expect(await look()).toEqual([['steady'], [], ['shaky']]);
  expect(client.session('shaky').status).toBe('SERVER_UNREACHABLE');
  proxy.pass();
  // Not at once again: a server that is down is not helped by being asked.
  expect(await look()).toEqual([['steady'], [], ['shaky']]);
  time.advance(60_000);
  expect(await look()).toEqual([['steady'], ['shaky'], []]);
  expect(await look()).toEqual([['shaky', 'steady'], [], []]);
});

test('a server that stays away is tried ever more seldom, and at least every ten minutes', async () => {
  const server = await startMortalMcpServer();
  await server.die();
  const { client, time } = openClient({ server: { url: server.url } });
  let tries = 0;
  const session = client.session('server');
  const connect = session.connect.bind(session);
  session.connect = (options) => {
    tries++;
    return connect(options);
  };
  await session.connect();
  tries = 0;
  const monitor = client.monitor({ everyMs: 60_000 });
  onTestFinished(() => monitor.stop());
  const minutes: number[] = [];
  for (let minute = 0; minute <= 40; minute++) {
    const before = tries;
    await monitor.check();
    if (tries > before) minutes.push(minute);
    time.advance(60_000);
  }
  expect(minutes).toEqual([0, 1, 3, 7, 15, 25, 35]);
});

test('a monitor asks nobody to sign in: who declined, and who has still to, is left alone', async () => {
  const stage = await openStage();
  const client = await stage.manager.getClient('alice');
  await client.connect();
  const monitor = client.monitor();
  onTestFinished(() => monitor.stop());
  await monitor.check();
  expect(client.session('calendar').status).toBe('AUTH_PENDING');
  const browser = await stage.host.openBrowser('alice');
  const callback = await walkToCallback(browser, (await stage.linkOf('alice')).url);
  await browser.open(withParams(callback, { code: undefined, error: 'access_denied' }));
  await expect.poll(() => client.session('calendar').status).toBe('AUTH_FAILED');
  // Long after the decline, when a connect() would ask again.
  stage.time.advance(10 * 60_000);
  const { failed } = await monitor.check();
  expect([names(failed), client.session('calendar').status]).toEqual([['calendar'], 'AUTH_FAILED']);
  expect(await client.getAuthChallenges()).toEqual([]);
});

test('who disconnected stays disconnected, and a monitor that was stopped looks no more', async () => {
  const server = await startMortalMcpServer();
  const { client } = openClient({ server: { url: server.url } });
  await client.connect();
  const monitor = client.monitor();
  await client.disconnect();
  expect(await monitor.check()).toEqual({ healthy: [], reconnected: [], failed: [] });
  expect(client.session('server').status).toBe('DISCONNECTED');
  await monitor.stop();
});
