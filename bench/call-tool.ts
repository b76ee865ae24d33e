import { join } from 'node:path';
import { Client as SdkClient, StreamableHTTPClientTransport } from '@modelcontextprotocol/client';
import type { StorageBackend } from '../src/storage/contract.ts';
import { openLocalStorage } from '../src/storage/local.ts';
import { MemoryBackend } from '../src/storage/memory-backend.ts';
import type { Bench, BenchResult, Figure } from './bench.ts';
import { loadAiSdk } from './clients/ai-sdk.ts';
import { clientInfo, echoCall } from './clients/logged-in-client.ts';
import { callEcho, openGranted } from './clients/postern.ts';
import { arePeersInstalled, peersMissing } from './peers.ts';
import { startBenchServer, type BenchServer } from './servers/start-bench-server.ts';
import { race, sizesOf, type Contender } from './race.ts';
import { withTemporaryDirectory } from './temporary-directory.ts';

/** How a server speaks, and what Postern may cost of the bare client's processor time then. */
interface Setting {
  readonly label: string;
  readonly era: '2025-11-25' | '2026-07-28';
  readonly reply: 'json' | 'sse';
  readonly aim: number;
}

const settings: readonly Setting[] = (['2025-11-25', '2026-07-28'] as const).flatMap((era) => [
  { label: `${era}, JSON`, era, reply: 'json', aim: 0.6 },
  { label: `${era}, SSE`, era, reply: 'sse', aim: 0.8 },
]);

/** What Postern adds to a tool call whose token is good. */
export const callTool: Bench = {
  name: 'call-tool',
  run: (options) =>
    withTemporaryDirectory(async (directory) => {
      await using server = await startBenchServer();
      const figures: Figure[] = [];
      for (const setting of settings) {
        const contenders = await openContenders(server, setting, directory);
        try {
          figures.push(...(await race(setting, contenders, options)));
        } finally {
          await Promise.all(contenders.map((contender) => contender.close()));
        }
      }
      const { rounds, callsInTurn, callsAtOnce } = sizesOf(options);
      return {
        title: `callTool with a good token, ${rounds} rounds of ${callsInTurn} calls one at a time and ${callsAtOnce} at once`,
        figures,
        notes: [
          'A ratio is the median of those of each round. The baseline is the bare SDK client with a static header, on the global fetch.',
          'CPU is that of the client process, all threads; the MCP server runs in a process of its own.',
          ...(arePeersInstalled() ? [] : [peersMissing]),
        ],
      } satisfies BenchResult;
    }),
};

async function openContenders(
  server: BenchServer,
  setting: Setting,
  directory: string,
): Promise<Contender[]> {
  const { access_token: token } = await server.issueGrant();
  const headers = { 'x-bench-reply': setting.reply };
  const isPlainest = setting === settings[0];
  return [
    await bareSdk('bare SDK client, static header', server, setting, {
      requestInit: { headers: { ...headers, authorization: `Bearer ${token}` } },
    }),
    ...(isPlainest
      ? [
          await bareSdk('bare SDK client, token provider', server, setting, {
            requestInit: { headers },
            authProvider: { token: async () => token },
          }),
        ]
      : []),
    ...(arePeersInstalled() && setting.era === '2025-11-25' ? [await aiSdk(server, headers, token)] : []),
    await postern('Postern on memory', server, setting, new MemoryBackend()),
    ...(isPlainest
      ? [
          await postern(
            'Postern on sealed SQLite',
            server,
            setting,
            openLocalStorage(join(directory, 'store')),
          ),
        ]
      : []),
  ];
}

async function aiSdk(
  { mcpUrl }: BenchServer,
  headers: Record<string, string>,
  token: string,
): Promise<Contender> {
  const ai = await loadAiSdk();
  const client = await ai.createMCPClient({
    transport: { type: 'http', url: mcpUrl, headers: { ...headers, authorization: `Bearer ${token}` } },
    clientName: clientInfo.name,
    protocolVersionDiscovery: false,
    onUncaughtError: () => {},
  });
  return { label: 'AI SDK client', call: () => client.callTool(echoCall), close: () => client.close() };
}

async function bareSdk(
  label: string,
  { mcpUrl }: BenchServer,
  { era }: Setting,
  options: ConstructorParameters<typeof StreamableHTTPClientTransport>[1],
): Promise<Contender> {
  const mode = era === '2025-11-25' ? 'legacy' : ({ pin: era } as const);
  const client = new SdkClient(clientInfo, { versionNegotiation: { mode } });
  await client.connect(new StreamableHTTPClientTransport(new URL(mcpUrl), options));
  // Postern knows the tools of a server it is connected to; so does the baseline.
  await client.listTools();
  return { label, call: () => client.callTool(echoCall), close: () => client.close() };
}

async function postern(
  label: string,
  server: BenchServer,
  { era, reply }: Setting,
  storage: StorageBackend,
): Promise<Contender> {
  const { client, close } = await openGranted(server, storage, {
    versionNegotiation: era === '2025-11-25' ? 'legacy' : { pin: era },
    headers: { 'x-bench-reply': reply },
  });
  return { label, call: () => callEcho(client), close };
}
