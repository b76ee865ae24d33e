import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join, posix } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { layers } from './layer-table.ts';
import { forbiddenEdge, forbiddenPackage } from './layer-violations.ts';

const project = fileURLToPath(new URL('../..', import.meta.url));
const oxlint = join(project, 'node_modules/oxlint/bin/oxlint');

const folders = Object.keys(layers);
const storageFiles = [
  'contract',
  'memory-backend',
  'sqlite',
  'sqlite-backend',
  'local',
  'keyring-file',
  'create-private-file',
  'redis',
  'postgres',
  'dynamodb',
];
const packages = [
  'node:fs',
  'node:async_hooks',
  'oauth4webapi',
  '@modelcontextprotocol/client',
  '@modelcontextprotocol/client/stdio',
  'zod',
  'postern',
  'postern/client',
];
const sites = [
  ...folders.map((folder) => `${folder}/planted.ts`),
  'index.ts',
  'storage/sqlite/index.ts',
  'storage/sqlite/sqlite-backend.ts',
  'storage/create-private-file.ts',
  'storage/redis/index.ts',
  'storage/local.ts',
  'storage/keyring-file.ts',
  'storage/conformance/index.ts',
  'client/loopback-coordinator.ts',
  'client/open-browser.ts',
  'client/stdio-connection.ts',
  'oob/pending-manager.ts',
];

interface Diagnostic {
  readonly code: string;
  readonly filename: string;
  readonly labels: readonly { readonly span: { readonly line: number } }[];
}

/** The specifiers a file at `site` is given to import, each with the verdict of the layer table. */
function edgesAt(site: string): { specifier: string; refused: boolean }[] {
  const files = [
    ...folders.map((folder) => `${folder}/target.ts`),
    ...storageFiles.map((name) => `storage/${name}.ts`),
  ];
  return [
    ...files.map((file) => {
      const path = posix.relative(posix.dirname(site), file);
      return {
        specifier: path.startsWith('.') ? path : `./${path}`,
        refused: forbiddenEdge(site, file) !== undefined,
      };
    }),
    ...packages.map((specifier) => ({ specifier, refused: forbiddenPackage(site, specifier) !== undefined })),
  ];
}

let tree: string;
beforeAll(async () => {
  tree = await mkdtemp(join(tmpdir(), 'postern-lint-'));
  const config = JSON.parse(await readFile(join(project, '.oxlintrc.json'), 'utf8')) as { options: object };
  await writeFile(join(tree, '.oxlintrc.json'), JSON.stringify({ ...config, options: { typeAware: false } }));
  for (const site of sites) {
    const lines = edgesAt(site).map(({ specifier }, n) =>
      n % 2 === 0
        ? `export { name${n} } from '${specifier}';`
        : `export type { Name${n} } from '${specifier}';`,
    );
    await mkdir(dirname(join(tree, 'src', site)), { recursive: true });
    await writeFile(join(tree, 'src', site), `${lines.join('\n')}\n`);
  }
});
afterAll(async () => {
  await rm(tree, { recursive: true, force: true });
});

test('the linter refuses exactly the imports that the layer table refuses', async () => {
  const output = await new Promise<string>((resolve) => {
    // The linter exits 1 when it finds something; only what it printed counts.
    execFile(
      process.execPath,
      [oxlint, '--format', 'json'],
      { cwd: tree, timeout: 30_000 },
      (_error, stdout) => {
        resolve(stdout);
      },
    );
  });
  const { diagnostics } = JSON.parse(output) as { diagnostics: Diagnostic[] };
  const refusedByLint = diagnostics
    .filter(({ code }) => code.includes('no-restricted-imports'))
    .map(({ filename, labels }) => {
      const site = filename.replaceAll('\\', '/').replace(/^src\//, '');
      return `${site} → ${edgesAt(site)[(labels[0]?.span.line ?? 0) - 1]?.specifier}`;
    });
  const refusedByTable = sites.flatMap((site) =>
    edgesAt(site)
      .filter(({ refused }) => refused)
      .map(({ specifier }) => `${site} → ${specifier}`),
  );
  expect(refusedByTable.length).toBeGreaterThan(100);
  expect([...new Set(refusedByLint)].toSorted()).toEqual(refusedByTable.toSorted());
}, 40_000);
