import { setTimeout as sleep } from 'node:timers/promises';
import { MemoryBackend } from '../src/storage/memory-backend.ts';
import { silentLogger } from '../src/core/logger.ts';
import type { Client } from '../src/client/client.ts';
import { ClientManager } from '../src/client/client-manager.ts';
import type { Bench, BenchOptions, BenchResult, Figure } from './bench.ts';
import { callEcho, openGranted, publicUrl } from './clients/postern.ts';
import { startBenchServer } from './servers/start-bench-server.ts';
import {
  hostileKinds,
  startHostileServers,
  type HostileKind,
  type HostileServer,
} from './servers/start-hostile-servers.ts';
import { median, middleHalf, p95, ratios } from './stats.ts';

const hostileServers = 100;
/** Each is called again so long after it was called, unless it is called still. */
const everyMs = 5_000;
const aim = 1.5;

/** What a hundred servers that are no good cost the calls of one that is. */
export const hostile: Bench = {
  name: 'hostile',
  async run(options) {
    await using good = await startBenchServer();
    await using bad = await startHostileServers(hostileServers);
    const calm = await openGranted(good, new MemoryBackend());
    const beset = openClient(bad.servers);
    try {
      const client = await beset.getClient('al');
      const call = (): Promise<unknown> => callEcho(calm.client);
      await stretch(call, 1_000);
      const costs = await costsOf(call, client, bad.servers, options);
      return resultOf(await measure(call, client, bad.servers, options), costs, options);
    } finally {
      await calm.close();
      await beset.close();
    }
  },
};

/** Of the same process as the good one's, as one application has both. */
function openClient(servers: readonly HostileServer[]): ClientManager {
  const configs = Object.fromEntries(servers.map(({ url }, at) => [`hostile-${at}`, { url }]));
  return new ClientManager(configs, {
    storage: new MemoryBackend(),
    publicUrl,
    verifyUser: () => undefined,
    logger: silentLogger,
    // Longer than a stretch, so that whoever holds a call does so throughout.
    connectTimeoutMs: 10_000,
    versionNegotiation: 'legacy',
  });
}

/** CPU of one call of each kind of server, by how many good calls take as much: for as long as it is held, up to a second. */
async function costsOf(
  call: () => Promise<unknown>,
  client: Client,
  servers: readonly HostileServer[],
  { progress }: BenchOptions,
): Promise<readonly (readonly [HostileKind, ofServer: number, ofIssuer: number])[]> {
  progress('each kind by itself');
  const { cpuUs } = await stretch(call, 1_000);
  const costOf = async (kind: HostileKind, asIssuer: boolean): Promise<number> => {
    const at = servers.findIndex((server) => server.kind === kind && server.asIssuer === asIssuer);
    const before = process.cpuUsage();
    await callHostile(client, at, AbortSignal.timeout(1_000));
    const { user, system } = process.cpuUsage(before);
    await client.session(`hostile-${at}`).disconnect();
    return (user + system) / cpuUs;
  };
  // What is loaded only once something has failed is nobody's cost.
  for (const asIssuer of [false, true]) await costOf('cuts its body off', asIssuer);
  const costs: [HostileKind, number, number][] = [];
  for (const kind of hostileKinds) costs.push([kind, await costOf(kind, false), await costOf(kind, true)]);
  return costs;
}

/** Whether a call went through. */
function callHostile(client: Client, at: number, signal: AbortSignal): Promise<boolean> {
  const calling = client.session(`hostile-${at}`).callTool('echo', { text: 'hello' }, { signal });
  return calling.then(
    () => true,
    () => false,
  );
}

/** The calls of one stretch. */
interface Stretch {
  readonly wallUs: number;
  readonly cpuUs: number;
  readonly p95Us: number;
  readonly longestUs: number;
}

interface Measured {
  readonly alone: readonly Stretch[];
  readonly beside: readonly Stretch[];
  /** How often a hostile server was called. */
  readonly called: number;
  /** How many of these calls went through: of none they should. */
  readonly answered: number;
}

