// Writes docs/api.md: every exported name and its declaration, of the built package. A change of the surface shows
// there, and has to be written on purpose; with `--check` a report that does not fit is an error.
//
//   npm run build && node scripts/api-report.ts [--check]
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { exportedDeclarations, type Declared } from './exported-declarations.ts';

const root = new URL('../', import.meta.url);
const report = new URL('docs/api.md', root);
const manifest = JSON.parse(readFileSync(new URL('package.json', root), 'utf8')) as {
  name: string;
  exports: Record<string, string | { types: string }>;
};

const rows: string[] = [];
const sections: string[] = [];
const all = new Map<string, Declared>();
for (const [entry, target] of Object.entries(manifest.exports)) {
  if (typeof target === 'string') continue;
  const names = exportedDeclarations(fileURLToPath(new URL(target.types, root)));
  for (const [name, declared] of names) all.set(`${declared.file} ${name}`, declared);
  const id = manifest.name + entry.slice(1);
  rows.push(`| \`${id}\` | ${counts([...names.values()])} |`);
  const sorted = [...names].toSorted(([left], [right]) => (left < right ? -1 : 1));
  sections.push(`## ${id}\n\n\`\`\`dts\n${sorted.map(([, { text }]) => text).join('\n')}\n\`\`\`\n`);
}

const text = `# The public names

Written by \`scripts/api-report.ts\` from the built declarations, and compared with them in CI. What is not here is
nobody's to rely on. A name in two entries is counted once in the total.

| entry | values | types |
|---|---|---|
${rows.join('\n')}
| all | ${counts([...all.values()])} |

${sections.join('\n')}`;

if (!process.argv.includes('--check')) {
  writeFileSync(report, text);
} else if (readFileSync(report, 'utf8') !== text) {
  process.stderr.write(
    'docs/api.md is not what the package exports: node scripts/api-report.ts writes it anew\n',
  );
  process.exitCode = 1;
}

function counts(declared: readonly Declared[]): string {
  const values = declared.filter(({ isValue }) => isValue).length;
  return `${values} | ${declared.length - values}`;
}
