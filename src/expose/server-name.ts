import type { ChildCommand } from './child/server-process.ts';

/** What people would call a server: of what a package runner is given, the package. */
export function serverName({ command, args }: ChildCommand): string {
  const isRunner = /(?:^|[/\\])(?:npx|bunx|uvx|pipx|node|bun|deno|python3?)(?:\.exe|\.cmd)?$/u.test(command);
  const named = isRunner
    ? (args.find((word) => !word.startsWith('-') && word !== 'run') ?? command)
    : command;
  const last = named.startsWith('@') ? named : (named.split(/[/\\]/u).at(-1) ?? named);
  return last.slice(0, 100);
}
