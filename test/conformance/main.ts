/**
 * Runs the official MCP conformance suite against our client or a server of ours, and judges it by the checks
 * it wrote down.
 *
 *   node test/conformance/main.ts client --requirements 2026-07-28
 *   node test/conformance/main.ts server --requirements 2025-11-25
 *   node test/conformance/main.ts bridge --requirements 2025-11-25   the server behind a bridge that is exposed
 *   node test/conformance/main.ts expose --requirements 2025-11-25   the server on stdio, exposed
 *     --scenario auth/dpop   one scenario alone
 *     --timeout 120000       for one scenario, in milliseconds
 *     --json                 prints one JSON object last
 *
 * Exits with 1 when a scenario failed or checked nothing, or a hop carried less than it is known to, with 2 when it was called wrongly.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { compareHop, formatHop, isCarried } from './compare-hop.ts';
import { startBridgeHop, startExposeHop } from './hop.ts';
import { notCarried } from './not-carried.ts';
import { createReport, formatReport, isGreen } from './report.ts';
import {
  isHop,
  isRevision,
  isSide,
  readRequirementSet,
  type HopSide,
  type RequirementSet,
  type Revision,
  type Side,
} from './requirement-set.ts';
import { readResults, type ScenarioResult } from './scenario-result.ts';
import { clientCommand, runSuite } from './suite.ts';

/** For a whole run. Clients run side by side and a server's scenarios one by one; either is far below it. */
const limitMs = 220_000;

const defaultTimeoutMs = { client: '120000', server: '20000', bridge: '20000', expose: '20000' } as const;

process.exitCode = await main();

async function main(): Promise<number> {
  const { values, positionals } = readArguments() ?? { values: undefined, positionals: [] };
  const [side] = positionals;
  if (
    values === undefined ||
    !isSide(side) ||
    positionals.length > 1 ||
    !isRevision(values.requirements) ||
    !/^[1-9]\d{0,6}$/u.test(values.timeout ?? '1')
  ) {
    console.error(
      'usage: main.ts client|server|bridge|expose --requirements 2026-07-28|2025-11-25 [--scenario NAME] [--timeout MS] [--json]',
    );
    return 2;
  }
  const set = await chooseScenarios(side, values.requirements, values.scenario);
  if (set === undefined) {
    console.error(`${values.requirements} has no ${side} scenario ${JSON.stringify(values.scenario)}`);
    return 2;
  }
  const timeout = values.timeout ?? defaultTimeoutMs[side];
  return judge(set, { timeout, json: values.json, alone: values.scenario });
}

function readArguments() {
  try {
    return parseArgs({
      allowPositionals: true,
      options: {
        requirements: { type: 'string' },
        scenario: { type: 'string' },
        timeout: { type: 'string' },
        json: { type: 'boolean', default: false },
      },
    });
  } catch (error) {
    if (error instanceof TypeError) return undefined;
    throw error;
  }
}

/** The whole set of a revision, or the one scenario that was asked for, which then has to pass. */
async function chooseScenarios(
  side: Side,
  revision: Revision,
  only: string | undefined,
): Promise<RequirementSet | undefined> {
  const set = await readRequirementSet(side, revision);
  if (only === undefined) return set;
  const reason = set.unscored.get(only);
  const part = { ...set, required: [], unscored: new Map<string, string>(), optional: new Set<string>() };
  if (reason !== undefined) return { ...part, unscored: new Map([[only, reason]]) };
  return set.required.includes(only) ? { ...part, required: [only] } : undefined;
}

async function judge(
  set: RequirementSet,
  options: { readonly timeout: string; readonly json: boolean; readonly alone: string | undefined },
): Promise<number> {
  const { alone, timeout, json } = options;
  const directory = await mkdtemp(join(tmpdir(), 'postern-conformance-'));
  try {
    const which =
      alone === undefined
        ? ['--requirements', set.revision]
        : ['--scenario', alone, '--spec-version', set.revision, '--force'];
    if (isHop(set.side)) return await judgeHop(set, set.side, { directory, json, which, timeout });
    const { output, timedOut } = await runSide(set.side, [...which, '--timeout', timeout, '-o', directory]);
    const results = await readResults(directory, set.side);
    const report = createReport(set, results);
    if (timedOut) console.error(`the suite was not finished after ${limitMs} ms`);
    // A suite that broke down has left nothing else to go by.
    if (results.size === 0) console.error(output.trimEnd());
    console.log(formatReport(set, results, report));
    if (json) console.log(JSON.stringify(report));
    return isGreen(set, report) && !timedOut ? 0 : 1;
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

/** What a hop carries, beside what the same server does without it. */
async function judgeHop(
  { required, unscored, optional, revision }: RequirementSet,
  side: HopSide,
  options: {
    readonly directory: string;
    readonly json: boolean;
    readonly which: readonly string[];
    readonly timeout: string;
  },
): Promise<number> {
  const { directory, json, which, timeout } = options;
  const run = async (url: string, name: string): Promise<ReadonlyMap<string, ScenarioResult>> => {
    const folder = join(directory, name);
    const args = ['server', '--url', url, ...which, '--timeout', timeout, '-o', folder];
    const { output, timedOut } = await runSuite(args, { limitMs });
    const results = await readResults(folder, 'server');
    if (timedOut || results.size === 0) throw new Error(`the suite was not finished:\n${output.trimEnd()}`);
    return results;
  };
  const { startEverythingServer } = await import('./server/start-everything-server.ts');
  const server = await startEverythingServer();
  try {
    const direct = await run(server.url, 'direct');
    const hop = await (side === 'bridge' ? startBridgeHop(server.url) : startExposeHop());
    try {
      const through = await run(hop.url, 'through');
      const scenarios = [...required, ...[...unscored.keys()].filter((name) => !optional.has(name))];
      const losses = notCarried(side, revision);
      const outcomes = compareHop(scenarios, direct, through, losses);
      const green = isCarried(outcomes, which.includes('--scenario') ? new Map() : losses);
      if (!green) console.error(hop.said());
      console.log(formatHop(`${revision} through ${side}`, outcomes));
      if (json) console.log(JSON.stringify({ requirements: revision, side, green, outcomes }));
      return green ? 0 : 1;
    } finally {
      await hop.close();
    }
  } finally {
    await server.close();
  }
}

/** The suite starts a client for each scenario; a server is ours to start, one for all of them. */
async function runSide(side: Side, args: readonly string[]): ReturnType<typeof runSuite> {
  if (side === 'client') return runSuite(['client', '--command', clientCommand, ...args], { limitMs });
  const { startEverythingServer } = await import('./server/start-everything-server.ts');
  const server = await startEverythingServer();
  try {
    return await runSuite(['server', '--url', server.url, ...args], { limitMs });
  } finally {
    await server.close();
  }
}
