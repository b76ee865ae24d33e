import { join } from 'node:path';
import { Client as SdkClient, StreamableHTTPClientTransport } from '@modelcontextprotocol/client';
import { storedGrant, grantPath } from '../src/client/stored-grant.ts';
import { Collection } from '../src/storage/collection.ts';
import type { StorageBackend } from '../src/storage/contract.ts';
import { openLocalStorage } from '../src/storage/local.ts';
import { MemoryBackend } from '../src/storage/memory-backend.ts';
import type { Bench, BenchOptions, BenchResult, Figure } from './bench.ts';
import { clientInfo, echoCall } from './clients/logged-in-client.ts';
import { callEcho, openPostern, publicUrl, serverName } from './clients/postern.ts';
import { startBenchServer, type BenchServer } from './servers/start-bench-server.ts';
import { median, middleHalf, ratios } from './stats.ts';
import { withTemporaryDirectory } from './temporary-directory.ts';

const inFlight = 32;
const aim = 1.05;

interface Contender {
  readonly label: string;
  call(): Promise<unknown>;
  close(): Promise<unknown>;
}

/** Cost of a call in one slice of a round. */
interface Slice {
  readonly wallUs: number;
  readonly cpuUs: number;
}

/** What Postern adds to a tool call whose token is good. */
export const callTool: Bench = {
  name: 'call-tool',
  run: (options) =>
    withTemporaryDirectory(async (directory) => {
      await using server = await startBenchServer();
      const contenders = await openContenders(server, directory);
      try {
        return await race(contenders, options);
      } finally {
        await Promise.all(contenders.map((contender) => contender.close()));
      }
    }),
};

async function race(contenders: readonly Contender[], options: BenchOptions): Promise<BenchResult> {
  const rounds = options.rounds ?? (options.quick ? 5 : 60);
  const callsPerSlice = options.quick ? 50 : 100;
  options.progress('call-tool: warm-up');
  for (const contender of contenders) {
    await callInTurn(contender, options.quick ? 100 : 500);
    await callAtOnce(contender, inFlight * 4);
  }
  const inTurn = contenders.map((): Slice[] => []);
  const atOnce = contenders.map((): Slice[] => []);
  for (let round = 0; round < rounds; round++) {
    if (round % 10 === 0) options.progress(`call-tool: round ${round + 1} of ${rounds}`);
    for (let place = 0; place < contenders.length; place++) {
      // Another one begins each round, so that none always follows the same neighbour's garbage.
      const index = (round + place) % contenders.length;
      const contender = contenders[index];
      if (contender === undefined) continue;
      inTurn[index]?.push(await timed(callsPerSlice, () => callInTurn(contender, callsPerSlice)));
      atOnce[index]?.push(await timed(callsPerSlice * 2, () => callAtOnce(contender, callsPerSlice * 2)));
    }
  }
  return {
    title: `callTool with a good token, ${rounds} rounds of ${callsPerSlice} calls each`,
    figures: [...compare(contenders, inTurn, 'one at a time', aim), ...compare(contenders, atOnce, `${inFlight} in flight`)],
    notes: [
      'A ratio is the median of the ratios of each round; the first is CPU time of the client process, the second wall time.',
      'The baseline is the bare SDK client with a static header. The MCP server runs in a process of its own.',
    ],
  };
}

function compare(
  contenders: readonly Contender[],
  slices: readonly (readonly Slice[])[],
  how: string,
  wanted?: number,
): Figure[] {
  const [baseline = []] = slices;
  const column = (values: readonly Slice[], unit: keyof Slice): number[] => values.map((slice) => slice[unit]);
  return contenders.flatMap(({ label }, index): Figure[] => {
    const own = slices[index] ?? [];
    const isPostern = label.startsWith('Postern');
    const absolute = (unit: keyof Slice, what: string): Figure => ({
      label: `${label}, ${how}, ${what}`,
      value: median(column(own, unit)),
      unit: 'µs',
      spread: middleHalf(column(own, unit)),
    });
    const relative = (unit: keyof Slice, what: string): Figure => {
      const values = ratios(column(own, unit), column(baseline, unit));
      return {
        label: `${label}, ${how}, ${what} / baseline`,
        value: median(values),
        unit: 'ratio',
        spread: middleHalf(values),
        ...(isPostern && wanted !== undefined && { aim: wanted }),
      };
    };
    return [
      ...(index === 0 ? [] : [relative('cpuUs', 'CPU'), relative('wallUs', 'wall')]),
      absolute('cpuUs', 'CPU per call'),
      absolute('wallUs', 'wall per call'),
    ];
  });
}

async function timed(calls: number, work: () => Promise<void>): Promise<Slice> {
  const cpuBefore = process.cpuUsage();
  const before = performance.now();
  await work();
  const wallUs = ((performance.now() - before) * 1000) / calls;
  const { user, system } = process.cpuUsage(cpuBefore);
  return { wallUs, cpuUs: (user + system) / calls };
}

async function callInTurn(contender: Contender, calls: number): Promise<void> {
  for (let call = 0; call < calls; call++) await contender.call();
}

async function callAtOnce(contender: Contender, calls: number): Promise<void> {
  const each = Math.ceil(calls / inFlight);
  await Promise.all(Array.from({ length: inFlight }, () => callInTurn(contender, each)));
}

async function openContenders(server: BenchServer, directory: string): Promise<Contender[]> {
  const { access_token: token } = await server.issueGrant();
  return [
    await bareSdk('bare SDK client, static header', server, { requestInit: { headers: { authorization: `Bearer ${token}` } } }),
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
  const { manager, client } = await openPostern(server.mcpUrl, storage);
  const tokens = await server.issueGrant();
  const issued = Date.now();
  await new Collection(client.context.storage, storedGrant).put(grantPath(serverName), {
    grant: {
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
    },
    requestedScopes: [],
    authorizedAtMs: issued,
  });
  return {
    label,
    call: () => callEcho(client),
    async close() {
      await manager.close();
      await storage.close();
    },
  };
}
