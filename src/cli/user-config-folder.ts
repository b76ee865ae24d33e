import { homedir } from 'node:os';
import { isAbsolute, join } from 'node:path';

/**
 * Where a user keeps their settings: `$XDG_CONFIG_HOME` or `~/.config`, on macOS `~/Library/Application Support`, on Windows
 * `%APPDATA%`.
 */
export function userConfigFolder(
  platform: NodeJS.Platform = process.platform,
  env: NodeJS.ProcessEnv = process.env,
): string {
  const given = (name: string): string | undefined => {
    const path = env[name];
    return path !== undefined && isAbsolute(path) ? path : undefined;
  };
  if (platform === 'win32') return given('APPDATA') ?? join(homedir(), 'AppData', 'Roaming');
  if (platform === 'darwin') return join(homedir(), 'Library', 'Application Support');
  return given('XDG_CONFIG_HOME') ?? join(homedir(), '.config');
}
