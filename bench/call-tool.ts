import { join } from 'node:path';
import { Client as SdkClient, StreamableHTTPClientTransport } from '@modelcontextprotocol/client';
import type { StorageBackend } from '../src/storage/contract.ts';
import { openLocalStorage } from '../src/storage/local.ts';
import { MemoryBackend } from '../src/storage/memory-backend.ts';
import type { Bench, BenchOptions, BenchResult, Figure } from './bench.ts';
import { loadAiSdk } from './clients/ai-sdk.ts';
import { clientInfo, echoCall } from './clients/logged-in-client.ts';
import { callEcho, openPostern, publicUrl, serverName } from './clients/postern.ts';
import { arePeersInstalled, peersMissing } from './peers.ts';
import { startBenchServer, type BenchServer } from './servers/start-bench-server.ts';
import { median, middleHalf, p95, ratios } from './stats.ts';
import { withTemporaryDirectory } from './temporary-directory.ts';

const inFlight = 32;
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
const wallAim = 1.05;

interface Contender {
  readonly label: string;
  call(): Promise<unknown>;
  close(): Promise<unknown>;
}

/** Cost of a call in one slice of a round. */
interface Slice {
  readonly wallUs: number;
  readonly cpuUs: number;
  /** What 95 in 100 calls took at most, by themselves. */
  readonly p95Us: number;
}

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

function sizesOf({ rounds, quick }: BenchOptions): {
  rounds: number;
  callsInTurn: number;
  callsAtOnce: number;
} {
  return {
    rounds: rounds ?? (quick ? 5 : 30),
    callsInTurn: quick ? 50 : 100,
    callsAtOnce: quick ? 64 : 320,
  };
}

async function race(
  { label, aim }: Setting,
  contenders: readonly Contender[],
  options: BenchOptions,
): Promise<Figure[]> {
  const { rounds, callsInTurn, callsAtOnce } = sizesOf(options);
  options.progress(`call-tool, ${label}: warm-up`);
  for (const contender of contenders) {
    await callInTurn(contender, options.quick ? 100 : 500);
    await callAtOnce(contender, inFlight * 4);
  }
  const inTurn = contenders.map((): Slice[] => []);
  const atOnce = contenders.map((): Slice[] => []);
  for (let round = 0; round < rounds; round++) {
    if (round % 10 === 0) options.progress(`call-tool, ${label}: round ${round + 1} of ${rounds}`);
    for (let place = 0; place < contenders.length; place++) {
      // Another one begins each round, so that none always follows the same neighbour's garbage.
      const index = (round + place) % contenders.length;
      const contender = contenders[index];
      if (contender === undefined) continue;
      inTurn[index]?.push(
        await timed(callsInTurn, (latenciesUs) => callInTurn(contender, callsInTurn, latenciesUs)),
      );
      atOnce[index]?.push(
        await timed(callsAtOnce, (latenciesUs) => callAtOnce(contender, callsAtOnce, latenciesUs)),
      );
    }
  }
  const series: readonly Series[] = [
    { how: `${label}, one at a time`, slices: inTurn, aim },
    { how: `${label}, ${inFlight} in flight`, slices: atOnce, aim },
  ];
  return [
    ...series.flatMap((one) => relativeFigures(contenders, one)),
    ...series.flatMap((one) => absoluteFigures(contenders, one)),
  ];
}

interface Series {
  readonly how: string;
  /** For each contender, its slice of each round. */
  readonly slices: readonly (readonly Slice[])[];
  readonly aim?: number;
}

function relativeFigures(contenders: readonly Contender[], { how, slices, aim: wanted }: Series): Figure[] {
  const [baseline = []] = slices;
  return contenders.slice(1).flatMap(({ label }, index) =>
    (['cpuUs', 'wallUs'] as const).map((unit): Figure => {
      const values = ratios(column(slices[index + 1] ?? [], unit), column(baseline, unit));
      return {
        label: `${label} / baseline, ${how}, ${names[unit]}`,
        value: median(values),
        unit: 'ratio',
        spread: middleHalf(values),
        ...(label.startsWith('Postern') &&
          wanted !== undefined && { aim: unit === 'cpuUs' ? wanted : wallAim }),
      };
    }),
  );
}

function absoluteFigures(contenders: readonly Contender[], { how, slices }: Series): Figure[] {
  return contenders.flatMap(({ label }, index) =>
    (['cpuUs', 'wallUs', 'p95Us'] as const).map((unit): Figure => {
      const values = column(slices[index] ?? [], unit);
      return {
        label: `${label}, ${how}, ${names[unit]}`,
        value: median(values),
        unit: 'µs',
        spread: middleHalf(values),
      };
    }),
  );
}

const names = {
  cpuUs: 'CPU per call',
  wallUs: 'wall time per call',
  p95Us: '95th percentile of a call',
} as const;

function column(slices: readonly Slice[], unit: keyof Slice): number[] {
  return slices.map((slice) => slice[unit]);
}

async function timed(calls: number, work: (latenciesUs: number[]) => Promise<void>): Promise<Slice> {
  const latenciesUs: number[] = [];
  const cpuBefore = process.cpuUsage();
  const before = performance.now();
  await work(latenciesUs);
  const wallUs = ((performance.now() - before) * 1000) / calls;
  const { user, system } = process.cpuUsage(cpuBefore);
  return { wallUs, cpuUs: (user + system) / calls, p95Us: p95(latenciesUs) };
}

async function callInTurn(contender: Contender, calls: number, latenciesUs: number[] = []): Promise<void> {
  for (let call = 0; call < calls; call++) {
    const before = performance.now();
    await contender.call();
    latenciesUs.push((performance.now() - before) * 1000);
  }
}

async function callAtOnce(contender: Contender, calls: number, latenciesUs: number[] = []): Promise<void> {
  const each = Math.ceil(calls / inFlight);
  await Promise.all(Array.from({ length: inFlight }, () => callInTurn(contender, each, latenciesUs)));
}

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
  const { manager, client } = await openPostern(server.mcpUrl, storage, {
    versionNegotiation: era === '2025-11-25' ? 'legacy' : { pin: era },
    headers: { 'x-bench-reply': reply },
  });
  const tokens = await server.issueGrant();
  const issued = Date.now();
  const { interactions } = manager.coordinator;
  const place = { namespace: client.context.namespace, resource: server.mcpUrl, alias: serverName };
  const grant = {
    accessToken: tokens.access_token,
    refreshToken: tokens.refresh_token,
    tokenType: 'bearer',
    expiresAtMs: issued + 3_600_000,
    obtainedAtMs: issued,
    issuer: server.origin,
    tokenEndpoint: `${server.origin}/token`,
    resource: server.mcpUrl,
    client: {
      issuer: server.origin,
      clientId: 'bench',
      tokenEndpointAuthMethod: 'none',
      source: 'dynamic',
      redirectUris: [`${publicUrl}/callback`],
    },
  };
  await interactions.put(place, { name: 'oauth', flow: interactions.flowNamed('oauth')! }, grant);
  return {
    label,
    call: () => callEcho(client),
    async close() {
      await manager.close();
      await storage.close();
    },
  };
}
