import { join } from 'node:path';
import { Client as SdkClient, StreamableHTTPClientTransport } from '@modelcontextprotocol/client';
import type { Client } from '../src/client/client.ts';
import type { ClientManager } from '../src/client/client-manager.ts';
import type { StorageBackend } from '../src/storage/contract.ts';
import { openLocalStorage } from '../src/storage/local.ts';
import { MemoryBackend } from '../src/storage/memory-backend.ts';
import type { Bench, BenchOptions, BenchResult, Figure } from './bench.ts';
import { clientInfo, echoCall } from './clients/logged-in-client.ts';
import { callEcho, openPostern, publicUrl, serverName } from './clients/postern.ts';
import { startBenchServer, type BenchServer } from './servers/start-bench-server.ts';
import { median, middleHalf, p95, ratios } from './stats.ts';
import { withTemporaryDirectory } from './temporary-directory.ts';

const inFlight = 32;
const aim = 1.05;

/** Whose calls are timed. */
export interface Contender {
  readonly label: string;
  readonly call: () => Promise<unknown>;
  readonly close: () => Promise<unknown>;
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
      const contenders = await openContenders(server, directory);
      try {
        return await race('call-tool', contenders, options);
      } finally {
        await Promise.all(contenders.map((contender) => contender.close()));
      }
    }),
};

/** Times contenders by turns; the first is the baseline. */
export async function race(
  name: string,
  contenders: readonly Contender[],
  options: BenchOptions,
): Promise<BenchResult> {
  const rounds = options.rounds ?? (options.quick ? 5 : 60);
  const callsInTurn = options.quick ? 50 : 100;
  const callsAtOnce = options.quick ? 64 : 320;
  options.progress(`${name}: warm-up`);
  for (const contender of contenders) {
    await callInTurn(contender, options.quick ? 100 : 500);
    await callAtOnce(contender, inFlight * 4);
  }
  const inTurn = contenders.map((): Slice[] => []);
  const atOnce = contenders.map((): Slice[] => []);
  for (let round = 0; round < rounds; round++) {
    if (round % 10 === 0) options.progress(`${name}: round ${round + 1} of ${rounds}`);
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
    { how: 'one at a time', slices: inTurn, aim },
    { how: `${inFlight} in flight`, slices: atOnce, aim },
  ];
  return {
    title: `callTool with a good token, ${rounds} rounds of ${callsInTurn} calls one at a time and ${callsAtOnce} at once`,
    figures: [
      ...series.flatMap((one) => relativeFigures(contenders, one)),
      ...series.flatMap((one) => absoluteFigures(contenders, one)),
    ],
    notes: [
      'A ratio is the median of those of each round. The baseline is the bare SDK client with a static header.',
      'CPU is that of the client process, all threads; the MCP server runs in a process of its own.',
    ],
  };
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
        ...(label.startsWith('Postern') && wanted !== undefined && { aim: wanted }),
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

async function openContenders(server: BenchServer, directory: string): Promise<Contender[]> {
  const { access_token: token } = await server.issueGrant();
  return [
    await bareSdk('bare SDK client, static header', server, {
      requestInit: { headers: { authorization: `Bearer ${token}` } },
    }),
    await bareSdk('bare SDK client, token provider', server, { authProvider: { token: async () => token } }),
    await postern('Postern on memory', server, new MemoryBackend()),
    await postern('Postern on sealed SQLite', server, openLocalStorage(join(directory, 'store'))),
  ];
}

async function bareSdk(
  label: string,
  { mcpUrl }: BenchServer,
  options: ConstructorParameters<typeof StreamableHTTPClientTransport>[1],
): Promise<Contender> {
  const client = new SdkClient(clientInfo);
  await client.connect(new StreamableHTTPClientTransport(new URL(mcpUrl), options));
  // Postern knows the tools of a server it is connected to; so does the baseline.
  await client.listTools();
  return { label, call: () => client.callTool(echoCall), close: () => client.close() };
}

async function postern(label: string, server: BenchServer, storage: StorageBackend): Promise<Contender> {
  const { client, close } = await openGranted(server, storage);
  return { label, call: () => callEcho(client), close };
}

/** Postern with a grant that is good, on any store. */
export async function openGranted(
  server: BenchServer,
  storage: StorageBackend,
): Promise<{ manager: ClientManager; client: Client; close: () => Promise<void> }> {
  const { manager, client } = await openPostern(server.mcpUrl, storage);
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
    manager,
    client,
    async close() {
      await manager.close();
      await storage.close();
    },
  };
}
