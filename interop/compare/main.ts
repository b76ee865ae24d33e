/**
 * Compares what servers answer directly with what they answer through bridge and expose, byte for byte.
 *
 *   node interop/compare/main.ts               every pair
 *   node interop/compare/main.ts --only TEXT   those whose label has the text in it
 *   node interop/compare/main.ts --json        ends with the counts as one object
 *
 * The exit code is 1 when something differs that is not known to, or does not that is.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { killAll } from '../child.ts';
import { compare, type Comparison } from './differences.ts';
import type { Exchange } from './conversation.ts';
import { knownDifferences } from './known-differences.ts';
import { pairs, type Opened, type Pair } from './pairs.ts';
import { scripts } from './scripts.ts';

const { values: flags } = parseArgs({
  options: { only: { type: 'string' }, json: { type: 'boolean', default: false } },
});

process.on('exit', killAll);
process.exitCode = await main();

async function main(): Promise<number> {
  const directory = await mkdtemp(join(tmpdir(), 'postern-compare-'));
  const counts = { pairs: 0, answers: 0, same: 0, varying: 0, known: 0, unknown: 0, failed: 0 };
  const seen = new Set<(typeof knownDifferences)[number]>();
  try {
    const chosen = pairs(directory).filter(({ label }) => label.includes(flags.only ?? ''));
    for (const pair of chosen) {
      counts.pairs++;
      try {
        const found = await comparePair(pair);
        counts.answers += found.answers;
        counts.same += found.same;
        counts.varying += found.varying;
        const { label } = pair;
        print(
          `${label}: ${found.same} of ${found.answers} answers the same, ${found.varying} vary by themselves`,
        );
        for (const { about, direct, through } of found.differences) {
          const known = knownDifferences.find((each) => each.label.test(label) && each.about.test(about));
          if (known !== undefined) seen.add(known);
          counts[known === undefined ? 'unknown' : 'known']++;
          print(`  ${about}: ${known?.reason ?? 'differs'}\n    direct:  ${direct}\n    through: ${through}`);
        }
      } catch (error) {
        counts.failed++;
        print(`${pair.label}: ${error instanceof Error ? error.message : String(error)}`);
      }
    }
    const gone = flags.only === undefined ? knownDifferences.filter((known) => !seen.has(known)) : [];
    for (const { about, reason } of gone) print(`known to differ, and the same: ${about}: ${reason}`);
    if (flags.json) console.log(JSON.stringify({ ...counts, gone: gone.length }));
    return counts.pairs > 0 && counts.unknown + counts.failed + gone.length === 0 ? 0 : 1;
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

async function comparePair({ era, direct, through }: Pair): Promise<Comparison> {
  const run = async (open: () => Promise<Opened>): Promise<readonly Exchange[]> => {
    const opened = await open();
    try {
      return (await scripts[era](opened.wire)).exchanges;
    } finally {
      await opened.close();
    }
  };
  return compare(await run(direct), await run(direct), await run(through));
}

function print(text: string): void {
  (flags.json ? console.error : console.log)(text);
}
