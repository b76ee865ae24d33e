import { builtinModules } from 'node:module';
import {
  connecting,
  driver,
  driverChoosers,
  layers,
  listening,
  maxLines,
  memoryChoosers,
  nodeBound,
  nodeOnly,
  ownedPackages,
  portableEntries,
  rootLayers,
  tables,
  waysOut,
} from './layer-table.ts';
import { importsOf, resolveImport, type SourceImport } from './source-imports.ts';

const folderOf = (file: string): string => (file.includes('/') ? file.slice(0, file.indexOf('/')) : '');
const stem = (file: string): string => file.replace(/\.ts$/, '');
const isNodeModule = (specifier: string): boolean =>
  specifier.startsWith('node:') || builtinModules.includes(specifier);

/** Why `file` may not import `target`, both paths under `src/`; undefined when it may. */
export function forbiddenEdge(file: string, target: string): string | undefined {
  const from = folderOf(file);
  const to = folderOf(target);
  if (from === to) {
    const climbs = from === 'storage' && driver.test(stem(target)) && !driver.test(stem(file));
    return climbs ? 'the contract does not know its drivers' : undefined;
  }
  const allowed = from === '' ? rootLayers : layers[from];
  if (allowed === undefined) return `src/${from} is not in the layer table`;
  if (!allowed.includes(to)) return `src/${from || 'index.ts'} may not import src/${to || target}`;
  if (driver.test(stem(target)) && !driverChoosers.includes(stem(file)))
    return `src/${from || 'index.ts'} may not choose a driver`;
  if (stem(target) === 'storage/memory-backend' && !memoryChoosers.includes(from)) {
    return `src/${from} may not choose a storage`;
  }
  return undefined;
}

/** Why `file` may not import the package or module `specifier`; undefined when it may. */
export function forbiddenPackage(file: string, specifier: string): string | undefined {
  if (/^postern(?:\/|$)/.test(specifier)) return 'imports its own package by name';
  if (isNodeModule(specifier) && !nodeOnly.test(stem(file))) return 'runs on web standards alone';
  const owned = ownedPackages.find((row) => row.package.test(specifier));
  return owned === undefined || owned.owners.includes(folderOf(file)) ? undefined : owned.why;
}

/** Why `file` may not take what it does of a module that opens connections; undefined when it may. */
function forbiddenConnection(file: string, { specifier, kind, names }: SourceImport): string | undefined {
  if (!connecting.test(specifier) || waysOut.test(stem(file)) || kind === 'type') return undefined;
  return names?.every((name) => listening.has(name)) === true
    ? undefined
    : 'requests leave the process at src/http';
}

/** Every source but the way out that reads the global `fetch`, of which the linter sees only the short form. */
export function globalFetches(sources: ReadonlyMap<string, string>): string[] {
  return [...sources]
    .filter(([file, source]) => file !== 'http/network.ts' && /(?<!typeof )globalThis\.fetch/.test(source))
    .map(([file]) => file);
}

/**
 * Every import of a tree of sources that breaks the layer table, one line each.
 *
 * Type-only imports count: a layer that names another's types depends on it.
 */
export function layerViolations(sources: ReadonlyMap<string, string>): string[] {
  const found: string[] = [];
  for (const [file, source] of sources) {
    for (const imported of importsOf(source)) {
      const { specifier } = imported;
      const target = resolveImport(file, specifier);
      const why =
        target === undefined
          ? (forbiddenPackage(file, specifier) ?? forbiddenConnection(file, imported))
          : forbiddenEdge(file, target);
      if (why !== undefined) found.push(`src/${file} imports '${specifier}': ${why}`);
    }
  }
  return found.toSorted();
}

/** Each `node:` module that loads with a portable entry, as the chain of files that leads there. An `import()` is not followed. */
export function nodeModulesReached(sources: ReadonlyMap<string, string>): string[] {
  const found: string[] = [];
  for (const entry of portableEntries) {
    const chains: string[][] = [[entry]];
    const seen = new Set<string>([entry]);
    for (let chain = chains.pop(); chain !== undefined; chain = chains.pop()) {
      const file = chain.at(-1) ?? entry;
      for (const { specifier, kind } of importsOf(sources.get(file) ?? '')) {
        if (kind !== 'load') continue;
        if (isNodeModule(specifier) || nodeBound.test(specifier))
          found.push([...chain, specifier].join(' → '));
        const target = resolveImport(file, specifier);
        if (target === undefined || seen.has(target)) continue;
        seen.add(target);
        chains.push([...chain, target]);
      }
    }
  }
  return found.toSorted();
}

/** Every circle of imports, those of types alone included, as the files in it in the order of their names. */
export function importCircles(sources: ReadonlyMap<string, string>): string[] {
  const reached = new Map([...sources.keys()].map((file) => [file, filesReached(file, sources)]));
  const circles = new Set<string>();
  for (const [file, others] of reached) {
    const circle = [...others].filter((other) => reached.get(other)?.has(file));
    if (circle.length > 0) circles.add(circle.toSorted().join(' ↔ '));
  }
  return [...circles].toSorted();
}

/** What `file` imports, directly or not; itself only when it stands in a circle. */
function filesReached(file: string, sources: ReadonlyMap<string, string>): Set<string> {
  const targets = (of: string): string[] =>
    importsOf(sources.get(of) ?? '').flatMap(({ specifier }) => resolveImport(of, specifier) ?? []);
  const reached = new Set(targets(file));
  for (const next of reached) for (const target of targets(next)) reached.add(target);
  return reached;
}

/** Every source that is longer than a reader keeps in mind. */
export function longSources(sources: ReadonlyMap<string, string>): string[] {
  const lines = (source: string): number => source.split('\n').length - 1;
  return [...sources]
    .filter(([file, source]) => lines(source) > maxLines && !tables.includes(file))
    .map(([file]) => file);
}
