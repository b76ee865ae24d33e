import { InvalidArgumentError, Option, type Command } from 'commander';
import { more } from '../common-options.ts';
import { runCommand } from '../run-command.ts';
import type { ServeExposeOptions } from '../serve-expose.ts';

const help = `
What follows "--" is run as it stands, by no shell, once for each user, when they first call. Nothing that comes over the
network gets into it or into its environment: that is a short list (PATH, HOME, language, time zone) and what you name here.

Without --issuer or --api-keys, only this machine can call. Calls go to /mcp; /healthz tells whether it runs.

Examples:
  $ postern expose -- npx -y @modelcontextprotocol/server-everything
  $ postern expose --port 9000 --env LOG_LEVEL=debug --env HTTPS_PROXY -- my-server --read-only
  $ postern expose --host 0.0.0.0 --public-url https://tools.example --issuer https://login.example -- my-server
  $ postern expose --api-keys keys.txt --new-api-key alice
                                                   make a key for alice; it is shown once, the file has its hash
  $ postern expose --host 0.0.0.0 --api-keys keys.txt -- my-server
  $ postern expose --secret WEATHER_API_KEY -- my-server
                                                   each user gives their own key on a page; the model never sees it
  $ postern expose --public-url https://tools.example --issuer https://login.example --client-id tools \\
      --client-secret env:TOOLS_SECRET --secret WEATHER_API_KEY -- my-server`;

/** `postern expose`. */
export function defineExpose(command: Command): void {
  command
    .argument('[command...]', 'the server: a program and its arguments, behind "--"')
    .option('--port <port>', 'where to listen', port, 8000)
    .option('--host <address>', 'the address to listen on', '127.0.0.1')
    .option('--path <path>', 'of the endpoint', '/mcp')
    .option('--public-url <url>', 'where clients reach it, without the path (default: where it listens)')
    .addOption(
      new Option('--issuer <url>', 'let in whoever has an access token of this issuer').conflicts('apiKeys'),
    )
    .option('--audience <uri>', 'what such tokens are for (default: the public address of the endpoint)')
    .option('--scope <scope>', 'what clients are told to ask the issuer for; may be repeated', more)
    .option(
      '--client-id <id>',
      'this server at the issuer, to know who is at a browser; needed with --secret',
    )
    .option('--client-secret <where>', 'its secret: env:NAME or file:PATH, never the secret itself')
    .option('--api-keys <file>', 'let in whoever has one of the keys in this file')
    .addOption(
      new Option(
        '--new-api-key <name>',
        'make a key for a user, add its hash to the file of --api-keys, and end',
      ),
    )
    .option(
      '--env <name[=value]>',
      'a variable of the server; without a value, as it is here; may be repeated',
      more,
    )
    .option(
      '--secret <name>',
      'a variable that each user gives for themselves, on a page; may be repeated',
      more,
    )
    .option(
      '--name <name>',
      'what the server is called; what users give is kept under it (default: from the command)',
    )
    .option(
      '--forget-secrets [key-name]',
      'forget what a user has given: the one with the API key of that name, or whoever is at this machine; and end',
    )
    .option('--cwd <folder>', 'where the server runs')
    .option('--data <folder>', 'where what users give is kept, sealed (default: the store of this program)')
    .option('--allow-host <name>', 'a further name by which this machine is reached; may be repeated', more)
    .option('--allow-origin <origin>', 'the origin of a web page that may call; may be repeated', more)
    .option('--idle-timeout <minutes>', 'stop a server that nobody has used for so long', minutes, 30)
    .option('--max-age <hours>', 'stop a server that is so old, when it is not in use', hours, 24)
    .option('--max-servers <number>', 'how many servers may run at once', whole, 100)
    .option(
      '--max-servers-per-user <number>',
      'how many of them may be of one user (default: 16; all where only this machine may call)',
      whole,
    )
    .option('--max-body <bytes>', 'the largest message of a client', whole, 4 * 1024 * 1024)
    .description('Serve a program on stdio over Streamable HTTP, one child for each user.')
    .addHelpText('after', help)
    .action((words: string[], options: ServeExposeOptions) =>
      runCommand(command, async (context) =>
        (await import('../serve-expose.ts')).serveExpose(words, options, context),
      ),
    );
}

function port(text: string): number {
  const value = Number(text);
  if (/^\d{1,5}$/u.test(text) && value <= 65_535) return value;
  throw new InvalidArgumentError('Give a port, up to 65535; 0 is any free one.');
}

function whole(text: string): number {
  const value = Number(text);
  if (/^\d{1,12}$/u.test(text) && value > 0) return value;
  throw new InvalidArgumentError('Give a whole number, 1 or more.');
}

function minutes(text: string): number {
  return positive(text, 'minutes', 60 * 24 * 365);
}

function hours(text: string): number {
  return positive(text, 'hours', 24 * 365);
}

function positive(text: string, unit: string, max: number): number {
  const value = Number(text);
  if (text.trim() !== '' && value > 0 && value <= max) return value;
  throw new InvalidArgumentError(`Give ${unit}, more than 0.`);
}
