// Compiles every `ts` example of README.md and docs/ as a user's strict project would, against the packed package in a
// folder of its own; docs/snippets.d.ts declares what they leave out. So is every entry, its declarations and all. Whole
// programs, which begin with their names, are run. Blocks that say which file they are from (```ts examples/…) must stand in it.
//
//   npm run build && node scripts/docs-check.ts [--node 22.18.0]
import { execFileSync, spawnSync } from 'node:child_process';
import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { checkExcerpts } from './check-excerpts.ts';
import { checkStdioGuide } from './check-stdio-guide.ts';
import { programName } from './users/guide.ts';
import { installNode } from './users/install-node.ts';

const root = fileURLToPath(new URL('..', import.meta.url));
const documents = [
  'README.md',
  ...readdirSync(join(root, 'docs'), { recursive: true, encoding: 'utf8' }).map((name) => `docs/${name}`),
].filter((name) => name.endsWith('.md'));
const folder = mkdtempSync(join(tmpdir(), 'postern-docs-'));
process.on('exit', () => rmSync(folder, { recursive: true, force: true }));

/** Where each example stands: by the file it is compiled as. */
const places = new Map<string, { document: string; line: number }>();
/** Whole programs, by their documents and names. */
const programs = new Map<string, string>();
for (const document of documents) {
  const lines = readFileSync(join(root, document), 'utf8').split('\n');
  for (let at = 0; at < lines.length; at++) {
    if (lines[at] !== '```ts') continue;
    const end = lines.indexOf('```', at);
    const program = programName(lines[at + 1]);
    const slug = document.replaceAll(/\W/gu, '-');
    // The programs of a guide stand together under their own names, by which they import each other.
    const file = program === undefined ? `${slug}-${at + 1}.ts` : `${slug}/${program}`;
    places.set(file, { document, line: at + 1 });
    if (program !== undefined) programs.set(`${document} ${program}`, join(folder, file));
    mkdirSync(dirname(join(folder, file)), { recursive: true });
    writeFileSync(join(folder, file), `${lines.slice(at + 1, end).join('\n')}\nexport {};\n`);
    at = end;
  }
}

// It begins in the folders of other guides, and replaces some of their programs.
for (const guide of ['agent', 'server'])
  cpSync(join(folder, `docs-guides-${guide}-md`), join(folder, 'docs-guides-operator-md'), {
    recursive: true,
    force: false,
  });

// Every declaration there is, checked whole (no `skipLibCheck`), and without the DOM's: a server has none.
const { exports } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
  exports: Record<string, unknown>;
};
const entries = Object.keys(exports).filter((entry) => !entry.endsWith('.json'));
writeFileSync(
  join(folder, 'every-entry.ts'),
  entries.map((entry, at) => `export type * as e${at} from 'postern${entry.slice(1)}';\n`).join(''),
);

for (const name of ['snippets.d.ts', 'frameworks.d.ts'])
  writeFileSync(join(folder, name), readFileSync(join(root, 'docs', name)));
writeFileSync(join(folder, 'package.json'), '{ "private": true, "type": "module" }');
writeFileSync(
  join(folder, 'tsconfig.json'),
  JSON.stringify({
    compilerOptions: {
      target: 'es2024',
      lib: ['es2024', 'esnext.disposable'],
      module: 'nodenext',
      types: ['node'],
      strict: true,
      noUncheckedIndexedAccess: true,
      exactOptionalPropertyTypes: true,
      skipLibCheck: false,
      noEmit: true,
      allowImportingTsExtensions: true,
    },
    include: ['**/*.ts'],
  }),
);
installPacked();

const tsc = join(root, 'node_modules/typescript/bin/tsc');
const { stdout, status } = spawnSync(process.execPath, [tsc, '-p', folder], {
  cwd: folder,
  encoding: 'utf8',
  timeout: 120_000,
});
for (const line of stdout.split('\n')) {
  const [, file = '', at, rest] = /^([^(\s]+)\((\d+),\d+\): (.*)$/u.exec(line) ?? [];
  const place = places.get(file);
  if (line !== '')
    process.stdout.write(place ? `${place.document}:${place.line + Number(at)}: ${rest}\n` : `${line}\n`);
}
process.stdout.write(
  `${places.size} examples of ${documents.length} documents, and ${entries.length} entries\n`,
);
process.exitCode = status === 0 ? 0 : 1;

let excerpts = 0;
for (const document of documents) {
  const { count, stale } = checkExcerpts(root, readFileSync(join(root, document), 'utf8'));
  excerpts += count;
  for (const { line, file } of stale) {
    process.exitCode = 1;
    process.stdout.write(`${document}:${line}: this does not stand in ${file}\n`);
  }
}
process.stdout.write(`${excerpts} excerpts of files, which stand in them\n`);

const guide = 'docs/guides/stdio-server.md';
const [server, small] = ['server.ts', 'small.ts'].map((name) => programs.get(`${guide} ${name}`));
if (server === undefined || small === undefined) throw new Error(`${guide} has lost its programs`);
const { values } = parseArgs({ options: { node: { type: 'string' } } });
for (const node of [
  process.execPath,
  ...(values.node === undefined ? [] : [join(installNode(values.node, join(folder, 'other-node')), 'node')]),
])
  await checkStdioGuide({ server, small, data: mkdtempSync(join(folder, 'data-')), node });
process.stdout.write(`the programs of ${guide} do what it says; those of the other guides: npm run users\n`);

/** What npm would install: the package as it is packed, and beside it what the project has. */
function installPacked(): void {
  const modules = join(folder, 'node_modules');
  mkdirSync(join(modules, 'postern'), { recursive: true });
  const packed = execFileSync('npm', ['pack', '--ignore-scripts', '--silent', '--pack-destination', folder], {
    cwd: root,
    encoding: 'utf8',
  }).trim();
  execFileSync('tar', ['-xzf', join(folder, packed), '--strip-components=1', '-C', join(modules, 'postern')]);
  const theirs = join(root, 'node_modules');
  const names = readdirSync(theirs).filter((name) => !name.startsWith('.') && name !== 'postern');
  for (const name of names) {
    const inside = name.startsWith('@')
      ? readdirSync(join(theirs, name)).map((part) => join(name, part))
      : [name];
    for (const path of inside) {
      mkdirSync(dirname(join(modules, path)), { recursive: true });
      symlinkSync(join(theirs, path), join(modules, path));
    }
  }
}
