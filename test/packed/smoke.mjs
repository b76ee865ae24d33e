// Packs the package once and judges that very tarball: publint, attw, an
// installation, every entry imported, and a consumer compiled against its types.
//
//   node test/packed/smoke.mjs            on the Node that runs this file
//   node test/packed/smoke.mjs --floor    also on the oldest Node that `engines` allows
//
// Wants `npm run build` first. Dependencies come from the npm registry.
import { spawnSync } from 'node:child_process';
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const here = fileURLToPath(new URL('.', import.meta.url));
const project = join(here, '../..');
const manifest = JSON.parse(readFileSync(join(project, 'package.json'), 'utf8'));
const onFloor = process.argv.includes('--floor');

// npm tells its scripts about the package they belong to; the npm run in the temporary folder belongs to another.
const env = Object.fromEntries(
  Object.entries(process.env).filter(
    ([name]) => !/^npm_(?:package|lifecycle)_|^npm_config_local_prefix$/.test(name),
  ),
);

/** Runs a command to its end within a deadline, and ends this process when it fails. */
function run(title, cwd, command, ...args) {
  process.stdout.write(`\n${title}\n`);
  const { status, error, stdout } = spawnSync(command, args, {
    cwd,
    env,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'inherit'],
    timeout: 300_000,
    maxBuffer: 64 * 1024 * 1024,
  });
  process.stdout.write(stdout ?? '');
  if (status !== 0) {
    process.stdout.write(`${title}: failed${error === undefined ? '' : ` (${error.message})`}\n`);
    rmSync(folder, { recursive: true, force: true });
    process.exit(1);
  }
}

const tool = (path) => join(project, 'node_modules', path);
const folder = mkdtempSync(join(tmpdir(), 'postern-packed-'));

if (!existsSync(join(project, 'dist/index.js'))) {
  process.stderr.write('dist/ is missing: run `npm run build` first.\n');
  process.exit(1);
}

// --ignore-scripts: `prepack` would build again.
run('npm pack', project, 'npm', 'pack', '--ignore-scripts', '--silent', '--pack-destination', folder);
const tarball = join(folder, `${manifest.name}-${manifest.version}.tgz`);

run('publint', folder, process.execPath, tool('publint/src/cli.js'), tarball, '--strict');
run(
  'attw',
  folder,
  process.execPath,
  tool('@arethetypeswrong/cli/dist/index.js'),
  tarball,
  '--profile',
  'esm-only',
);

const consumer = join(folder, 'consumer');
mkdirSync(consumer);
writeFileSync(
  join(consumer, 'package.json'),
  JSON.stringify({
    private: true,
    type: 'module',
    dependencies: { [manifest.name]: `file:${tarball}` },
  }),
);
copyFileSync(join(here, 'entries.test.mjs'), join(consumer, 'entries.test.mjs'));
// Its name keeps it out of the project's own type check, where `postern` would be whatever was built last.
copyFileSync(join(here, 'consumer.ts.txt'), join(consumer, 'consumer.ts'));
const install = ['install', '--no-audit', '--no-fund', '--no-package-lock', '--loglevel=error'];
run('npm install of the tarball', consumer, 'npm', ...install);

const smoke = ['--test', '--test-reporter=spec', '--test-timeout=60000', 'entries.test.mjs'];
run(`the entries on Node ${process.versions.node}`, consumer, process.execPath, ...smoke);

for (const resolution of ['nodenext', 'bundler']) {
  const options = ['--noEmit', '--strict', '--target', 'es2024', '--types', '', '--skipLibCheck'];
  const module = resolution === 'bundler' ? 'esnext' : resolution;
  const files = ['--module', module, '--moduleResolution', resolution, 'consumer.ts'];
  run(
    `the types under ${resolution}`,
    consumer,
    process.execPath,
    tool('typescript/bin/tsc'),
    ...options,
    ...files,
  );
}

if (onFloor) {
  const floor = `${/\d+\.\d+/.exec(manifest.engines.node)?.[0]}.0`;
  const old = join(folder, 'floor');
  mkdirSync(old);
  writeFileSync(
    join(old, 'package.json'),
    JSON.stringify({ private: true, dependencies: { node: floor }, allowScripts: { node: true } }),
  );
  run(`npm install of Node ${floor}`, old, 'npm', ...install);
  run(`the entries on Node ${floor}`, consumer, join(old, 'node_modules/.bin/node'), ...smoke);
}

rmSync(folder, { recursive: true, force: true });
