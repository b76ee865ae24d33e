import { existsSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { ownServersFile } from './servers.ts';
import { userConfigFolder } from './user-config-folder.ts';

/** A program whose file of servers can be changed. */
export interface Host {
  readonly title: string;
  readonly file: string;
  /** Whether it reads a file with comments in it. */
  readonly comments: boolean;
  /** What is to be done for a change to be seen. */
  readonly afterwards: string;
}

export type HostName = 'claude' | 'cursor' | 'postern';

export const hostNames: readonly HostName[] = ['claude', 'cursor', 'postern'];

export function hostOf(name: HostName): Host {
  switch (name) {
    case 'claude':
      return {
        title: 'Claude Desktop',
        file: join(userConfigFolder(), 'Claude', 'claude_desktop_config.json'),
        comments: false,
        afterwards: 'Quit Claude Desktop, and start it again.',
      };
    case 'cursor':
      return {
        title: 'Cursor',
        file: join(homedir(), '.cursor', 'mcp.json'),
        comments: true,
        afterwards: 'Cursor sees it by itself.',
      };
    case 'postern':
      return {
        title: 'your own file of servers',
        file: ownServersFile(),
        comments: false,
        afterwards: 'Every command knows it by its name now.',
      };
  }
}

/** The desktop hosts that this user has. */
export function installedHosts(): HostName[] {
  return hostNames.filter((name) => name !== 'postern' && existsSync(dirname(hostOf(name).file)));
}
