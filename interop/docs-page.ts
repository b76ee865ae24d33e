/**
 * Renders docs/interop.md from the report of a whole run.
 *
 *   npm run interop -- --out results/interop.json
 *   node interop/docs-page.ts results/interop.json
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { columns, type Column } from './columns.ts';
import { readKnown } from './known.ts';
import { signs, type Report, type RowReport } from './report.ts';
import { parts, peerPath, type Part } from './row.ts';

const report = JSON.parse(readFileSync(process.argv[2] ?? 'results/interop.json', 'utf8')) as Report;

const meanings: Readonly<Record<Part, readonly string[]>> = {
  authorization: [
    '**login**: a person opens the link, signs in and consents, and the session is connected. **call**: the tool answers for that person.',
    '**expiry**: time passes for both sides; one refresh, nobody is asked. **twenty calls**: only the server finds the token too old; twenty calls at once are answered with one refresh. Where there are no refresh tokens, everybody is given one link.',
    '**revocation**: the grant is ended at the authorization server; the person is asked, and gets back in. **our restart**, **their restart**: the agent, or the server, is killed and started on its store; nobody is asked.',
    '**registrations lost**: the server is killed and its store deleted; the person gets back in by the first link, the second, or one after `connect({ force: true })`. **pages**: what the person is shown last.',
  ],
  server: [
    '**call**: the tools are listed and one is called. **twenty calls**: at once. **our restart**, **their restart**: the agent, or the server, is killed and started again; the first call, or the second, is answered.',
  ],
  client: [
    '**login**: the tool needs a secret; the link reaches the client’s user (in the result, the error’s message, or an elicitation), who fills in the form. **call**: the call goes on, or the next one is answered.',
    '**twenty calls**: with the secret forgotten, twenty calls at once show one link, and all are answered in the end. **revocation**: the secret is forgotten; the person is asked again. **our restart**: the server is killed and started on its store, and the client goes on. **their restart**: likewise the client. **pages**: what the person is shown last.',
  ],
  hop: [
    '**call**: one tool each of everything, filesystem and memory is called through the hop. **twenty calls**: at once. **our restart**: expose is killed and started again; one of the next two calls is answered. **their restart**: through the bridge, the server likewise; through expose, the client, whose first call is answered.',
  ],
};

function table(rows: readonly RowReport[]): string {
  const shown = columns.filter((column) => rows.some(({ cells }) => cells[column].verdict !== 'none'));
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;
  return [
    line(['', ...shown]),
    line(['---', ...shown.map(() => '---')]),
    ...rows.map(({ name, cells }) => line([name, ...shown.map((column) => signs[cells[column].verdict])])),
  ].join('\n');
}

/** Why cells do not hold or do not apply, the same reason once for all that it is for. */
function reasons(rows: readonly RowReport[], verdicts: readonly string[]): string {
  const found = new Map<string, string[]>();
  for (const { name, cells } of rows) {
    for (const column of columns) {
      const { verdict, reason, detail } = cells[column];
      if (!verdicts.includes(verdict)) continue;
      const why = reason ?? detail;
      found.set(why, [...(found.get(why) ?? []), `${name} (${column})`]);
    }
  }
  return [...found].map(([why, where]) => `- ${why} ${where.join('; ')}.`).join('\n');
}

/** What shows that a cell is the peer's, row by row, under each reason. */
function evidence(rows: readonly RowReport[]): string {
  const found = new Map<string, string[]>();
  for (const { name, folder, cells } of rows) {
    for (const [column, known] of Object.entries(readKnown(folder)[name] ?? {})) {
      if (known.fault !== 'peer' || cells[column as Column].verdict !== 'peer') continue;
      const { specification, exchange } = known.evidence;
      const lines = exchange.map((line) => `  - ${line}`);
      const told = [`- **${name} (${column})**. ${known.reason}`, ...lines].join('\n');
      found.set(specification, [...(found.get(specification) ?? []), told]);
    }
  }
  return [...found].map(([specification, told]) => `${specification}\n\n${told.join('\n')}`).join('\n\n');
}

function seen(rows: readonly RowReport[], column: Column): string {
  const lines = rows
    .filter(({ cells }) => cells[column].verdict !== 'none' && cells[column].detail !== '')
    .map(({ name, cells }) => `- ${name}: ${cells[column].detail.replaceAll('|', '\\|')}`);
  return lines.join('\n');
}

function versions(): string {
  const folders = [...new Set(report.rows.map(({ folder }) => folder))].toSorted();
  const lines = folders.map((folder) => {
    const { dependencies, devDependencies } = JSON.parse(readFileSync(packagePath(folder), 'utf8')) as Record<
      string,
      Record<string, string> | undefined
    >;
    const named = Object.entries(dependencies ?? {}).map(([name, version]) => `${name} ${version}`);
    const main = `the development dependencies (oidc-provider ${devDependencies?.['oidc-provider']}, @modelcontextprotocol/client and /server 2)`;
    return `- \`${folder}\`: ${devDependencies === undefined ? named.join(', ') : main}`;
  });
  return lines.join('\n');
}

function packagePath(folder: string): string {
  return ownPackage(folder) ? peerPath(folder, 'package.json') : peerPath('..', '../package.json');
}

function ownPackage(folder: string): boolean {
  try {
    readFileSync(peerPath(folder, 'package.json'));
    return true;
  } catch {
    return false;
  }
}

const { counts } = report;
const sections = (Object.keys(parts) as Part[]).map((part) => {
  const rows = report.rows.filter((row) => row.part === part);
  const pages =
    part === 'server' || part === 'hop' ? '' : `\nWhat the person sees last:\n\n${seen(rows, 'pages')}\n`;
  return `## ${parts[part]}\n\n${meanings[part].join('\n\n')}\n\n${table(rows)}\n${pages}`;
});

const page = `# Interoperability

Postern against public peers, each in a process of its own on loopback, driven by the public API. Made from a run of \`npm run interop\` by \`node interop/docs-page.ts\`; do not edit it.

${report.rows.length} lines; ${counts.yes} cells hold; of those that do not, ${counts.ours} are ours, ${counts.peer} the peer’s, ${counts.unexplained} unexplained; ${counts.blocked} (·) could not be tried because another does not hold; ${counts.none} (–) do not apply.

To run it: \`bash .ci/peers\` installs the peers (each has a private package and lock file in \`interop/peers/\`) and runs everything; \`npm run interop -- --short\` runs what needs no peer installed. Why a cell does not hold stands in \`known.json\` beside the peer. The exit code is 1 when a cell of ours fails, when nobody has said whose a failing cell is, and when a cell holds that is known not to.

${sections.join('\n')}
## What is ours

${reasons(report.rows, ['ours', 'unexplained', 'mended']) || 'Nothing.'}

## What is the peer’s

${evidence(report.rows) || 'Nothing.'}

## What does not apply

${reasons(report.rows, ['none'])}

## The peers

${versions()}
`;
writeFileSync(new URL('../docs/interop.md', import.meta.url), page);
