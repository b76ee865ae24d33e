import type { Command } from 'commander';
import { serverArgument, withAccount, withLogin, withTimeout } from '../common-options.ts';
import type { ListToolsOptions } from '../list-tools.ts';
import { runCommand } from '../run-command.ts';

const help = `
Examples:
  $ postern tools https://calendar.example/mcp
  $ postern tools calendar list_events             one tool, with all that it takes
  $ postern tools calendar --json | jq -r '.result.tools[].name'`;

/** `postern tools`. */
export function defineTools(command: Command): void {
  withLogin(withTimeout(withAccount(command.argument(...serverArgument).argument('[tool]', 'only this one'))))
    .description('The tools of a server.')
    .addHelpText('after', help)
    .action((server: string, tool: string | undefined, options: ListToolsOptions) =>
      runCommand(command, async (context) =>
        (await import('../list-tools.ts')).listTools(server, tool, options, context),
      ),
    );
}
