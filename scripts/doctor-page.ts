import { allChecks, citeSpecification, commonFindings, parties, type Check } from '../src/doctor/index.ts';

type Facts = Check['findings'][string];

/** Who can put a finding right, in a column. */
const who = Object.fromEntries(
  Object.entries(parties).map(([party, words]) => [party, words.replace(/^whoever runs /u, '')]),
);

/** `docs/doctor.md`, from the table of checks. */
export function renderDoctorPage(): string {
  return `<!-- Made from src/doctor/ by \`node scripts/render-docs.ts\`. Change it there. -->

# The doctor

\`\`\`sh
postern doctor https://calendar.example/mcp
\`\`\`

walks a server as somebody would who signs in to it, without anybody’s login. Every step says what was asked, what came back
(without queries, bodies and secrets), what is wrong by which specification, who has to put it right, and what to configure
until then: a part of the server’s entry in a configuration, as it stands.

It needs no credentials to be useful, and goes further with them:

| With | It also finds out |
|---|---|
| \`--client-id\`, \`--client-secret env:NAME\`, \`--client-metadata-url\` | whether the authorization endpoint accepts that client, its redirect URI, scopes and \`resource\` |
| \`--register\` | whether a client can register, and all of the above for it. It is deleted again where the issuer lets it; else its id is told |
| a stored sign-in (\`postern login\`) | whether its client is still known, whether the server accepts its token, and whether it can be renewed. It is not renewed, and its refresh token never sent |
| \`--header 'Authorization: Bearer \${TOKEN}'\` | whether the server accepts that credential |

## What it does to the other side

It sends some ten requests, one after the other, with 8 s for each, 15 s for a step and 90 s for all of them.
Without \`--register\` none of them changes anything, but some are meant to be refused: a registration that is no JSON, a
refresh with a token that is made up, a call of a tool that no server has, an authorization request with a redirect URI that
nobody can have registered. They show in the other side’s log. A code that an authorization endpoint gives at once is dropped.

What others send is bounded in size and time, cut short and escaped before it is shown, and nothing of what was sent as a
secret is shown when it comes back.

## In a script

\`--json\` prints \`{ "ok": true, "result": … }\`, where the result is a \`DoctorReport\`: \`version\`, \`url\`, \`examinedAt\`,
\`durationMs\`, \`verdict\`, \`counts\`, \`reached\` and \`checks\`. Each check has \`check\`, \`title\`, \`verdict\` (\`ok\`, \`note\`,
\`warning\`, \`problem\`, \`skipped\`), \`exchanges\`, \`facts\` and \`findings\`; each finding \`id\`, \`severity\`, \`what\`, \`specification\`,
\`fixedBy\`, \`fix\`, and, where there is something, \`meanwhile\` and \`configure\`. Members may be added; what is there keeps its
meaning, and so do the names of findings.

| Exit code | Says |
|---|---|
| 0 | nothing worse than notes |
| 7 | a warning: it will hurt somebody some day |
| 8 | a problem: it keeps people out |
| 5 | the server was not reached |

## What is looked into

${allChecks.map(renderCheck).join('\n')}
## In any step

${renderFindings(commonFindings)}`;
}

function renderCheck({ id, title, asks, judges, specification, findings }: Check): string {
  const cited = specification.map((each) => `[${citeSpecification(each)}](${each.url})`).join(', ');
  return `### \`${id}\`: ${title}

- Asked: ${asks}
- Judged: ${judges}${cited === '' ? '' : `\n- By: ${cited}`}

${renderFindings(findings)}`;
}

function renderFindings(findings: Readonly<Record<string, Facts>>): string {
  const rows = Object.entries(findings).map(
    ([id, { severity, meaning, specification, fixedBy, fix }]) =>
      `| \`${id}\` | ${severity} | ${meaning} | ${specification === undefined ? '' : citeSpecification(specification)} | ${who[fixedBy]} | ${fix} |`,
  );
  return [
    '| Finding | Severity | Means | Against | Up to | What they do |',
    '|---|---|---|---|---|---|',
    ...rows,
    '',
  ].join('\n');
}
