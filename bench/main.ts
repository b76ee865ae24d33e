import { parseArgs } from 'node:util';
import type { Bench, BenchOptions } from './bench.ts';
import { bridge } from './bridge.ts';
import { callTool } from './call-tool.ts';
import { callback } from './callback.ts';
import { forgedCallback } from './forged-callback.ts';
import { hostile } from './hostile.ts';
import { idleMemory } from './idle-memory.ts';
import { importTime } from './import-time.ts';
import { outOfBand } from './oob.ts';
import { arePeersInstalled } from './peers.ts';
import { refreshStorm } from './refresh-storm.ts';
import { describeSurroundings, formatJson, formatOutcome, type Outcome } from './report.ts';
import { storage } from './storage.ts';
import { agents } from './agents.ts';

const benches: readonly Bench[] = [
  callTool,
  agents,
  importTime,
  idleMemory,
  callback,
  refreshStorm,
  forgedCallback,
  hostile,
  storage,
  outOfBand,
  bridge,
];
const usage = `usage: npm run bench -- [name…] [--json] [--rounds N] [--quick]\nbenches: ${benches.map(({ name }) => name).join(', ')}`;

/** Longer than every bench together takes on a slow machine. */
const deadlineMs = 20 * 60_000;

setTimeout(() => {
  console.error('the benches took too long');
  process.exit(1);
}, deadlineMs).unref();

process.exitCode = await main(process.argv.slice(2));

async function main(args: readonly string[]): Promise<number> {
  const parsed = parse(args);
  if (parsed === undefined) {
    console.error(usage);
    return 2;
  }
  const { values, positionals } = parsed;
  const unknown = positionals.filter((name) => !benches.some((bench) => bench.name === name));
  const rounds = values.rounds === undefined ? undefined : Number(values.rounds);
  if (unknown.length > 0 || (rounds !== undefined && !(Number.isInteger(rounds) && rounds > 0))) {
    console.error(usage);
    return 2;
  }
  const print = (text: string): void => (values.json ? console.error(text) : console.log(text));
  const options: BenchOptions = {
    rounds,
    quick: values.quick,
    peers: arePeersInstalled(),
    progress: (line) => console.error(line),
  };
  const surroundings = describeSurroundings();
  const { date, node, cores, load } = surroundings;
  print(`${date}, Node ${node}, ${cores} cores, load ${load.join(' ')}\n`);
  const chosen =
    positionals.length === 0 ? benches : benches.filter(({ name }) => positionals.includes(name));
  const outcomes: Outcome[] = [];
  for (const bench of chosen) {
    const outcome = await runOne(bench, options);
    outcomes.push(outcome);
    print(formatOutcome(outcome));
  }
  if (values.json) console.log(formatJson(surroundings, outcomes));
  return outcomes.some((outcome) => 'failure' in outcome) ? 1 : 0;
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        json: { type: 'boolean', default: false },
        quick: { type: 'boolean', default: false },
        rounds: { type: 'string' },
      },
    });
  } catch {
    return undefined;
  }
}

/** A bench that fails must not take the figures of the others with it. */
async function runOne(bench: Bench, options: BenchOptions): Promise<Outcome> {
  const { name } = bench;
  try {
    return { name, result: await bench.run(options) };
  } catch (error) {
    return { name, failure: error instanceof Error ? (error.stack ?? error.message) : String(error) };
  }
}
