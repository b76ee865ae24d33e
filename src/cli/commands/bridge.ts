import { Option, type Command } from 'commander';
import { more, seconds } from '../common-options.ts';
import { runCommand } from '../run-command.ts';
import type { ServeBridgeOptions } from '../serve-bridge.ts';

const help = `
The host is answered at once: by what the server offered last, or with a tool "login" that gives the link. The tools appear
by themselves when you have signed in. Links are told on standard error, and open in a browser where there is one.

In a host's configuration:
  { "mcpServers": { "calendar": { "command": "npx", "args": ["-y", "postern", "bridge", "https://calendar.example/mcp"] } } }

Examples:
  $ postern bridge https://calendar.example/mcp
  $ postern bridge https://calendar.example/mcp --header 'X-Tenant: acme' --header-file secrets.txt
  $ postern bridge calendar                        a name from your file of servers
  $ postern bridge --server work=https://calendar.example/mcp --server notes=https://notes.example/mcp
  $ postern bridge --config servers.json           every server in a file of a host's
  $ postern bridge https://calendar.example/mcp --client-id app-1 --client-secret env:APP_SECRET
  $ postern bridge https://calendar.example/mcp --ignore-tool 'delete*'`;

/** `postern bridge`. */
export function defineBridge(command: Command): void {
  command
    .argument('[server]', 'its address, or its name in your file of servers')
    .option('--server <name=url>', 'one of several servers; may be repeated', more)
    .option(
      '--header <name:value>',
      'sent with every request; ${NAME} is read from the environment; may be repeated',
      more,
    )
    .option('--header-file <file>', 'headers from a file, one a line')
    .option('--allow-http', 'allow plain HTTP to another machine')
    .addOption(
      new Option('--transport <which>', 'in which order transports are tried')
        .choices(['http-first', 'sse-first', 'http-only', 'sse-only'])
        .default('http-first'),
    )
    .addOption(
      new Option('--protocol <era>', 'the revisions to speak with the server: those of the host where it can')
        .choices(['auto', 'legacy', 'modern'])
        .default('auto'),
    )
    .addOption(
      new Option('--host <address>', 'where callbacks are taken').choices(['127.0.0.1', '::1', 'localhost']),
    )
    .option('--callback-port <port>', 'the port where callbacks are taken (default: the one used last)')
    .option('--scope <scope>', 'ask for this, and not for what the server suggests; may be repeated', more)
    .option('--client-id <id>', 'a client that was registered beforehand')
    .option('--client-secret <where>', 'its secret: env:NAME or file:PATH, never the secret itself')
    .option('--client-metadata-url <url>', "where the client's metadata document is")
    .option(
      '--resource <uri>',
      'what tokens are asked for, where it is not the address; "none" to leave it out',
    )
    .option('--authorize-param <name=value>', 'more for the authorization request; may be repeated', more)
    .option(
      '--ignore-tool <pattern>',
      'offer and call no tool of that name; * stands for anything; may be repeated',
      more,
    )
    .option('--timeout <seconds>', 'how long a call may take (default: 300)', seconds)
    .option('--no-browser', 'open no browser: tell the link')
    .description('Serve a remote server on stdio, to a host that speaks nothing else.')
    .addHelpText('after', help)
    .action((server: string | undefined, options: ServeBridgeOptions) =>
      runCommand(command, async (context) =>
        (await import('../serve-bridge.ts')).serveBridge(server, options, context),
      ),
    );
}
