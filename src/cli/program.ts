import { Command, CommanderError } from 'commander';
import { commands } from './commands.ts';
import { exitCodes } from './exit-codes.ts';
import { Output } from './output.ts';

/** How long what a command has left open may keep the process, once it has ended. */
const lingerMs = 2_000;

const examples = `
Examples:
  $ postern login https://calendar.example/mcp     sign in; a browser opens
  $ postern tools https://calendar.example/mcp     what it can do
  $ postern call https://calendar.example/mcp list_events --arg day=monday
  $ postern config add https://calendar.example/mcp --host claude
                                                   let a desktop host use it

A server is an address, or a name from your file of servers. "postern <command> --help" has more examples.`;

/**
 * The program, with its commands.
 *
 * @param isAsked of which commands more is needed than their names.
 */
export async function createProgram(version: string, isAsked: (name: string) => boolean): Promise<Command> {
  const program = new Command('postern')
    .description('Sign in to MCP servers, call them, and let other programs use them.')
    .version(version, '-V, --version', 'print the version')
    .helpOption('-h, --help', 'print this')
    .helpCommand('help [command]', 'print the help of a command')
    .option('--json', 'answer in JSON')
    .option('--config <file>', 'a file of servers, in place of your own')
    .option('--debug', 'say more on standard error')
    .configureHelp({ showGlobalOptions: true })
    .showSuggestionAfterError()
    .addHelpText('after', examples)
    .exitOverride();
  for (const [name, { summary, load }] of Object.entries(commands)) {
    const command = program.command(name).summary(summary);
    if (isAsked(name)) (await load())(command);
  }
  return program;
}

/** Runs what a command line asks for, and sets what the process ends with. */
export async function runProgram(args: readonly string[], version: string): Promise<void> {
  // Also where help is asked for. A word that only looks like a command's name costs no more than its loading.
  const program = await createProgram(version, (name) => args.includes(name));
  try {
    await program.parseAsync(args, { from: 'user' });
  } catch (error) {
    process.exitCode = endOf(error, args);
  }
  // A connection that somebody else keeps alive ends nobody's wait for the prompt.
  setTimeout(() => process.exit(), lingerMs).unref();
}

function endOf(error: unknown, args: readonly string[]): number {
  const end = args.indexOf('--');
  const json = args.slice(0, end === -1 ? undefined : end).includes('--json');
  if (!(error instanceof CommanderError)) return new Output({ json }).fail(error);
  // Help and version end so, too.
  if (error.exitCode === 0) return exitCodes.ok;
  // In words it has been said already.
  if (json) new Output({ json }).answerMisuse(error.message.replace(/^error: /u, ''));
  return exitCodes.usage;
}
