import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import type { Bench, BenchOptions, BenchResult } from './bench.ts';
import { echo, initialize } from './bridge/caller.ts';
import { bridgeAims, figuresOf, gatewayAims } from './bridge/figures.ts';
import { HttpCaller } from './bridge/http-caller.ts';
import { LineCaller } from './bridge/line-caller.ts';
import { measureManyServers } from './bridge/many-servers.ts';
import { measureGroup, type Amounts, type Series } from './bridge/measure-group.ts';
import { bridgeSubjects, exposeSubjects, missingPeers, stdioServer } from './bridge/subjects.ts';
import { buildIfNeeded } from './build-if-needed.ts';
import { startPlainServer } from './servers/start-plain-server.ts';
import { withTemporaryDirectory } from './temporary-directory.ts';

/** What the bridge and the gateway cost, beside public programs that do the same. */
export const bridge: Bench = {
  name: 'bridge',
  run: (options) => withTemporaryDirectory((directory) => measure(options, directory)),
};

async function measure(options: BenchOptions, directory: string): Promise<BenchResult> {
  buildIfNeeded('bridge', options);
  const amounts: Amounts = options.quick
    ? { startUps: 2, rounds: 2, callsInTurn: 50, callsAtOnce: 160, notes: 200 }
    : { startUps: 11, rounds: options.rounds ?? 15, callsInTurn: 200, callsAtOnce: 960, notes: 2_000 };
  await using server = await startPlainServer();
  const failures: string[] = [];
  /** What cannot be measured must not take the figures of the rest with it. */
  const part = async <T>(what: string, work: Promise<T[]>): Promise<T[]> =>
    work.catch((error: unknown) => {
      failures.push(`${what} could not be measured: ${String(error)}`);
      return [];
    });
  const bridges = await part('bridges', measureBridges(server.origin, directory, amounts, options));
  const peer = bridges.find(({ label }) => label === 'mcp-remote');
  const many = await part('Many servers', measureManyServers(server.origin, directory, peer?.restMiB));
  const gateways = await part('Gateways', measureGateways(directory, amounts, options));
  const missing = missingPeers();
  return {
    title: `bridge and expose, ${amounts.startUps} starts and ${amounts.rounds} rounds`,
    figures: [...figuresOf(bridges, bridgeAims), ...many, ...figuresOf(gateways, gatewayAims)],
    notes: [
      'A ratio is the median of those of each round; memory is taken once, while all run (PSS, so shared pages are counted by parts).',
      'The servers speak the 2025 era, and so does the host. A gateway’s memory is without that of the server it starts.',
      ...failures,
      ...(missing.length === 0
        ? []
        : [
            `Left out, because not installed: ${missing.join(', ')}. npm ci --prefix interop/peers/mcp-remote, …/bridges`,
          ]),
    ],
  };
}

async function measureBridges(
  origin: string,
  directory: string,
  amounts: Amounts,
  { progress }: BenchOptions,
): Promise<Series[]> {
  const url = `${origin}/mcp`;
  const direct = new HttpCaller(url);
  try {
    await initialize(direct);
    const group = {
      subjects: bridgeSubjects(),
      direct,
      url,
      directory: join(directory, 'bridge'),
      floods: true,
    };
    return await measureGroup(group, amounts, progress);
  } finally {
    direct.close();
  }
}

async function measureGateways(
  directory: string,
  amounts: Amounts,
  { progress }: BenchOptions,
): Promise<Series[]> {
  const server = spawn(process.execPath, [stdioServer], { stdio: ['pipe', 'pipe', 'inherit'] });
  try {
    const direct = new LineCaller(server.stdin, server.stdout);
    await initialize(direct);
    await echo(direct, 'ahoy');
    const group = {
      subjects: exposeSubjects(),
      direct,
      url: '',
      directory: join(directory, 'expose'),
      floods: false,
    };
    return await measureGroup(group, amounts, progress);
  } finally {
    const exited = once(server, 'exit');
    server.stdin.end();
    await exited;
  }
}
