import { Client as SdkClient, StreamableHTTPClientTransport } from '@modelcontextprotocol/client';
import { ClientManager } from '../../src/client/client-manager.ts';
import { RemoteAuthCoordinator } from '../../src/client/coordinators/remote-auth-coordinator.ts';
import { MemoryBackend } from '../../src/storage/memory-backend.ts';
import { clientInfo } from '../clients/logged-in-client.ts';
import { publicUrl, serverName } from '../clients/postern.ts';

/** A process that makes many contexts, and prints how much it has grown. */
export type IdleKind = 'idle' | 'disconnected' | 'bare';

export interface IdleReport {
  readonly heapBytes: number;
  readonly rssBytes: number;
}

const kind = process.argv[2] as IdleKind;
const count = Number(process.argv[3]);
/** Holds what was made, so that it cannot be collected. */
const made: unknown[] = [];
const url = 'https://mcp.example/mcp';
const coordinator = new RemoteAuthCoordinator({
  storage: new MemoryBackend(),
  publicUrl,
  verifyUser: () => undefined,
});
const manager = new ClientManager({ [serverName]: { url } }, { coordinator });

await make('warm-up', 100);
const before = await settled();
await make('user', count);
const after = await settled();
console.log(
  JSON.stringify({
    heapBytes: after.heapUsed - before.heapUsed,
    rssBytes: after.rss - before.rss,
  } satisfies IdleReport),
);
if (kind !== 'bare' && manager.size !== count + 100) throw new Error('contexts were let go meanwhile');
process.exit(made.length < 0 ? 1 : 0);

async function make(prefix: string, many: number): Promise<void> {
  for (let index = 0; index < many; index++) {
    if (kind === 'bare') {
      made.push(new SdkClient(clientInfo), new StreamableHTTPClientTransport(new URL(url)));
      continue;
    }
    const client = await manager.getClient(`${prefix}-${index}`);
    if (kind === 'disconnected') await client.session(serverName).disconnect();
  }
}

async function settled(): Promise<NodeJS.MemoryUsage> {
  const { gc } = globalThis;
  if (gc === undefined) throw new Error('start this with --expose-gc');
  for (let turn = 0; turn < 3; turn++) {
    gc();
    await new Promise((resolve) => setImmediate(resolve));
  }
  return process.memoryUsage();
}
