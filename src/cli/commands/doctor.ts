import type { Command } from 'commander';
import { more, serverArgument, withAccount } from '../common-options.ts';
import type { ExamineServerOptions } from '../examine-server.ts';
import { runCommand } from '../run-command.ts';

const help = `
It walks the way that a sign-in would take, without anybody's login, and says step by step what was asked, what came back,
what is wrong by which specification, who has to put it right, and what to configure until then. It changes nothing there,
unless you say --register. A sign-in that is stored here is used to ask for the tools, and is not renewed.

It ends with 0 where nothing is wrong, 7 where something will hurt somebody some day, 8 where something keeps people out,
and 5 where the server was not reached.

Examples:
  $ postern doctor https://calendar.example/mcp
  $ postern doctor calendar --register             also register a client, and delete it again where that can be done
  $ postern doctor calendar --client-id app-1      as a client that was registered by hand
  $ postern doctor calendar --header 'Authorization: Bearer \${TOKEN}'
                                                   what a token is good for; \${TOKEN} is read from the environment
  $ postern doctor calendar --json | jq '.result.checks[].findings[] | {id, severity, what, fixedBy}'`;

/** `postern doctor`. */
export function defineDoctor(command: Command): void {
  withAccount(command.argument(...serverArgument))
    .option('--register', 'register a client, and delete it again where the authorization server lets it')
    .option(
      '--header <name:value>',
      'sent with every request; ${NAME} is read from the environment; may be repeated',
      more,
    )
    .option('--header-file <file>', 'headers from a file, one a line')
    .option('--scope <scope>', 'ask for this, and not for what the server suggests; may be repeated', more)
    .option('--client-id <id>', 'a client that was registered beforehand')
    .option('--client-secret <where>', 'its secret: env:NAME or file:PATH, never the secret itself')
    .option('--client-metadata-url <url>', "where the client's metadata document is")
    .option(
      '--redirect-uri <uri>',
      'where people would be sent back to (default: an address of this machine)',
    )
    .option(
      '--resource <uri>',
      'what tokens are asked for, where it is not the address; "none" to leave it out',
    )
    .option('--authorize-param <name=value>', 'more for the authorization request; may be repeated', more)
    .option('--quiet', 'only what was found, and not every step')
    .description('Find out what is wrong with a server, step by step.')
    .addHelpText('after', help)
    .action((server: string, options: ExamineServerOptions) =>
      runCommand(command, async (context) =>
        (await import('../examine-server.ts')).examineServer(server, options, context),
      ),
    );
}
