import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** A block of a document that says which file it is from, and is not found there. */
export interface StaleExcerpt {
  /** Counted from 1. */
  readonly line: number;
  readonly file: string;
}

/** How many blocks of a document say which file they are from, and which of them are not in it, as they stand. */
export function checkExcerpts(root: string, text: string): { count: number; stale: StaleExcerpt[] } {
  const lines = text.split('\n');
  const stale: StaleExcerpt[] = [];
  let count = 0;
  for (const [at, line] of lines.entries()) {
    const [, file] = /^```\w+ (\S+\/\S+)$/u.exec(line) ?? [];
    if (file === undefined) continue;
    count++;
    const block = lines.slice(at + 1, lines.indexOf('```', at + 1));
    if (!isIn(block, readFileSync(join(root, file), 'utf8').split('\n'))) stale.push({ line: at + 1, file });
  }
  return { count, stale };
}

/** Whether the lines of a block stand in a file one after the other, however far in. */
function isIn(block: readonly string[], file: readonly string[]): boolean {
  const [first = ''] = block;
  return file.some((line, start) => {
    if (!line.endsWith(first) || line.slice(0, line.length - first.length).trim() !== '') return false;
    const indent = line.slice(0, line.length - first.length);
    return block.every((text, at) => file[start + at] === (text === '' ? '' : indent + text));
  });
}
