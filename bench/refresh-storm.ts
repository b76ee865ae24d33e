import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { MemoryBackend } from '../src/storage/memory-backend.ts';
import { openLocalStorage } from '../src/storage/local.ts';
import type { Bench, BenchOptions, BenchResult } from './bench.ts';
import { AiSdkProvider, loadAiSdk, logInAiSdk, resumeAiSdk } from './clients/ai-sdk.ts';
import { logInSdk, resumeSdk, SdkProvider } from './clients/bare-sdk.ts';
import type { LoggedInClient } from './clients/logged-in-client.ts';
import { logInPostern, resumePostern } from './clients/postern.ts';
import { peersMissing } from './peers.ts';
import { startBenchServer, type BenchServer } from './servers/start-bench-server.ts';
import { withTemporaryDirectory } from './temporary-directory.ts';
import { withoutWarnings } from './without-warnings.ts';
import type { StormJob, StormReport } from './workers/storm-process.ts';

/** How long a token request takes: long enough for every call of the storm to have been refused meanwhile. */
const tokenDelayMs = 20;

interface Outcome {
  readonly calls: number;
  readonly refreshes: number;
  readonly successes: number;
  readonly logins: number;
  readonly alive: boolean;
}

interface Row {
  readonly label: string;
  /** Logs in, lets the tokens expire on the server, makes all calls at once, and one more after another expiry. */
  storm(server: BenchServer): Promise<Outcome>;
}

/** Many calls meet a token that the server has just expired; using a refresh token twice ends the grant. */
export const refreshStorm: Bench = { name: 'refresh-storm', run };

async function run(options: BenchOptions): Promise<BenchResult> {
  const rounds = options.rounds ?? (options.quick ? 1 : 3);
  const rows: string[][] = [];
  for (const row of [...posternRows, ...sdkRows, ...(options.peers ? await aiSdkRows() : [])]) {
    options.progress(`refresh-storm: ${row.label}`);
    const outcomes: Outcome[] = [];
    for (let round = 0; round < rounds; round++) {
      await using server = await startBenchServer({ tokenDelayMs });
      outcomes.push(await withoutWarnings(() => row.storm(server)));
    }
    rows.push(describe(row.label, outcomes));
  }
  return {
    title: `calls that meet an expired token, ${rounds} rounds; reuse of a refresh token revokes the grant`,
    figures: [],
    table: {
      columns: ['client', 'calls', 'refreshes', 'successes', 'grant alive', 'logins asked for'],
      rows,
    },
    notes: [
      `Every token request takes ${tokenDelayMs} ms. The best is 1 refresh, every call a success, no login asked for.`,
      'Grant alive: when the tokens are expired once more afterwards, one more call succeeds, and the server has revoked nothing. A range: rounds differed.',
      ...(options.peers ? [] : [peersMissing]),
    ],
  };
}

const posternRows: readonly Row[] = [
  { label: 'Postern, 1 process × 10 (memory)', storm: (server) => posternInMemory(server, 10) },
  { label: 'Postern, 1 process × 1000 (memory)', storm: (server) => posternInMemory(server, 1000) },
  {
    label: 'Postern, 4 processes × 10 (SQLite)',
    storm: (server) =>
      withTemporaryDirectory(async (directory) => {
        const storage = openLocalStorage(directory);
        await logInPostern(server.mcpUrl, storage);
        await storage.close();
        return processStorm(server, { make: 'postern', mcpUrl: server.mcpUrl, store: directory, calls: 10 });
      }),
  },
];

const sdkRows: readonly Row[] = [
  {
    label: 'bare SDK client, 1 process × 10',
    async storm(server) {
      const provider = new SdkProvider();
      await logInSdk(server.mcpUrl, provider);
      await using client = await resumeSdk(server.mcpUrl, provider);
      return await localStorm(server, [client], 10);
    },
  },
  {
    label: 'bare SDK client, 4 processes × 5 (one file)',
    storm: (server) =>
      withTemporaryDirectory(async (directory) => {
        const store = join(directory, 'oauth.json');
        await logInSdk(server.mcpUrl, new SdkProvider(store));
        return processStorm(server, { make: 'sdk', mcpUrl: server.mcpUrl, store, calls: 5 });
      }),
  },
];

