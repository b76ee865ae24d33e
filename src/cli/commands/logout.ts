import { Option, type Command } from 'commander';
import { withAccount, withTimeout } from '../common-options.ts';
import type { LogOutOptions } from '../log-out.ts';
import { runCommand } from '../run-command.ts';

const help = `
What is kept here is forgotten, and ended at the server as far as it lets us: the answer says "revoked" only where the
server has confirmed it.

Examples:
  $ postern logout calendar
  $ postern logout calendar --account work         leave the other accounts there
  $ postern logout --all`;

/** `postern logout`. */
export function defineLogout(command: Command): void {
  withTimeout(withAccount(command.argument('[server]', 'its address, or its name; see `postern list`')))
    .addOption(new Option('--all', 'of every server').conflicts('account'))
    .description('Sign out, here and at the server.')
    .addHelpText('after', help)
    .action((server: string | undefined, options: LogOutOptions) =>
      runCommand(command, async (context) =>
        (await import('../log-out.ts')).logOut(server, options, context),
      ),
    );
}
