// Writes dist/*.js: one file for each entry and program of package.json, and chunks for what they share or load late.
// `tsc -p tsconfig.build.json` writes the declarations beside them.
//
//   node scripts/bundle.ts
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { rolldown, type Plugin } from 'rolldown';
import { apartFromNode } from './apart-from-node.ts';
import { firstChunk, sharedChunks } from './shared-chunks.ts';

const root = new URL('../', import.meta.url);
const manifest = JSON.parse(readFileSync(new URL('package.json', root), 'utf8')) as {
  bin: Record<string, string>;
  exports: Record<string, string | { default: string }>;
  dependencies: Record<string, string>;
  peerDependencies: Record<string, string>;
};

/** Which modules go into a file of their own, by its name. */
type Chunk = ReturnType<typeof sharedChunks>[number];

const packages = Object.keys({ ...manifest.dependencies, ...manifest.peerDependencies });
const entries = sourcesOf(
  Object.values(manifest.exports).flatMap((target) => (typeof target === 'string' ? [] : [target.default])),
);
const firstUses = new Map([[sourceOf('client/session/asking-client'), 'client/index']]);
await writeBundle(entries, 'chunks', sharedChunks(entries, firstUses), [
  apartFromNode(sourceOf('needs-node')),
]);
// Nobody imports a program, so it shares no file with the entries: it would wait for what comes with it.
const programs = sourcesOf(Object.values(manifest.bin));
const atOnce = ['program', 'commands/bridge', 'serve-bridge'].map((name) => sourceOf(`cli/${name}`));
await writeBundle(programs, 'cli/chunks', [firstChunk(atOnce)]);

/** The path of each written file, without its ending, and its source. */
function sourcesOf(targets: readonly string[]): Map<string, string> {
  const names = targets.map((target) => target.replace(/^\.\/dist\/(.+)\.js$/, '$1'));
  return new Map(names.map((name) => [name, sourceOf(name)]));
}

function sourceOf(name: string): string {
  return fileURLToPath(new URL(`src/${name}.ts`, root));
}

async function writeBundle(
  input: ReadonlyMap<string, string>,
  chunkFolder: string,
  chunks: readonly Chunk[],
  plugins: Plugin[] = [],
): Promise<void> {
  const bundle = await rolldown({
    cwd: fileURLToPath(root),
    input: Object.fromEntries(input),
    external: (id) =>
      id.startsWith('node:') || packages.some((name) => id === name || id.startsWith(`${name}/`)),
    platform: 'neutral',
    plugins,
    // An entry has the names it declares, and not what a chunk happens to need of it.
    preserveEntrySignatures: 'strict',
    // The oldest Node of `engines` knows no `using`.
    transform: { target: 'es2024' },
    // The one warning that depends on how busy the machine is.
    checks: { bundlerTimings: false },
    // What it warns of, an unknown package or a circle, it would write all the same.
    onLog: (level, log) => {
      if (level === 'warn') throw new Error(log.message);
    },
  });
  await bundle.write({
    dir: 'dist',
    format: 'esm',
    // No hash: two builds of one source have the same files.
    entryFileNames: '[name].js',
    chunkFileNames: `${chunkFolder}/[name].js`,
    sourcemap: true,
    // The sources themselves are in the package, and the declarations have the docstrings.
    sourcemapExcludeSources: true,
    comments: { jsdoc: false },
    codeSplitting: {
      groups: chunks.map((chunk) => ({
        debugName: chunk.name,
        name: (id, graph) => (chunk.holds(id, (of) => graph.getModuleInfo(of)) ? chunk.name : null),
      })),
    },
  });
  await bundle.close();
}