async function measure(
  call: () => Promise<unknown>,
  client: Client,
  servers: readonly HostileServer[],
  { quick, rounds = quick ? 3 : 10, progress }: BenchOptions,
): Promise<Measured> {
  const stretchMs = quick ? 2_000 : everyMs;
  const alone: Stretch[] = [];
  const beside: Stretch[] = [];
  let called = 0;
  let answered = 0;
  for (let round = 0; round < rounds; round++) {
    if (round % 5 === 0) progress(`round ${round + 1} of ${rounds}`);
    alone.push(await stretch(call, stretchMs));
    const trouble = new AbortController();
    const calls = servers.map(async (_, at) => {
      // Not all at the same time.
      await sleep((everyMs * at) / servers.length, undefined, { signal: trouble.signal }).catch(() => {});
      while (!trouble.signal.aborted) {
        const next = sleep(everyMs, undefined, { signal: trouble.signal }).catch(() => {});
        called++;
        if (await callHostile(client, at, trouble.signal)) answered++;
        await next;
      }
    });
    // Until each has been called, and those that hold on are held on to.
    await sleep(stretchMs);
    beside.push(await stretch(call, stretchMs));
    trouble.abort();
    await Promise.all(calls);
    await Promise.all([...client.sessions.values()].map((session) => session.disconnect()));
  }
  return { alone, beside, called, answered };
}

/** One call after another for so long. CPU is that of the process, and so of the hostile calls as well. */
async function stretch(call: () => Promise<unknown>, forMs: number): Promise<Stretch> {
  const latenciesUs: number[] = [];
  const cpuBefore = process.cpuUsage();
  const begunMs = performance.now();
  while (performance.now() - begunMs < forMs) {
    const beforeMs = performance.now();
    await call();
    latenciesUs.push((performance.now() - beforeMs) * 1_000);
  }
  const { user, system } = process.cpuUsage(cpuBefore);
  return {
    wallUs: median(latenciesUs),
    cpuUs: (user + system) / latenciesUs.length,
    p95Us: p95(latenciesUs),
    longestUs: Math.max(...latenciesUs),
  };
}

const names: Readonly<Record<keyof Stretch, string>> = {
  wallUs: 'wall time of a call',
  cpuUs: 'CPU of the process, by call',
  p95Us: '95th percentile of a call',
  longestUs: 'the longest call',
};

function resultOf(
  { alone, beside, called, answered }: Measured,
  costs: Awaited<ReturnType<typeof costsOf>>,
  { quick }: BenchOptions,
): BenchResult {
  const column = (stretches: readonly Stretch[], name: keyof Stretch): number[] =>
    stretches.map((one) => one[name]);
  const relative = (['wallUs', 'cpuUs', 'p95Us'] as const).map((name): Figure => {
    const values = ratios(column(beside, name), column(alone, name));
    const isAimed = name !== 'p95Us';
    return {
      label: `beside ${hostileServers} hostile servers / alone, ${names[name]}`,
      value: median(values),
      unit: 'ratio',
      spread: middleHalf(values),
      ...(isAimed && { aim }),
    };
  });
  const absolute = (Object.keys(names) as (keyof Stretch)[]).flatMap((name) =>
    (
      [
        ['alone', alone],
        ['beside', beside],
      ] as const
    ).map(([where, stretches]): Figure => ({
      label: `${where}, ${names[name]}`,
      value: median(column(stretches, name)),
      unit: 'µs',
      spread: middleHalf(column(stretches, name)),
    })),
  );
  return {
    title: `calls of a good server beside ${hostileServers} that are none, ${alone.length} rounds${quick ? ' (quick)' : ''}`,
    figures: [
      ...relative,
      ...absolute,
      { label: 'calls of hostile servers', value: called, unit: 'count' },
      { label: 'calls of hostile servers that were answered', value: answered, unit: 'count', aim: 0 },
    ],
    table: {
      columns: ['who is asked by one call', 'CPU, in good calls', 'where it is its authorization server'],
      rows: costs.map(([kind, ...each]) => [kind, ...each.map((cost) => cost.toFixed(0))]),
    },
    notes: [
      `Each hostile server is called every ${everyMs / 1_000} s, or once its call before has ended; half are honest, and name an authorization server that is not. They run in a process of their own.`,
      'A ratio is the median of those of each round.',
    ],
  };
}
