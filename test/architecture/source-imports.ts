import { readdir, readFile } from 'node:fs/promises';
import { join, posix, relative, sep } from 'node:path';

/** One import, re-export or `import()` of a source file. */
export interface SourceImport {
  readonly specifier: string;
  /** `type` vanishes when types are stripped; `late` is an `import()`, which loads when it is reached. */
  readonly kind: 'load' | 'type' | 'late';
  /** What is taken of it by name, types left out; `undefined` where that may be everything. */
  readonly names?: readonly string[] | undefined;
}

// No parser: our own sources are formatted by one tool, and a statement always starts its line.
const statement = /^[ \t]*(?:import|export)\b(?<clause>[^'"`;]*?)['"](?<specifier>[^'"\n]+)['"]/gm;
const dynamic = /\bimport\(\s*['"](?<specifier>[^'"\n]+)['"]/g;

/** The imports of a TypeScript source, in order of kind and place. */
export function importsOf(source: string): SourceImport[] {
  const found: SourceImport[] = [];
  for (const { groups } of source.matchAll(statement)) {
    const clause = groups?.['clause']?.trim() ?? '';
    // `export const name = 'text'` has a string too, but neither `from` nor an empty clause.
    if (clause !== '' && !/\bfrom$/.test(clause)) continue;
    found.push({
      specifier: groups?.['specifier'] ?? '',
      kind: clause.startsWith('type ') ? 'type' : 'load',
      names: namesIn(clause),
    });
  }
  for (const { groups } of source.matchAll(dynamic)) {
    found.push({ specifier: groups?.['specifier'] ?? '', kind: 'late' });
  }
  return found;
}

function namesIn(clause: string): string[] | undefined {
  if (clause.startsWith('type ')) return [];
  const [, list] = /^\{(?<list>[^}]*)\}\s*from$/.exec(clause) ?? [];
  return list
    ?.split(',')
    .map((name) => name.trim())
    .filter((name) => name !== '' && !name.startsWith('type '));
}

/** A relative specifier as a path under the same root as `file`; undefined for a package or `node:` module. */
export function resolveImport(file: string, specifier: string): string | undefined {
  return specifier.startsWith('.') ? posix.join(posix.dirname(file), specifier) : undefined;
}

/** Every TypeScript source under a folder that is not a test, by its path under it with `/` between segments. */
export async function readSources(folder: string): Promise<Map<string, string>> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const files = entries.filter(
    (entry) => entry.isFile() && entry.name.endsWith('.ts') && !entry.name.endsWith('.test.ts'),
  );
  const sources = new Map<string, string>();
  for (const entry of files) {
    const path = join(entry.parentPath, entry.name);
    sources.set(relative(folder, path).split(sep).join('/'), await readFile(path, 'utf8'));
  }
  return sources;
}
