/**
 * Runs Postern against public peers, and prints what works.
 *
 *   npm run interop                  every peer; installs nothing: .ci/peers does, or npm ci in its folder
 *   npm run interop -- --short       the peers that are development dependencies anyway
 *   npm run interop -- --only TEXT   rows whose name has the text in it
 *   npm run interop -- --json        ends with the counts as one object
 *   npm run interop -- --out FILE    writes the whole report as JSON; scripts/… renders docs/interop.md from it
 *
 * The exit code is 1 when a cell that is ours fails, when nobody has said whose a failing cell is, or when a cell
 * that is known to fail does not.
 */
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { parseArgs } from 'node:util';
import { killAll } from './child.ts';
import { readKnown, type KnownCells } from './known.ts';
import { renderText, reportOf, signs, type RowReport } from './report.ts';
import { beside, peerPath, type Row } from './row.ts';
import { authorizationRows } from './rows/authorization-rows.ts';
import { clientRows } from './rows/client-rows.ts';
import { hopRows } from './rows/hop-rows.ts';
import { serverRows } from './rows/server-rows.ts';
import { failing, judge } from './verdict.ts';
import { columns } from './columns.ts';

const { values: flags } = parseArgs({
  options: {
    short: { type: 'boolean', default: false },
    only: { type: 'string' },
    json: { type: 'boolean', default: false },
    out: { type: 'string' },
  },
});

process.on('exit', killAll);
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => process.exit(130));

function isInstalled({ folder }: Row): boolean {
  return !existsSync(peerPath(folder, 'package.json')) || existsSync(peerPath(folder, 'node_modules'));
}

/** What is known of a row, and what never applies to its part. */
function knownOf({ part, folder, name, beside: more }: Row): KnownCells {
  const general = Object.entries({ ...beside[part], ...more }).map(
    ([column, reason]) => [column, { fault: 'not applicable', reason }] as const,
  );
  return { ...Object.fromEntries(general), ...readKnown(folder)[name] };
}

async function run(row: Row): Promise<RowReport> {
  const began = performance.now();
  const cells = judge(await row.run(), knownOf(row));
  const { name, part, folder } = row;
  const seconds = Math.round((performance.now() - began) / 100) / 10;
  const shown = columns.map((column) => `${column}: ${signs[cells[column].verdict]}`);
  const isBad = columns.some((column) => failing.has(cells[column].verdict));
  process.stderr.write(`${isBad ? '✗' : '✓'} ${name} (${seconds} s): ${shown.join(', ')}\n`);
  return { name, part, folder, seconds, cells };
}

const chosen = [...authorizationRows, ...serverRows, ...clientRows, ...hopRows].filter(
  (row) =>
    (!flags.short || row.short) &&
    (flags.only === undefined || `${row.part}: ${row.name}`.includes(flags.only)),
);
// Before the run: minutes of work must not end in a folder that is missing.
if (flags.out !== undefined) mkdirSync(dirname(flags.out), { recursive: true });
const reports: RowReport[] = [];
for (const row of chosen.filter(isInstalled)) reports.push(await run(row));
const missing = new Set(chosen.filter((row) => !isInstalled(row)).map(({ folder }) => folder));
const report = reportOf(reports, [...missing]);

process.stdout.write(`${renderText(report)}\n`);
if (flags.out !== undefined) writeFileSync(flags.out, `${JSON.stringify(report, undefined, 2)}\n`);
if (flags.json) {
  const { counts, passed, failed } = report;
  process.stdout.write(
    `${JSON.stringify({ rows: reports.length, ...counts, missing: missing.size, passed, failed })}\n`,
  );
}
process.exit(report.failed > 0 || reports.length === 0 ? 1 : 0);
