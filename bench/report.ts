import { cpus, loadavg } from 'node:os';
import type { BenchResult, Figure, Table } from './bench.ts';

/** A bench's result, or why there is none. */
export type Outcome = { readonly name: string } & (
  | { readonly result: BenchResult }
  | { readonly failure: string }
);

/** Where and when the figures were taken. */
export interface Surroundings {
  readonly date: string;
  readonly node: string;
  readonly cores: number;
  readonly load: readonly number[];
}

export function describeSurroundings(): Surroundings {
  return {
    date: new Date().toISOString(),
    node: process.version,
    cores: cpus().length,
    load: loadavg().map((value) => Math.round(value * 100) / 100),
  };
}

/** One result as plain text. */
export function formatOutcome(outcome: Outcome): string {
  if ('failure' in outcome) return `${outcome.name}: failed\n  ${outcome.failure}\n`;
  const { title, figures, table, notes } = outcome.result;
  return [
    `${outcome.name}: ${title}`,
    ...formatTable({
      columns: ['', 'median', '', 'middle half', 'aim'],
      rows: figures.map((figure) => [
        figure.label,
        formatNumber(figure.value),
        figure.unit,
        figure.spread === undefined ? '' : figure.spread.map(formatNumber).join(' to '),
        formatAim(figure),
      ]),
    }),
    ...(table === undefined ? [] : formatTable(table)),
    ...notes.map((note) => `  * ${note}`),
    '',
  ].join('\n');
}

/** Everything as one JSON object, on one line. */
export function formatJson(surroundings: Surroundings, outcomes: readonly Outcome[]): string {
  return JSON.stringify({ ...surroundings, benches: outcomes });
}

function formatAim({ value, aim }: Figure): string {
  if (aim === undefined) return '';
  return `≤ ${formatNumber(aim)}: ${value <= aim ? 'met' : 'missed'}`;
}

function formatNumber(value: number): string {
  if (Math.abs(value) >= 1000) return String(Math.round(value));
  return String(Number(value.toPrecision(3)));
}

function formatTable({ columns, rows }: Table): string[] {
  if (rows.length === 0) return [];
  const widths = columns.map((title, column) =>
    Math.max(title.length, ...rows.map((row) => (row[column] ?? '').length)),
  );
  const line = (cells: readonly string[]): string =>
    `  ${widths.map((width, column) => (cells[column] ?? '').padEnd(width)).join('  ')}`.trimEnd();
  return [line(columns), ...rows.map(line)];
}
