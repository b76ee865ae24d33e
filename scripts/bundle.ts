// Writes dist/*.js: one file for each entry and program of package.json, and chunks for what they share or load late.
// `tsc -p tsconfig.build.json` writes the declarations beside them.
//
//   node scripts/bundle.ts
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { rolldown } from 'rolldown';
import { sharedChunks } from './shared-chunks.ts';

const root = new URL('../', import.meta.url);
const manifest = JSON.parse(readFileSync(new URL('package.json', root), 'utf8')) as {
  bin: Record<string, string>;
  exports: Record<string, string | { default: string }>;
  dependencies: Record<string, string>;
  peerDependencies: Record<string, string>;
};

/** The path of each written entry, without its ending, and its source. */
const entries = new Map<string, string>();
const targets = Object.values(manifest.exports).flatMap((target) =>
  typeof target === 'string' ? [] : [target.default],
);
for (const target of [...targets, ...Object.values(manifest.bin)]) {
  const name = target.replace(/^\.\/dist\/(.+)\.js$/, '$1');
  entries.set(name, fileURLToPath(new URL(`src/${name}.ts`, root)));
}
const packages = Object.keys({ ...manifest.dependencies, ...manifest.peerDependencies });

const bundle = await rolldown({
  cwd: fileURLToPath(root),
  input: Object.fromEntries(entries),
  external: (id) =>
    id.startsWith('node:') || packages.some((name) => id === name || id.startsWith(`${name}/`)),
  platform: 'neutral',
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
  chunkFileNames: 'chunks/[name].js',
  sourcemap: true,
  // The sources themselves are in the package, and the declarations have the docstrings.
  sourcemapExcludeSources: true,
  comments: { jsdoc: false },
  codeSplitting: {
    groups: sharedChunks(entries).map((chunk) => ({
      debugName: chunk.name,
      name: (id, graph) => (chunk.holds(id, (of) => graph.getModuleInfo(of)) ? chunk.name : null),
    })),
  },
});
await bundle.close();
