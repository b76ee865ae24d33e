import { Option, type Command } from 'commander';
import type { CallOptions } from '../call-tool.ts';
import { more, serverArgument, withAccount, withLogin, withTimeout } from '../common-options.ts';
import { runCommand } from '../run-command.ts';

const help = `
An --arg is read as what the tool says it takes: a number, true or false, JSON for a list or an object, and text otherwise.
What the tool answers goes to standard output; pictures and other files are written to files of their own, whose names stand
in their place. The command ends with 6 when the answer is an error, see docs/cli.md.

Examples:
  $ postern call calendar list_events
  $ postern call calendar add_event --arg title=dentist --arg day=monday --arg minutes=30
  $ postern call calendar add_event --input '{"title":"dentist","day":"monday"}'
  $ postern call calendar add_event --input @event.json
  $ jq -n '{title:"dentist"}' | postern call calendar add_event --input -
  $ postern call https://charts.example/mcp draw --arg year=2026 --out pictures
  $ postern call calendar list_events --json | jq .result.structuredContent`;

/** `postern call`. */
export function defineCall(command: Command): void {
  withLogin(withTimeout(withAccount(command.argument(...serverArgument).argument('<tool>', 'its name'))))
    .option('--arg <name=value>', 'one argument; may be repeated', more)
    .addOption(
      new Option('--input <json>', 'all arguments as JSON; @file reads a file, - standard input').conflicts(
        'arg',
      ),
    )
    .option('--out <folder>', 'where files are written (default: here)')
    .description('Call a tool.')
    .addHelpText('after', help)
    .action((server: string, tool: string, options: CallOptions) =>
      runCommand(command, async (context) =>
        (await import('../call-tool.ts')).callTool(server, tool, options, context),
      ),
    );
}
