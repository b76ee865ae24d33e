import { builtinModules } from 'node:module';
import {
  driver,
  driverChoosers,
  everywhere,
  layers,
  memoryChoosers,
  nodeBound,
  nodeOnly,
  ownedPackages,
  portableEntries,
  rootLayers,
} from './layer-table.ts';
import { importsOf, resolveImport } from './source-imports.ts';

const folderOf = (file: string): string => (file.includes('/') ? file.slice(0, file.indexOf('/')) : '');
const stem = (file: string): string => file.replace(/\.ts$/, '');
const isNodeModule = (specifier: string): boolean =>
  specifier.startsWith('node:') || builtinModules.includes(specifier);

/** Whether `file` may import a `node:` module although it runs everywhere. */
const isEverywhere = (file: string, specifier: string): boolean =>
  everywhere.some((row) => row.file === stem(file) && row.module === specifier);

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
  if (driver.test(stem(target)) && !driverChoosers.includes(from))
    return `src/${from} may not choose a driver`;
  if (stem(target) === 'storage/memory-backend' && !memoryChoosers.includes(from)) {
    return `src/${from} may not choose a storage`;
  }
  return undefined;
}

/** Why `file` may not import the package or module `specifier`; undefined when it may. */
export function forbiddenPackage(file: string, specifier: string): string | undefined {
  if (/^postern(?:\/|$)/.test(specifier)) return 'imports its own package by name';
  if (isNodeModule(specifier) && !nodeOnly.test(stem(file)) && !isEverywhere(file, specifier)) {
    return 'runs on web standards alone';
  }
  const owned = ownedPackages.find((row) => row.package.test(specifier));
  return owned === undefined || owned.owners.includes(folderOf(file)) ? undefined : owned.why;
}

/**
 * Every import of a tree of sources that breaks the layer table, one line each.
 *
 * Type-only imports count: a layer that names another's types depends on it.
 */
export function layerViolations(sources: ReadonlyMap<string, string>): string[] {
  const found: string[] = [];
  for (const [file, source] of sources) {
    for (const { specifier } of importsOf(source)) {
      const target = resolveImport(file, specifier);
      const why = target === undefined ? forbiddenPackage(file, specifier) : forbiddenEdge(file, target);
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
        if (kind !== 'load' || isEverywhere(file, specifier)) continue;
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

/** Every cycle of imports that remains once types are stripped, as the files along it. */
export function importCycles(sources: ReadonlyMap<string, string>): string[] {
  const found: string[] = [];
  const done = new Set<string>();
  const visit = (file: string, path: readonly string[]): void => {
    const start = path.indexOf(file);
    if (start !== -1) {
      found.push([...path.slice(start), file].join(' → '));
      return;
    }
    if (done.has(file)) return;
    for (const { specifier, kind } of importsOf(sources.get(file) ?? '')) {
      const target = kind === 'type' ? undefined : resolveImport(file, specifier);
      if (target !== undefined) visit(target, [...path, file]);
    }
    done.add(file);
  };
  for (const file of sources.keys()) visit(file, []);
  return found;
}
