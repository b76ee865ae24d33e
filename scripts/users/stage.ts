import { execFileSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { Reader } from './reader.ts';

/** What the four plays have in common. */
export interface Stage {
  /** Where the guides are. */
  readonly guides: string;
  /** Of this play alone. */
  readonly scratch: string;
  /** Of every shell, with what this play adds. */
  readonly env: Readonly<Record<string, string>>;
}

/** What a play came to: of the reader, what the guide makes them write and type. */
export interface Played {
  readonly lines: number;
  readonly commands: number;
}

export function openReader(
  { guides, scratch, env }: Stage,
  guide: string,
  own: Readonly<Record<string, string>>,
  folder = join(scratch, 'project'),
): Reader {
  mkdirSync(folder, { recursive: true });
  return new Reader({ guide: join(guides, guide), folder, env: { ...env, ...own } });
}

/** What would tell a program that it runs here, and not where its reader is. */
const ofThisRun = /^(?:npm_|CI$|NODE_OPTIONS$|DISPLAY$|WAYLAND_DISPLAY$|BROWSER$|WSL_|SSH_|XDG_|POSTERN_)/u;

/**
 * The environment of somebody's shell on a machine of their own, with nothing in their home.
 *
 * @param programs the folder of its Node.
 */
export function shellEnv(home: string, registry: string, programs: string): Record<string, string> {
  const inherited = Object.entries(process.env).filter(
    (entry): entry is [string, string] => entry[1] !== undefined && !ofThisRun.test(entry[0]),
  );
  return {
    ...Object.fromEntries(inherited),
    PATH: `${programs}:${process.env['PATH'] ?? ''}`,
    HOME: home,
    NO_COLOR: '1',
    NO_UPDATE_NOTIFIER: '1',
    npm_config_registry: registry,
    npm_config_fund: 'false',
    npm_config_audit: 'false',
    // What was downloaded before need not be again.
    npm_config_cache: execFileSync('npm', ['config', 'get', 'cache'], { encoding: 'utf8' }).trim(),
  };
}

/** @throws {Error} when it is not so. */
export function check(fact: string, isSo: boolean): void {
  if (!isSo) throw new Error(`it is not so that ${fact}`);
}
