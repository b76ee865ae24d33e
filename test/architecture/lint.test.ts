import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, onTestFinished, test } from 'vitest';

const project = fileURLToPath(new URL('../..', import.meta.url));
const oxlint = join(project, 'node_modules/oxlint/bin/oxlint');

/** One import a line, in every form there is; `core` may have none of them, a face may have all. */
const planted = [
  "import { acquireLease } from '../sync/lease.ts';",
  "import type { Lease } from '../sync/lease.ts';",
  "import '../sync/cooldown.ts';",
  "export { waitFor } from '../sync/wait-for.ts';",
  "export type { Waiter } from '../sync/wait-for.ts';",
  "export * from '../pending/index.ts';",
  "export const late = (): unknown => import('../web/page.ts');",
  "export type Page = import('../web/page.ts').Page;",
  "export * from '@modelcontextprotocol/client';",
  'export const use: Lease = acquireLease;',
];

interface Diagnostic {
  readonly code: string;
  readonly filename: string;
  readonly labels: readonly { readonly span: { readonly line: number } }[];
}

/** The lines of each planted file where the project's linter sees a breach of one rule. */
async function breaches(
  files: readonly string[],
  lines: readonly string[] = planted,
  rule = 'postern(layers)',
): Promise<Record<string, number[]>> {
  const tree = await mkdtemp(join(tmpdir(), 'postern-lint-'));
  onTestFinished(async () => {
    await rm(tree, { recursive: true, force: true });
  });
  const config = JSON.parse(await readFile(join(project, '.oxlintrc.json'), 'utf8')) as {
    jsPlugins: string[];
  };
  const changed = {
    ...config,
    jsPlugins: config.jsPlugins.map((path) => join(project, path)),
    options: { typeAware: false },
  };
  await writeFile(join(tree, '.oxlintrc.json'), JSON.stringify(changed));
  for (const file of files) {
    await mkdir(join(tree, file, '..'), { recursive: true });
    await writeFile(join(tree, file), lines.join('\n'));
  }
  const output = await new Promise<string>((resolve) => {
    // The linter exits 1 when it finds something; only what it printed counts.
    const options = { cwd: tree, timeout: 50_000 };
    execFile(process.execPath, [oxlint, '--format', 'json'], options, (_error, stdout) => {
      resolve(stdout);
    });
  });
  const { diagnostics } = JSON.parse(output) as { diagnostics: Diagnostic[] };
  const linesIn = (file: string): number[] =>
    diagnostics
      .filter(({ code, filename }) => code === rule && filename.replaceAll('\\', '/') === file)
      .map(({ labels }) => labels[0]?.span.line ?? 0)
      .toSorted((one, other) => one - other);
  return Object.fromEntries(files.map((file) => [file, linesIn(file)]));
}

test('the linter shows every form of import that the layer table refuses, and none that it allows', async () => {
  expect(
    await breaches(['src/core/a.ts', 'src/client/a.ts', 'src/core/a.test.ts', 'test/core/a.ts']),
  ).toEqual({
    'src/core/a.ts': [1, 2, 3, 4, 5, 6, 7, 8, 9],
    'src/client/a.ts': [],
    'src/core/a.test.ts': [],
    'test/core/a.ts': [],
  });
});

test('the linter shows what sends a request by itself, and not what is given a way to', async () => {
  const lines = [
    "export const sent = fetch('https://a.example');",
    'export const way = fetch;',
    "export const socket = new WebSocket('wss://a.example');",
    "export const given = (fetch: (url: string) => void): void => fetch('https://a.example');",
  ];
  const files = ['src/oauth/a.ts', 'src/oauth/a.test.ts'];
  expect(await breaches(files, lines, 'eslint(no-restricted-globals)')).toEqual({
    'src/oauth/a.ts': [1, 2, 3],
    'src/oauth/a.test.ts': [],
  });
});
