/**
 * Runs the official MCP conformance suite against our client, and judges it by the checks it wrote down.
 *
 *   node test/conformance/main.ts client --requirements 2026-07-28
 *     --scenario auth/dpop   one scenario alone
 *     --timeout 120000       for one client, in milliseconds
 *     --json                 prints one JSON object last
 *
 * Exits with 1 when a scenario failed or checked nothing, with 2 when it was called wrongly.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { createReport, formatReport, isGreen } from './report.ts';
import { isRevision, readRequirementSet, type RequirementSet, type Revision } from './requirement-set.ts';
import { readResults } from './scenario-result.ts';
import { clientCommand, runSuite } from './suite.ts';

/** For a whole run. The clients run side by side, so it is not the sum of theirs. */
const limitMs = 220_000;

process.exitCode = await main();

async function main(): Promise<number> {
  const { values, positionals } = readArguments() ?? { values: undefined, positionals: [] };
  const [side] = positionals;
  if (side === 'server') {
    console.error('There is no server to test yet: it comes with a later change.');
    return 2;
  }
  if (
    values === undefined ||
    side !== 'client' ||
    positionals.length > 1 ||
    !isRevision(values.requirements) ||
    !/^[1-9]\d{0,6}$/u.test(values.timeout)
  ) {
    console.error(
      'usage: main.ts client --requirements 2026-07-28|2025-11-25 [--scenario NAME] [--timeout MS] [--json]',
    );
    return 2;
  }
  const set = await chooseScenarios(values.requirements, values.scenario);
  if (set === undefined) {
    console.error(`${values.requirements} has no client scenario ${JSON.stringify(values.scenario)}`);
    return 2;
  }
  return judge(set, { ...values, alone: values.scenario });
}

function readArguments() {
  try {
    return parseArgs({
      allowPositionals: true,
      options: {
        requirements: { type: 'string' },
        scenario: { type: 'string' },
        timeout: { type: 'string', default: '120000' },
        json: { type: 'boolean', default: false },
      },
    });
  } catch (error) {
    if (error instanceof TypeError) return undefined;
    throw error;
  }
}

/** The whole set of a revision, or the part of it that was asked for. */
async function chooseScenarios(
  revision: Revision,
  only: string | undefined,
): Promise<RequirementSet | undefined> {
  const set = await readRequirementSet(revision);
  if (only === undefined) return set;
  const reason = set.unscored.get(only);
  if (reason !== undefined) return { revision, required: [], unscored: new Map([[only, reason]]) };
  return set.required.includes(only) ? { revision, required: [only], unscored: new Map() } : undefined;
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
    const { output, timedOut } = await runSuite(
      ['client', '--command', clientCommand, ...which, '--timeout', timeout, '-o', directory],
      { limitMs },
    );
    const results = await readResults(directory);
    const report = createReport(set, results);
    if (timedOut) console.error(`the suite was not finished after ${limitMs} ms`);
    // A suite that broke down has left nothing else to go by.
    if (results.size === 0) console.error(output.trimEnd());
    console.log(formatReport(set, results, report));
    if (json) console.log(JSON.stringify(report));
    return isGreen(report) && !timedOut ? 0 : 1;
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}
