import { columns } from './columns.ts';
import { parts, type Part } from './row.ts';
import { failing, type Cells, type Verdict } from './verdict.ts';

export interface RowReport {
  readonly name: string;
  readonly part: Part;
  readonly folder: string;
  readonly seconds: number;
  readonly cells: Cells;
}

export interface Report {
  readonly rows: readonly RowReport[];
  /** Folders of peers that were left out, because they are not installed. */
  readonly missing: readonly string[];
  readonly counts: Readonly<Record<Verdict, number>>;
  readonly passed: number;
  readonly failed: number;
}

export function reportOf(rows: readonly RowReport[], missing: readonly string[]): Report {
  const verdicts = rows.flatMap(({ cells }) => columns.map((column) => cells[column].verdict));
  const count = (verdict: Verdict): number => verdicts.filter((each) => each === verdict).length;
  return {
    rows,
    missing,
    counts: {
      yes: count('yes'),
      ours: count('ours'),
      peer: count('peer'),
      unexplained: count('unexplained'),
      mended: count('mended'),
      blocked: count('blocked'),
      none: count('none'),
    },
    passed: count('yes'),
    // A peer that cannot be tried is no success.
    failed: verdicts.filter((verdict) => failing.has(verdict)).length + missing.length,
  };
}

/** How a cell is written in a table. */
export const signs: Readonly<Record<Verdict, string>> = {
  yes: 'yes',
  ours: 'no: ours',
  peer: 'no: peer',
  unexplained: 'no: ?',
  mended: 'yes, known as no',
  blocked: '·',
  none: '–',
};

/** The table for a terminal, with what went wrong below it. */
export function renderText({ rows, missing, counts }: Report): string {
  const lines: string[] = [];
  const head = ['', ...columns, 's'];
  const body = rows.map(({ name, cells, seconds }) => [
    name,
    ...columns.map((column) => signs[cells[column].verdict]),
    seconds.toFixed(1),
  ]);
  const widths = head.map((text, index) =>
    Math.max(text.length, ...body.map((row) => row[index]?.length ?? 0)),
  );
  const line = (row: readonly string[]): string =>
    row
      .map((text, index) => text.padEnd(widths[index] ?? 0))
      .join('  ')
      .trimEnd();
  for (const [part, title] of Object.entries(parts)) {
    const shown = body.filter((_row, index) => rows[index]?.part === part);
    if (shown.length > 0) lines.push('', title, line(head), ...shown.map(line));
  }
  const wrong = rows.flatMap(({ name, cells }) =>
    columns
      .filter((column) => failing.has(cells[column].verdict))
      .map((column) => `  ${name}, ${column} (${signs[cells[column].verdict]}): ${cells[column].detail}`),
  );
  if (wrong.length > 0) lines.push('', 'What fails:', ...wrong);
  for (const folder of missing) {
    lines.push(
      '',
      `Not installed, so not tried: ${folder}. To install it: npm ci --prefix interop/peers/${folder}`,
    );
  }
  const { yes, ours, peer, unexplained, mended, blocked, none } = counts;
  lines.push(
    '',
    `${yes} yes; no: ${ours} ours, ${peer} the peer's, ${unexplained} unexplained; ${mended} known as no and yes; ${blocked} (·) not reached; ${none} (–) do not apply`,
  );
  return lines.join('\n');
}