async function aiSdkRows(): Promise<readonly Row[]> {
  const ai = await loadAiSdk();
  const stormOf = async (server: BenchServer, clientCount: number, callsEach: number): Promise<Outcome> => {
    const provider = new AiSdkProvider({ keepsState: true });
    await logInAiSdk(ai, server.mcpUrl, provider);
    const clients = await Promise.all(
      Array.from({ length: clientCount }, () => resumeAiSdk(ai, server.mcpUrl, provider)),
    );
    const outcome = await localStorm(server, clients, callsEach);
    await Promise.all(clients.map((client) => client[Symbol.asyncDispose]()));
    return outcome;
  };
  return [
    { label: 'AI SDK client, 1 process × 10', storm: (server) => stormOf(server, 1, 10) },
    { label: 'AI SDK client, 3 clients × 3, one provider', storm: (server) => stormOf(server, 3, 3) },
  ];
}

async function posternInMemory(server: BenchServer, calls: number): Promise<Outcome> {
  const storage = new MemoryBackend();
  await logInPostern(server.mcpUrl, storage);
  await using client = await resumePostern(server.mcpUrl, storage);
  return await localStorm(server, [client], calls);
}

async function localStorm(
  server: BenchServer,
  clients: readonly LoggedInClient[],
  callsEach: number,
): Promise<Outcome> {
  await Promise.all(clients.map((client) => client.call()));
  await server.expireAccessTokens();
  const results = await Promise.allSettled(
    clients.flatMap((client) => Array.from({ length: callsEach }, () => client.call())),
  );
  const logins = new Set(clients.flatMap((client) => client.loginsAsked())).size;
  const [first] = clients;
  return {
    calls: results.length,
    successes: results.filter(({ status }) => status === 'fulfilled').length,
    logins,
    ...(await aftermath(server, () => first?.call() ?? Promise.reject(new Error('no client')))),
  };
}

/** Four processes on one store, each with its share of the calls. */
async function processStorm(server: BenchServer, job: StormJob): Promise<Outcome> {
  const children = Array.from({ length: 4 }, () =>
    fork(new URL('./workers/storm-process.ts', import.meta.url), [JSON.stringify(job)]),
  );
  try {
    await Promise.all(children.map((child) => nextMessage(child)));
    await server.expireAccessTokens();
    const reports = await Promise.all(children.map((child) => ask(child)));
    const logins = new Set(reports.flatMap(({ logins: asked }) => asked)).size;
    const [first] = children;
    const after = await aftermath(server, async () => {
      const report = first && (await ask(first, 1));
      if (report?.successes !== 1) throw new Error('the call failed');
    });
    return {
      calls: job.calls * children.length,
      successes: reports.reduce((sum, report) => sum + report.successes, 0),
      logins,
      ...after,
    };
  } finally {
    await Promise.all(children.map((child) => end(child)));
  }
}

async function aftermath(
  server: BenchServer,
  call: () => Promise<unknown>,
): Promise<Pick<Outcome, 'refreshes' | 'alive'>> {
  const { refreshes } = await server.counts();
  // Once more, so that the refresh token that was saved has to be the live one.
  await server.expireAccessTokens();
  const succeeded = await call().then(
    () => true,
    () => false,
  );
  const { revokedFamilies } = await server.counts();
  return { refreshes, alive: succeeded && revokedFamilies === 0 };
}

async function ask(child: ChildProcess, calls?: number): Promise<StormReport> {
  child.send({ calls });
  return nextMessage(child) as Promise<StormReport>;
}

async function nextMessage(child: ChildProcess): Promise<unknown> {
  const [message] = (await once(child, 'message', { signal: AbortSignal.timeout(60_000) })) as [unknown];
  return message;
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null) return;
  const exited = once(child, 'exit');
  const timer = setTimeout(() => child.kill('SIGKILL'), 5_000);
  if (child.connected) child.disconnect();
  await exited;
  clearTimeout(timer);
}

function describe(label: string, outcomes: readonly Outcome[]): string[] {
  const calls = outcomes[0]?.calls ?? 0;
  const alive = outcomes.filter((outcome) => outcome.alive).length;
  return [
    label,
    String(calls),
    range(outcomes.map(({ refreshes }) => refreshes)),
    range(outcomes.map(({ successes }) => successes)),
    `${alive} of ${outcomes.length}`,
    range(outcomes.map(({ logins }) => logins)),
  ];
}

function range(values: readonly number[]): string {
  const [low, high] = [Math.min(...values), Math.max(...values)];
  return low === high ? String(low) : `${low} to ${high}`;
}
