import { InvalidArgumentError, Option, type Command } from 'commander';

/** What commands that are about one account at one server have in common. */
export interface AccountOptions {
  readonly account?: string | undefined;
  readonly timeout?: number | undefined;
}

export const serverArgument: readonly [string, string] = [
  '<server>',
  'its address, or its name in your file of servers',
];

export function withAccount(command: Command): Command {
  return command.option('--account <name>', 'which of several accounts there', checkedText);
}

export function withTimeout(command: Command): Command {
  return command.option(
    '--timeout <seconds>',
    'how long to wait for the server, each time (default: 30)',
    seconds,
  );
}

/** Whether a command that needs a sign-in asks for it: where somebody looks, unless they say otherwise. */
export function withLogin(command: Command): Command {
  return command
    .addOption(new Option('--login', 'sign in on the way, also where nobody looks'))
    .addOption(new Option('--no-login', 'ask nobody: fail, if somebody has to sign in first'));
}

function checkedText(text: string): string {
  if (text.trim() !== '') return text;
  throw new InvalidArgumentError('It is empty.');
}

/** A time as people type it, in milliseconds. */
export function seconds(text: string): number {
  const value = Number(text);
  if (text.trim() !== '' && value > 0 && value <= 86_400) return value * 1_000;
  throw new InvalidArgumentError('Give seconds, up to 86400.');
}

/** Adds one more to what an option that may be repeated has. */
export function more(text: string, before: readonly string[] = []): readonly string[] {
  return [...before, text];
}
