/**
 * One process of a fleet: `node member-process.ts <storage URL> <keyring file> [deaf]`.
 *
 * It is told over IPC what to wait for, what to park and what to complete, and says what became of it. `deaf`: signals
 * are lost, those it sends and those it would hear.
 */
import { RemoteAuthCoordinator } from '../../src/client/index.ts';
import type { InteractionData } from '../../src/interaction/flow.ts';
import { openStorageUrl } from '../support/open-storage.ts';
import { createNamespace } from '../../src/namespace/namespace.ts';
import type { Pending } from '../../src/pending/pending.ts';
import type { StorageBackend } from '../../src/storage/contract.ts';
import { openKeyringFile } from '../../src/storage/keyring-file.ts';

export type ToMember =
  | { create: { ns: string } }
  | { wait: { ns: string; id: string } }
  | { park: { ns: string; id: string } }
  | { complete: { ns: string; id: string } };

/** Times are milliseconds by the machine's monotonic clock, which all processes share. */
export type FromMember =
  | { ready: true }
  | { created: { id: string } }
  | { waiting: { id: string } }
  | { woken: { id: string; status: string; at: number } }
  | { parked: { id: string; key: string } }
  /** When the store had acknowledged it. */
  | { committed: { id: string; at: number } }
  | { resumed: { id: string; key: string; at: number } }
  | { failed: { what: string } };

const [storageUrl = '', keyringFile = '', deaf] = process.argv.slice(2);
const tell = (message: FromMember): void => void process.send?.(message, () => {});
const machineMs = (): number => Number(process.hrtime.bigint() / 1_000n) / 1_000;

let committedAt = 0;
const opened = await openStorageUrl(storageUrl, {
  keyring: openKeyringFile(keyringFile),
  onWarning: () => {},
});
const storage: StorageBackend = {
  capabilities: opened.capabilities,
  get: (key) => opened.get(key),
  list: (prefix, page) => opened.list(prefix, page),
  async commit(changes) {
    const versions = await opened.commit(changes);
    if (changes.some((change) => 'put' in change && change.put[1] === 'pending')) committedAt = machineMs();
    return versions;
  },
  signal: async (channel) => (deaf === undefined ? opened.signal(channel) : undefined),
  listen: async (channel, wake) => (deaf === undefined ? opened.listen(channel, wake) : async () => {}),
  close: () => opened.close(),
  ...(opened.now && { now: () => opened.now!() }),
};
const coordinator = new RemoteAuthCoordinator({
  storage,
  publicUrl: 'http://127.0.0.1:9/postern',
  verifyUser: () => undefined,
});
const { pendings } = coordinator;
coordinator.continuations.register<string>('answer', {
  resume: async ({ payload, idempotencyKey }) =>
    tell({ resumed: { id: payload, key: idempotencyKey, at: machineMs() } }),
});
await coordinator.continuations.start();
tell({ ready: true });

process.on('message', (message: ToMember) => {
  act(message).catch((error: unknown) =>
    tell({ failed: { what: String((error as { code?: unknown }).code ?? error) } }),
  );
});
process.on('disconnect', () => process.exit(0));

async function act(message: ToMember): Promise<void> {
  if ('create' in message) {
    const request = { resource: 'https://web.example/mcp', alias: 'web', scopes: [] };
    const data: InteractionData = { flow: 'none', message: '', request, wanted: [], data: {} };
    const { id } = await pendings.create(createNamespace('client', message.create.ns), {
      kind: 'oauth_redirect',
      data,
    });
    tell({ created: { id } });
  } else if ('wait' in message) {
    const { id } = message.wait;
    const pending = await find(message.wait);
    const ended = coordinator.awaitEnd(pending, { signal: AbortSignal.timeout(30_000) });
    tell({ waiting: { id } });
    const { status } = await ended;
    tell({ woken: { id, status, at: machineMs() } });
  } else if ('park' in message) {
    const { ns, id } = message.park;
    const request = { handler: 'answer', payload: id, waitingFor: id };
    const { id: key } = await coordinator.continuations.park(createNamespace('client', ns), request);
    tell({ parked: { id, key } });
  } else {
    const { ns, id } = message.complete;
    const namespace = createNamespace('client', ns);
    const store = pendings.in(namespace);
    await store.complete(id);
    tell({ committed: { id, at: committedAt } });
    // What a coordinator does when a callback has ended a pending.
    await coordinator.continuations.announce(namespace, id);
  }
}

async function find({ ns, id }: { ns: string; id: string }): Promise<Pending<InteractionData>> {
  const pending = await pendings.in(createNamespace('client', ns)).get(id);
  if (pending === undefined) throw new RangeError('there is no such pending');
  return pending;
}
