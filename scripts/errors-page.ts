import { errorCodes, type ErrorCodeFacts, type FixedBy } from '../src/core/error-codes.ts';

const areas: Readonly<Record<string, string>> = {
  CONFIG: 'Options that cannot work. Thrown when something is made, before anything is done.',
  NAMESPACE: 'Who a call is made for.',
  STORAGE: 'The store, its encryption and its keys.',
  LEASE: 'The right of one process to do one thing.',
  PENDING: 'An interaction that a person must finish.',
  RESUME: 'Parked requests.',
  AUTH: 'Signing in: what a person, or the server being called, said.',
  OAUTH: 'The authorization server, and what it publishes about itself.',
  NETWORK: 'Where requests leave the process.',
  CLIENT: 'Sessions with MCP servers.',
  OOB: 'Asking a person on behalf of an MCP server.',
  EXPOSE: 'Serving a server on stdio over HTTP.',
  GATEWAY: 'The bridge and the gateway.',
};

const fixers: Record<FixedBy, string> = {
  person: 'the person at the browser',
  developer: 'the developer of the program',
  operator: 'the operator of the deployment',
  server: 'the other server',
};

/** `docs/errors.md`, from the table of codes. */
export function renderErrorsPage(codes: Readonly<Record<string, ErrorCodeFacts>> = errorCodes): string {
  const rows = Object.entries(codes).toSorted(([one], [other]) => (one < other ? -1 : 1));
  const unknown = rows.map(([code]) => areaOf(code)).filter((area) => areas[area] === undefined);
  if (unknown.length > 0) throw new Error(`no description of the areas ${[...new Set(unknown)].join(', ')}`);
  const sections = Object.entries(areas).flatMap(([area, about]) => {
    const ofArea = rows.filter(([code]) => areaOf(code) === area);
    return ofArea.length === 0 ? [] : [section(area, about, ofArea)];
  });
  return `<!-- Made from src/core/error-codes.ts by \`node scripts/render-docs.ts\`. Change it there. -->

# Errors

Everything Postern throws on purpose is a \`PosternError\`. Branch on its \`code\`, never on its message; use
\`isPosternError(error, code)\`, which also knows errors made by another copy of the package.
\`message\` is for developers, \`hint\` tells a person what to do next, and neither holds a token, a code, a state or a full URL.
Misuse of a function throws a \`TypeError\`; a call that was aborted throws the reason of its signal.

\`explain(error, { for: 'person' | 'model' | 'operator' })\` says an error in words for one of the three, so that no host writes them.
In JSON, \`actor\` is who must act, and \`evidence\` what was seen of the other side: its HTTP status, whether a call may have been
carried out all the same (\`mayHaveRun\`), the versions it speaks, how its process ended.

- **Fixed by**: who can put it right.
- **Retry**: whether the same call may succeed later with nothing changed.
- **HTTP**: the status our own pages answer with.
- **Exit**: the exit code of a command that ends with it.

${sections.join('\n\n')}
`;
}

function section(area: string, about: string, rows: readonly (readonly [string, ErrorCodeFacts])[]): string {
  const lines = rows.map(([code, { meaning, fixedBy, retry, http, exit }]) => {
    const cells = [
      `\`${code}\``,
      meaning.replaceAll('|', '\\|'),
      fixers[fixedBy],
      retry ? 'yes' : 'no',
      http,
      exit,
    ];
    return `| ${cells.join(' | ')} |`;
  });
  return `## ${area}

${about}

| Code | Meaning | Fixed by | Retry | HTTP | Exit |
|---|---|---|---|---|---|
${lines.join('\n')}`;
}

function areaOf(code: string): string {
  return code.split('_')[2] ?? '';
}
