import { expect, onTestFinished, test } from 'vitest';
import { Client, LocalAuthCoordinator } from '../../../src/client/index.ts';
import { MemoryBackend, silentLogger } from '../../../src/index.ts';
import { startMortalMcpServer } from '../../support/mortal-mcp-server.ts';

function openCoordinator(): LocalAuthCoordinator {
  const coordinator = new LocalAuthCoordinator({ storage: new MemoryBackend(), logger: silentLogger });
  onTestFinished(() => coordinator.close());
  return coordinator;
}

test('a context is one for its id, with the metadata that was said last, and knows who has made it', () => {
  const coordinator = openCoordinator();
  const alice = coordinator.createContext('alice', { thread: 1 });
  expect(alice.coordinator).toBe(coordinator);
  expect(coordinator.createContext('alice')).toBe(alice);
  expect(alice.metadata).toEqual({ thread: 1 });
  expect(coordinator.createContext('alice', { thread: 2 }).metadata).toEqual({ thread: 2 });
  expect(alice.metadata).toEqual({ thread: 2 });
  expect(coordinator.createContext('bob')).not.toBe(alice);
  expect(openCoordinator().createContext('alice')).not.toBe(alice);
});

test('a context whose sign-ins are for somebody else to finish is another', () => {
  const coordinator = openCoordinator();
  const [one, other] = ['U1', 'U2'].map((principal) => coordinator.createContext('alice', {}, principal));
  expect([one?.initiator, other?.initiator]).toEqual(['U1', 'U2']);
  expect(coordinator.createContext('alice')).toBe(other);
});

test('of ten thousand others, a context that nobody asks for is let go', () => {
  const coordinator = openCoordinator();
  const alice = coordinator.createContext('alice', 'hers');
  for (let n = 0; n < 10_000; n++) coordinator.createContext(`user ${n}`);
  expect(coordinator.createContext('alice')).not.toBe(alice);
});

test('a client of a context goes by its coordinator, and refuses another', async () => {
  const server = await startMortalMcpServer();
  const coordinator = openCoordinator();
  const context = coordinator.createContext('alice');
  const client = new Client({ server: { url: server.url } }, { context });
  onTestFinished(() => client.disconnect());
  expect([client.coordinator, client.context]).toEqual([coordinator, context]);
  await client.connect();
  expect(client.session('server').isOperational).toBe(true);
  // It was there before the client, and is after it.
  await client.close();
  expect(await coordinator.storage.get(['app', 'x'])).toBeUndefined();
  expect(() => new Client({}, { context, coordinator: openCoordinator() })).toThrow(
    expect.objectContaining({ code: 'ERR_POSTERN_CONFIG_MISCONFIGURED' }),
  );
});
