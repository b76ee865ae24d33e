import type { Command } from 'commander';
import { withTimeout } from '../common-options.ts';
import type { ListOptions } from '../list-servers.ts';
import { runCommand } from '../run-command.ts';

const help = `
The servers of your file, and those that somebody has signed in to. Without --check nobody is asked: what is told is what is
kept here.

Examples:
  $ postern list
  $ postern list --check                           connect to each, and say what is wrong and what is to be done
  $ postern list --json`;

/** `postern list`. */
export function defineList(command: Command): void {
  withTimeout(command)
    .alias('ls')
    .option('--check', 'connect to each server')
    .description('The servers, who is signed in, until when, and what is to be done next.')
    .addHelpText('after', help)
    .action((options: ListOptions) =>
      runCommand(command, async (context) =>
        (await import('../list-servers.ts')).listServers(options, context),
      ),
    );
}
