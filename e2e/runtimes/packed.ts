import { execFileSync } from 'node:child_process';
import { mkdirSync, rmSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { build, type BuildOptions, type BuildResult, type Plugin } from 'esbuild';

const folder = fileURLToPath(new URL('.', import.meta.url));
const root = fileURLToPath(new URL('../../', import.meta.url));
const unpacked = `${folder}node_modules/postern`;

/** Packs what is built, and unpacks it where an installation would have put it; what it depends on lies above it. */
export function unpackTarball(): void {
  const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('npm_')));
  const run = (command: string, ...args: string[]): void =>
    void execFileSync(command, args, { cwd: root, env, stdio: ['ignore', 'ignore', 'inherit'] });
  // --ignore-scripts: `prepack` would build again.
  run('npm', 'pack', '--ignore-scripts', '--silent', '--pack-destination', `${folder}node_modules`);
  rmSync(unpacked, { recursive: true, force: true });
  mkdirSync(unpacked, { recursive: true });
  run('tar', 'xzf', `${folder}node_modules/postern-0.0.0.tgz`, '-C', unpacked, '--strip-components=1');
}

/** A program of ours, bundled as a user's, with the package as it was unpacked. */
export async function bundle(
  entry: string,
  options: BuildOptions = {},
): Promise<BuildResult<{ write: false; metafile: true }>> {
  return build({
    entryPoints: [`${root}${entry}`],
    bundle: true,
    format: 'esm',
    write: false,
    metafile: true,
    outfile: `${folder}node_modules/.bundles/out.mjs`,
    absWorkingDir: folder,
    logLevel: 'silent',
    ...options,
    plugins: [asUser(options.external ?? [])],
  });
}

/** A module of a user's that is no file, bundled. */
export async function bundleText(contents: string, options: BuildOptions): Promise<string> {
  const { outputFiles = [] } = await build({
    stdin: { contents, resolveDir: folder },
    bundle: true,
    format: 'esm',
    write: false,
    logLevel: 'silent',
    ...options,
  });
  return outputFiles[0]!.text;
}

/** As wrangler bundles a Worker. */
export const forWorkers: BuildOptions = {
  platform: 'browser',
  conditions: ['workerd', 'worker', 'browser'],
  target: 'es2024',
};

/** Our examples import the sources; a user imports the package. */
function asUser(external: readonly string[]): Plugin {
  return {
    name: 'as-user',
    setup(setup) {
      setup.onResolve({ filter: /\/src\/.*\.ts$/ }, ({ path, kind }) => {
        const entry = path.replace(/^.*\/src\//u, '').replace(/(?:\/?index)?\.ts$/u, '');
        const specifier = entry === '' ? 'postern' : `postern/${entry}`;
        if (external.includes('postern')) return { path: specifier, external: true };
        return setup.resolve(specifier, { kind, resolveDir: folder });
      });
    },
  };
}
