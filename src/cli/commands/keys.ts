import { Option, type Command } from 'commander';
import { more } from '../common-options.ts';
import type { StoreOptions } from '../change-keys.ts';
import { runCommand } from '../run-command.ts';

const help = `
What is stored is sealed under keys; docs/keys.md says how they are changed while processes run.

Examples:
  $ postern keys generate                          a fresh key, for POSTERN_KEYS or a file of keys
  $ postern keys move --to keychain                where the key of your own sign-ins lies
  $ postern keys count --store-env DATABASE_URL
  $ postern keys reseal --store-env DATABASE_URL`;

const storeHelp = `
The whole store is looked through, unless it is said which part of it.

Stores: a folder of a local store, a file of SQLite, redis://…, postgres://…, dynamodb:<table>. An address with a password
belongs into the environment: others on this machine can read what is typed.`;

/** `postern keys`. */
export function defineKeys(command: Command): void {
  command
    .description('Make, count, move and change the keys that seal a store.')
    .addHelpText('after', help)
    .action(() => {
      command.help({ error: true });
    });
  const generate = command.command('generate').summary('make a fresh key');
  generate
    .option('--out <file>', 'write it to a new file that only you can read, and not to standard output')
    .description('Make a fresh key, as POSTERN_KEYS and files of keys have it.')
    .action((options: { out?: string }) =>
      runCommand(generate, async (context) =>
        (await import('../change-keys.ts')).generateKey(options, context),
      ),
    );
  const count = command.command('count').summary('how many records each key has sealed');
  withStore(count)
    .description('How many records each key has sealed. Opens none of them.')
    .action((options: StoreOptions) =>
      runCommand(count, async (context) => (await import('../change-keys.ts')).countKeys(options, context)),
    );
  const reseal = command.command('reseal').summary('seal with the newest key what older ones have sealed');
  withStore(reseal)
    .option(
      '--keys-env <name>',
      'the environment variable with the keys, newest first (default: POSTERN_KEYS)',
    )
    .addOption(new Option('--keys-file <file>', 'the file with the keys, newest first').conflicts('keysEnv'))
    .description('Seal with the newest key what older ones have sealed, while everybody works on.')
    .action((options: StoreOptions) =>
      runCommand(reseal, async (context) =>
        (await import('../change-keys.ts')).resealStore(options, context),
      ),
    );
  const move = command.command('move').summary('where the key of a local store lies');
  move
    .addOption(
      new Option('--to <place>', "the system's keychain, or a file beside the store")
        .choices(['keychain', 'file'])
        .makeOptionMandatory(),
    )
    .option('--store <folder>', 'the folder of a local store (default: your own)')
    .description('Move the key of a local store. Nothing is sealed anew, and processes that use it go on.')
    .action((options: { to: 'keychain' | 'file'; store?: string }) =>
      runCommand(move, async (context) => (await import('../change-keys.ts')).moveKeys(options, context)),
    );
}

function withStore(command: Command): Command {
  return command
    .option('--store <store>', 'which store (default: your own)')
    .addOption(
      new Option('--store-env <name>', 'the environment variable with its address').conflicts('store'),
    )
    .option('--context <id>', "only one of an agent's people; may be repeated", more)
    .option(
      '--partition <name>',
      'only a partition, as docs/storage-schema.md writes them; may be repeated',
      more,
    )
    .addHelpText('after', storeHelp);
}
