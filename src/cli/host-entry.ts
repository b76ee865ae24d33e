import { realpathSync } from 'node:fs';
import { resolve } from 'node:path';

/** How a host starts a server. */
export interface HostEntry {
  readonly command: string;
  readonly args: readonly string[];
}

/** `npx`: the package as the registry has it; `node`: this very installation. */
export type StartedBy = 'npx' | 'node';

/** The entry with which a host starts a bridge to a server. */
export function bridgeEntry(
  server: string,
  {
    by = isFromNpx() ? 'npx' : 'node',
    config,
  }: { by?: StartedBy | undefined; config?: string | undefined } = {},
): HostEntry {
  const args = ['bridge', server, ...(config === undefined ? [] : ['--config', resolve(config)])];
  // A host that was not started from a shell may know no other path than this.
  if (by === 'node') return { command: process.execPath, args: [programFile(), ...args] };
  const npx = ['-y', 'postern', ...args];
  // There it is a script, which only a shell starts.
  return process.platform === 'win32'
    ? { command: 'cmd', args: ['/c', 'npx', ...npx] }
    : { command: 'npx', args: npx };
}

/** Whether an entry of a host's file starts a bridge of ours. */
export function isBridgeEntry(entry: unknown): boolean {
  const { command, args } = (typeof entry === 'object' && entry !== null ? entry : {}) as Partial<HostEntry>;
  if (typeof command !== 'string' || !Array.isArray(args)) return false;
  const at = args.indexOf('bridge');
  return at > 0
    ? /postern|cli[\\/]main\.[jt]s$/u.test(String(args[at - 1]))
    : at === 0 && /postern/u.test(command);
}

function programFile(): string {
  return realpathSync(process.argv[1] ?? '');
}

/** Whether this was started out of the cache of `npx`, where it does not stay. */
function isFromNpx(): boolean {
  return /[\\/]_npx[\\/]/u.test(programFile());
}
