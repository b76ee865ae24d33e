import { InvalidArgumentError, Option, type Command } from 'commander';
import { more, serverArgument } from '../common-options.ts';
import type { AddOptions, ChangeOptions } from '../change-hosts.ts';
import { hostNames } from '../hosts.ts';
import { runCommand } from '../run-command.ts';

const help = `
Examples:
  $ postern config add https://calendar.example/mcp
  $ postern config remove https://calendar.example/mcp`;

const addHelp = `
What will be written is shown first, and you are asked. The rest of the file stays as it is, comments included; what was
there before is kept beside it, in a file ending in .before-postern.

Hosts: claude (Claude Desktop), cursor (Cursor), and postern, your own file of servers, which gives a server a name for
every command.

Examples:
  $ postern config add https://calendar.example/mcp
  $ postern config add https://calendar.example/mcp --name calendar --host postern
  $ postern config add calendar --host claude --host cursor --yes
  $ postern config add calendar --dry-run          only show it`;

const removeHelp = `
Examples:
  $ postern config remove calendar
  $ postern config remove calendar --host cursor --yes`;

/** `postern config`. */
export function defineConfig(command: Command): void {
  command
    .description('Let a desktop host use a server, through a bridge; or take that back.')
    .addHelpText('after', help)
    .action(() => {
      command.help({ error: true });
    });
  const add = command
    .command('add')
    .summary('let a host use a server')
    .argument(...serverArgument);
  withHost(add)
    .option('--name <name>', 'what the host is to call it (default: after its address)')
    .option('--replace', 'also in place of an entry that is none of ours')
    .addOption(
      new Option('--by <way>', 'how the host starts it: npx, or node with this very installation').choices([
        'npx',
        'node',
      ]),
    )
    .description('Let a desktop host use a server, through a bridge.')
    .addHelpText('after', addHelp)
    .action((server: string, options: AddOptions) =>
      runCommand(add, async (context) =>
        (await import('../change-hosts.ts')).addToHosts(server, options, context),
      ),
    );
  const remove = command.command('remove').summary('take it back').alias('rm');
  withHost(remove.argument('<name>', 'what the host calls it, or the address it was added by'))
    .description('Take a server out of a desktop host again.')
    .addHelpText('after', removeHelp)
    .action((name: string, options: ChangeOptions) =>
      runCommand(remove, async (context) =>
        (await import('../change-hosts.ts')).removeFromHosts(name, options, context),
      ),
    );
}

function withHost(command: Command): Command {
  return command
    .addOption(
      new Option(
        '--host <host>',
        'which; may be repeated (default: those of claude and cursor that you have)',
      ).argParser(moreHosts),
    )
    .option('-y, --yes', 'do not ask')
    .option('--dry-run', 'show what would be written, and write nothing');
}

function moreHosts(text: string, before: readonly string[] | undefined): readonly string[] {
  if (hostNames.some((name) => name === text)) return more(text, before);
  throw new InvalidArgumentError(`Allowed choices are ${hostNames.join(', ')}.`);
}
