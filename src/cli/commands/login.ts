import { Option, type Command } from 'commander';
import { more, serverArgument, withAccount, withTimeout } from '../common-options.ts';
import { runCommand } from '../run-command.ts';
import type { LogInOptions } from '../log-in.ts';

const help = `
A browser opens, and the command waits until you are done. Where no browser can be opened, over SSH or in a container,
you get a code for another device if the server has codes, and a link otherwise.

Examples:
  $ postern login https://calendar.example/mcp
  $ postern login calendar                         a name from your file of servers
  $ postern login calendar --account work --hint me@work.example
  $ postern login calendar --no-browser            only tell the link
  $ postern login calendar --device                a code for your phone
  $ postern login calendar --paste                 the browser is on another machine: paste the address it ends at
  $ postern login calendar --force                 sign out, and in again: as somebody else, for instance
  $ postern login calendar --client-id app-1 --client-secret env:APP_SECRET`;

/** `postern login`. */
export function defineLogin(command: Command): void {
  withTimeout(withAccount(command.argument(...serverArgument)))
    .option('--hint <who>', 'who is to sign in, for the page where they do')
    .option('--force', 'sign out first, and start over')
    .option('--no-browser', 'open no browser: tell the link')
    .addOption(new Option('--device', 'by a code for another device, where the server has codes'))
    .addOption(new Option('--paste', 'take the address that a browser elsewhere ends at').conflicts('device'))
    .option('--scope <scope>', 'ask for this, and not for what the server suggests; may be repeated', more)
    .option('--client-id <id>', 'a client that was registered beforehand')
    .option('--client-secret <where>', 'its secret: env:NAME or file:PATH, never the secret itself')
    .description('Sign in to a server.')
    .addHelpText('after', help)
    .action((server: string, options: LogInOptions) =>
      runCommand(command, async (context) => (await import('../log-in.ts')).logIn(server, options, context)),
    );
}
