import { readFileSync } from 'node:fs';
import type { Command } from 'commander';
import { commands } from '../src/cli/commands.ts';
import { endings, exitCodes, type Ending } from '../src/cli/exit-codes.ts';
import { createProgram } from '../src/cli/program.ts';

/** What a command answers in JSON, where that is not told elsewhere: the type, and the file that has it. */
const answers: Readonly<
  Record<string, { readonly result: string; readonly types?: readonly [string, string][] }>
> = {
  login: { result: '{ server, url?, account, isNew, kept }', types: [] },
  list: {
    result: '{ servers: ListedAccount[] }',
    types: [
      ['ListedAccount', 'list-servers'],
      ['KeptAccount', '../client/kept-account'],
      ['KeptCredential', '../interaction/credentials/kept-credential'],
      ['CredentialFacts', '../interaction/credential-kind'],
    ],
  },
  logout: {
    result: '{ signedOut: SignedOut[] }',
    types: [
      ['SignedOut', 'log-out'],
      ['LogoutResult', '../client/auth/auth-strategy'],
    ],
  },
  tools: { result: '{ server, tools }, where tools are as the server describes them' },
  call: { result: 'what the tool answers, as the protocol has it; with --out also { files: string[] }' },
  config: { result: '{ changes: Change[] }', types: [['Change', 'change-hosts']] },
  keys: {
    result:
      'generate: { id, key } or { id, file }; count: { keys: { id, records, seals? }[], unsealed, partitions, empty }; reseal: { resealed, ending, changed, unreadable, partitions, empty }; move: { store, place, moved }',
  },
};

/** `docs/cli.md`, from the commands themselves. */
export async function renderCliPage(): Promise<string> {
  const program = await createProgram('', () => true);
  const sections = program.commands
    .filter((command) => Object.hasOwn(commands, command.name()))
    .map((command) => sectionOf(command));
  const rows = (Object.keys(exitCodes) as Ending[]).map(
    (name) => `| ${exitCodes[name]} | ${endings[name]} |`,
  );
  return `<!-- Made from src/cli/ by \`node scripts/render-docs.ts\`. Change it there. -->

# The command line

\`\`\`sh
npm install --global postern
\`\`\`

or, without installing it, \`npx postern\`. It needs Node 22.13 or newer. The [guide](guides/command-line.md) shows the first five
minutes.

What a command answers goes to standard output, and nothing else does: links, questions, progress and errors go to standard
error. Colours are shown where a terminal shows them; \`NO_COLOR\` and \`FORCE_COLOR\` decide otherwise.

## Servers

A server is named by its address, or by a name in your own file of servers, which has the format of desktop hosts:

\`\`\`json
{ "mcpServers": { "calendar": { "url": "https://calendar.example/mcp" } } }
\`\`\`

It is \`mcp.json\` in \`~/.config/postern\` (\`$XDG_CONFIG_HOME/postern\`), on macOS in \`~/Library/Application Support/postern\`, on
Windows in \`%APPDATA%\\postern\`; \`--config\` names another. An entry may have all that a server of \`postern/client\` may have
([ways-in.md](ways-in.md)), and what hosts write: \`type\`, \`headers\`, \`command\`, \`args\`, \`env\`.

## Where sign-ins are kept

In one store, in the data folder of whoever runs the command: \`~/.local/share/postern\` on Linux. The bridge has the same, and so
has \`new Client(servers, { persist: 'postern' })\`, where a server has the same name and address. A server that is only known by
its address is named after it: \`https://calendar.example/mcp\` is \`calendar.example\`. One that is named
later takes that sign-in over. Each name has a sign-in of its own, so two names for one address can be two accounts; so can
\`--account\`.

The store is sealed. Its key lies in the system's keychain (Keychain, Credential Manager, Secret Service) where there is one
when the store is made, and else in a file beside it that only its user can read; which it is, is said then. It stays where it
is until \`postern keys move\` moves it. A keychain that does not answer within 20 s is an error, and so is one that has lost the
key: no other is made in its place. \`POSTERN_KEYCHAIN=off\` has the keychain never asked.

## Scripts

A script is never kept waiting for a person: where standard error is no terminal, a call that needs a sign-in ends at once with 3,
and says which \`postern login\` is needed. \`--login\` has it wait all the same, \`--no-login\` never.

With \`--json\`, a command prints one document, which keeps its shape: \`{ "ok": true, "result": … }\`, or
\`{ "ok": false, "exitCode": …, "error": { "name", "code"?, "message", "hint"?, "actor"?, "evidence"?, "words" } }\`, where \`code\` is one
of [errors.md](errors.md) and \`words\` is what a person would have been told. Members may be added; none is renamed.

| Exit code | |
|---|---|
${rows.join('\n')}

Which code each error ends with stands in [errors.md](errors.md).

${sections.join('\n\n')}
`;
}

function sectionOf(command: Command): string {
  const answer = answers[command.name()];
  const texts = [command, ...command.commands.filter((each) => each.name() !== 'help')].map(helpOf);
  const types = (answer?.types ?? []).map(([name, file]) => declaration(name, file));
  return [
    `## \`postern ${command.name()}\``,
    '',
    ...texts.map((text) => `\`\`\`text\n${text}\n\`\`\`\n`),
    ...(answer === undefined ? [] : [`In JSON, the result is ${code(answer.result)}.`]),
    ...types.map((text) => `\n\`\`\`typescript\n${text}\n\`\`\``),
  ]
    .join('\n')
    .trimEnd();
}

/** As \`--help\` has it, without the options that all commands have. */
function helpOf(command: Command): string {
  let text = '';
  command.configureHelp({ showGlobalOptions: false, helpWidth: 110 });
  command.configureOutput({ writeOut: (part) => (text += part), getOutHasColors: () => false });
  command.outputHelp();
  return text.trim();
}

function code(result: string): string {
  return result.replaceAll(/\{[^{}]*(?:\{[^{}]*\}[^{}]*)*\}/gu, (shape) => `\`${shape}\``);
}

/** An interface as it stands in its source. */
function declaration(name: string, file: string): string {
  const source = readFileSync(new URL(`../src/cli/${file}.ts`, import.meta.url), 'utf8');
  const found = new RegExp(`^(?:export )?(interface ${name}\\b[\\s\\S]*?^\\})$`, 'mu').exec(source)?.[1];
  if (found === undefined) throw new Error(`${file} has no interface ${name}`);
  return found;
}
