import { readFileSync } from 'node:fs';
import type { Contender } from './contenders.ts';
import type { Line, Report } from './results.ts';
import { stories } from './stories.ts';

const kept = new URL('results.json', import.meta.url);

export function readKept(): Report {
  return JSON.parse(readFileSync(kept, 'utf8')) as Report;
}

export function reportOf(lines: readonly Line[]): Report {
  return {
    on: new Date().toISOString().slice(0, 10),
    node: process.versions.node,
    stories: stories.map(({ id, title, about }) => ({ id, title, about })),
    lines,
  };
}

/** `name version` of what a contender is made of, as it is installed. */
export function packagesOf({ packages, folder }: Contender): readonly string[] {
  return packages.map((name) => {
    const path = new URL(`../${folder ?? '.'}/node_modules/${name}/package.json`, import.meta.url);
    const { version } = JSON.parse(readFileSync(path, 'utf8')) as { version: string };
    return `${name} ${version}`;
  });
}

/**
 * What of a run is not as it is kept. Where a cell holds, all that was counted is compared; where it does not, the counts
 * depend on how the calls of a peer meet, and only that it still does not.
 */
export function differences(lines: readonly Line[], { lines: before }: Report): readonly string[] {
  return lines.flatMap((line) => {
    const known = before.find(({ id }) => id === line.id);
    if (known === undefined) return [`${line.name}: not in what is kept`];
    return Object.entries(line.cells).flatMap(([story, { holds, seen }]) => {
      const was = known.cells[story];
      const isSame = holds === was?.holds && (!holds || seen === was.seen);
      return isSame ? [] : [`${line.name}, ${story}: ${seen}; kept: ${was?.seen ?? 'nothing'}`];
    });
  });
}
