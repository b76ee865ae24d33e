import { columns, type Column, type Findings } from './columns.ts';
import type { KnownCells } from './known.ts';

/**
 * What a cell comes to:
 * `yes`; `ours`, `peer`: it does not hold, and whose fault that is; `unexplained`: it does not hold, and nobody has
 * said why; `mended`: it holds, though it is known not to, so what is known has to be corrected;
 * `blocked`: another column has to hold first; `none`: does not apply.
 */
export type Verdict = 'yes' | 'ours' | 'peer' | 'unexplained' | 'mended' | 'blocked' | 'none';

export interface Cell {
  readonly verdict: Verdict;
  readonly detail: string;
  /** Why it does not hold or does not apply, as `known.json` says. */
  readonly reason?: string;
}

export type Cells = Readonly<Record<Column, Cell>>;

/** Compares what was seen of a row with what is known of it. */
export function judge(findings: Findings, known: KnownCells): Cells {
  return Object.fromEntries(
    columns.map((column) => [column, judgeCell(findings[column], known[column])]),
  ) as Cells;
}

function judgeCell(finding: Findings[Column], known: KnownCells[Column]): Cell {
  if (finding === undefined) {
    return known?.fault === 'not applicable'
      ? { verdict: 'none', detail: '', reason: known.reason }
      : { verdict: 'unexplained', detail: 'it was not tried, and nothing says why' };
  }
  const { holds, detail, blockedBy } = finding;
  if (blockedBy !== undefined) return { verdict: 'blocked', detail: `not tried: ${blockedBy} does not hold` };
  if (known === undefined) return { verdict: holds ? 'yes' : 'unexplained', detail };
  const { fault, reason } = known;
  // What is said not to apply, and was tried all the same, is as wrong as a fault that is gone.
  if (holds || fault === 'not applicable') return { verdict: 'mended', detail, reason };
  return { verdict: fault, detail, reason };
}

/** Verdicts that make a run fail: faults of ours, what nobody has explained, and what is known wrongly. */
export const failing: ReadonlySet<Verdict> = new Set(['ours', 'unexplained', 'mended']);
