import { homedir } from 'node:os';
import { isAbsolute, join } from 'node:path';
import { checkProgramName } from './program-name.ts';

/** The machine, as far as it decides where a user's data is. */
export interface UserMachine {
  readonly platform: NodeJS.Platform;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly home: string;
}

/**
 * Where a program keeps what belongs to the user who runs it: below `$XDG_DATA_HOME` or `~/.local/share`, on macOS below
 * `~/Library/Application Support`, on Windows below `%LOCALAPPDATA%`.
 *
 * @param program its name: a folder of its own.
 * @throws {PosternError} ERR_POSTERN_CONFIG_MISCONFIGURED when it can be no folder's name.
 */
export function userFolder(
  program: string,
  { platform, env, home }: UserMachine = { platform: process.platform, env: process.env, home: homedir() },
): string {
  checkProgramName(program);
  return join(baseOf(platform, env, home), program, 'postern');
}

function baseOf(platform: NodeJS.Platform, env: UserMachine['env'], home: string): string {
  const given = (name: string): string | undefined => {
    const path = env[name];
    return path !== undefined && isAbsolute(path) ? path : undefined;
  };
  if (platform === 'win32') return given('LOCALAPPDATA') ?? join(home, 'AppData', 'Local');
  if (platform === 'darwin') return join(home, 'Library', 'Application Support');
  return given('XDG_DATA_HOME') ?? join(home, '.local', 'share');
}
