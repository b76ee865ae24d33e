import { readFileSync } from 'node:fs';
import type { Cell, Line, Report } from '../e2e/agents/compare/results.ts';

const kept = new URL('../e2e/agents/compare/results.json', import.meta.url);
const opening = '<!-- compare:agents, by `node scripts/render-docs.ts`; do not edit -->';
const closing = '<!-- /compare:agents -->';

/** README.md with the table of frameworks as it was last played. */
export function withShortTable(page: string): string {
  return filled(
    page,
    table(readReport(), ({ holds, short }) => (holds ? '✓' : `✗ ${short}`)),
  );
}

/** docs/agents.md with what was counted in each cell of it, and what was played. */
export function withWholeTable(page: string): string {
  const report = readReport();
  const played = report.stories.map(({ title, about }) => `- **${title}.** ${about}`);
  const seen = report.stories.map(
    ({ id, title }) => `**${title}**\n\n${report.lines.map((line) => seenIn(line, id)).join('\n')}`,
  );
  const made = report.lines.map(
    ({ name, practice, packages }) => `- ${name}: ${practice} (${packages.join(', ')})`,
  );
  return filled(
    page,
    [
      table(report, ({ holds }) => (holds ? '✓' : '✗')),
      'What is played:',
      played.join('\n'),
      'What was counted, at the servers:',
      seen.join('\n\n'),
      `What each was given, its documentation's best, on Node ${report.node} on ${report.on}:`,
      made.join('\n'),
    ].join('\n\n'),
  );
}

function readReport(): Report {
  return JSON.parse(readFileSync(kept, 'utf8')) as Report;
}

function table({ stories, lines }: Report, show: (cell: Cell) => string): string {
  const row = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;
  return [
    row(['', ...stories.map(({ title }) => title)]),
    row(['---', ...stories.map(() => '---')]),
    ...lines.map(({ name, cells }) => row([name, ...stories.map(({ id }) => show(cells[id]!))])),
  ].join('\n');
}

function seenIn({ name, cells }: Line, story: string): string {
  const { holds, seen } = cells[story]!;
  return `- ${holds ? '✓' : '✗'} ${name}: ${seen}.`;
}

/** @throws {Error} when the page has no place for it. */
function filled(page: string, content: string): string {
  const [before, rest] = split(page, opening);
  const [, after] = split(rest, closing);
  return `${before}${opening}\n\n${content}\n\n${closing}${after}`;
}

function split(page: string, at: string): [string, string] {
  const place = page.indexOf(at);
  if (place === -1) throw new Error(`the page has no ${at}`);
  return [page.slice(0, place), page.slice(place + at.length)];
}
