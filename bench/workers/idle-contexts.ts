import { Client as SdkClient, StreamableHTTPClientTransport } from '@modelcontextprotocol/client';
import { ClientManager } from '../../src/client/client-manager.ts';
import { RemoteAuthCoordinator } from '../../src/client/coordinators/remote-auth-coordinator.ts';
import { MemoryBackend } from '../../src/storage/memory-backend.ts';
import { clientInfo, echoCall } from '../clients/logged-in-client.ts';
import { callEcho, publicUrl, serverName } from '../clients/postern.ts';

/** A process that makes many contexts, and prints how much it has grown. */
export type IdleKind = 'idle' | 'disconnected' | 'bare' | 'connected' | 'bare-connected';

export interface IdleReport {
  readonly heapBytes: number;
  readonly rssBytes: number;
}

const kind = process.argv[2] as IdleKind;
const count = Number(process.argv[3]);
/** Holds what was made, so that it cannot be collected. */
const made: unknown[] = [];
/** A server that asks nobody to sign in, for what is connected. */
const url = process.argv[4] ?? 'https://mcp.example/mcp';
const coordinator = new RemoteAuthCoordinator({
  storage: new MemoryBackend(),
  publicUrl,
  verifyUser: () => undefined,
});
const manager = new ClientManager(
  { [serverName]: { url } },
  { coordinator, clientInfo, versionNegotiation: 'legacy' },
);

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
const isBare = kind === 'bare' || kind === 'bare-connected';
if (!isBare && manager.size !== count + 100) throw new Error('contexts were let go meanwhile');
process.exit(made.length < 0 ? 1 : 0);

async function make(prefix: string, many: number): Promise<void> {
  for (let index = 0; index < many; index++) {
    if (kind === 'bare' || kind === 'bare-connected') {
      const client = new SdkClient(clientInfo);
      const transport = new StreamableHTTPClientTransport(new URL(url));
      made.push(client, transport);
      if (kind === 'bare') continue;
      await client.connect(transport);
      await client.callTool(echoCall);
      continue;
    }
    const client = await manager.getClient(`${prefix}-${index}`);
    if (kind === 'disconnected') await client.session(serverName).disconnect();
    if (kind === 'connected') await callEcho(client);
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
