/**
 * Plays five stories with each framework alone, with our face, and with Auth0's SDK where it installs, and counts at real
 * servers what came of them. First, `npm --prefix e2e/agents ci` and `npm --prefix e2e/agents/compare/auth0 ci`. Takes about
 * ten minutes, most of them waiting for what does not go on by itself.
 *
 *   npm run compare:agents                          plays them, and says what was seen
 *   npm run compare:agents -- --only '^openai'      those whose id matches
 *   npm run compare:agents -- --story twice         one story
 *   npm run compare:agents -- --why                 tells each failure of a contender, too
 *   npm run compare:agents -- --keep                keeps what was seen; `node scripts/render-docs.ts` renders the tables
 *   npm run compare:agents -- --check               compares it with what is kept
 *
 * The exit code is 1 when something could not be played, or is not as it is kept.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { contenders, type Contender } from './contenders.ts';
import { differences, packagesOf, readKept, reportOf } from './report.ts';
import type { Cell, Line } from './results.ts';
import { onFailure, stories } from './stories.ts';

const { values: flags } = parseArgs({
  options: {
    only: { type: 'string', default: '' },
    story: { type: 'string', default: '' },
    why: { type: 'boolean', default: false },
    keep: { type: 'boolean', default: false },
    check: { type: 'boolean', default: false },
  },
});
if (flags.why) onFailure((error) => console.error(error));

let unplayed = 0;
const lines: Line[] = [];
for (const contender of contenders.filter(({ id }) => new RegExp(flags.only, 'u').test(id)))
  lines.push(await playAll(contender));

if (flags.keep) {
  const played = new Map(lines.map((line) => [line.id, line]));
  const all = contenders.flatMap(({ id }) => played.get(id) ?? keptLine(id) ?? []);
  const text = JSON.stringify(reportOf(all), null, 2);
  writeFileSync(new URL('results.json', import.meta.url), `${text}\n`);
}
const different = flags.check ? differences(lines, readKept()) : [];
for (const one of different) console.log(`not as it is kept: ${one}`);
const cells = lines.flatMap((line) => Object.values(line.cells));
const holding = cells.filter(({ holds }) => holds).length;
console.log(
  `${holding} of ${cells.length} cells hold; ${unplayed} could not be played, ${different.length} are not as they are kept`,
);
const failed = unplayed + different.length;
if (flags.check) {
  const totals = { numPassedTests: cells.length - different.length, numFailedTests: failed };
  const results = new URL('../../../results/', import.meta.url);
  mkdirSync(results, { recursive: true });
  writeFileSync(new URL('compare.json', results), JSON.stringify(totals));
}
// What is left of a contender that could not be played does not keep this open.
process.exit(failed === 0 ? 0 : 1);

async function playAll(contender: Contender): Promise<Line> {
  const { id, name, practice } = contender;
  const played: Record<string, Cell> = {};
  for (const story of stories.filter((one) => one.id.includes(flags.story))) {
    try {
      const cell = await story.play(contender);
      played[story.id] = cell;
      console.log(`${cell.holds ? '✓' : '✗'} ${name}, ${story.title}: ${cell.seen}`);
    } catch (error) {
      unplayed++;
      console.log(`? ${name}, ${story.title}: could not be played:`, error);
    }
  }
  const before = flags.keep && flags.story !== '' ? keptLine(id) : undefined;
  return { id, name, practice, packages: packagesOf(contender), cells: { ...before?.cells, ...played } };
}

function keptLine(id: string): Line | undefined {
  return readKept().lines.find((line) => line.id === id);
}
