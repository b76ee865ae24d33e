import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ServerConfig } from '../client/server-config.ts';
import { PosternError } from '../core/postern-error.ts';
import { codeOf } from '../core/system-code.ts';
import { userConfigFolder } from './user-config-folder.ts';

/** A server that a command is about. */
export interface NamedServer {
  /** Under which its sign-ins are kept, beside its address. */
  readonly name: string;
  readonly config: ServerConfig;
}

/** What hosts write into an entry that we say otherwise, or not at all. */
interface HostEntry {
  readonly type?: unknown;
  readonly disabled?: unknown;
  readonly [name: string]: unknown;
}

/** The largest file of servers that is read. */
const maxBytes = 1_000_000;

/** The user's own file of servers. */
export function ownServersFile(): string {
  return join(userConfigFolder(), 'postern', 'mcp.json');
}

/**
 * The servers of a file in the format of desktop hosts, `{ "mcpServers": { "calendar": { "url": … } } }`. Nothing is checked
 * but that: a server that is wrong is told of when it is used.
 *
 * @param file default: the user's own, which may be missing.
 * @throws {PosternError} ERR_POSTERN_CONFIG_MISCONFIGURED when there is no such file, or it is none of servers.
 */
export function readServers(file?: string): ReadonlyMap<string, ServerConfig> {
  const path = file ?? ownServersFile();
  const text = readText(path, file !== undefined);
  if (text === undefined) return new Map();
  const document = parse(text, path);
  const entries = isObject(document) ? (document['mcpServers'] ?? document['servers']) : undefined;
  if (!isObject(entries) || !Object.values(entries).every(isObject)) {
    throw new PosternError('ERR_POSTERN_CONFIG_MISCONFIGURED', `${JSON.stringify(path)} names no servers`, {
      hint: 'It has the form { "mcpServers": { "calendar": { "url": "https://calendar.example/mcp" } } }.',
    });
  }
  return new Map(Object.entries(entries).map(([name, entry]) => [name, configOf(entry as HostEntry)]));
}

/**
 * The server that is meant by an address, or by a name.
 *
 * An address that the file of servers has is the server of that name; any other is named after itself, see
 * {@link nameOfUrl}.
 *
 * @param kept the places where sign-ins are kept, asked for a name that the file does not have.
 * @throws {PosternError} ERR_POSTERN_CLIENT_SERVER_UNKNOWN, or what {@link readServers} throws.
 */
export async function findServer(
  target: string,
  options: {
    readonly config?: string | undefined;
    readonly kept?:
      | (() => Promise<readonly { readonly server: string; readonly resource: string }[]>)
      | undefined;
  } = {},
): Promise<NamedServer> {
  const servers = readServers(options.config);
  const kept = options.kept ?? (async () => []);
  const url = urlOf(target);
  if (url !== undefined) {
    const named = [...servers].find(([, config]) => isAt(config, url));
    // Never by what is kept: whoever knows the file, and not the store, means the same server.
    return named === undefined
      ? { name: nameOfUrl(url), config: { url: url.href } }
      : { name: named[0], config: named[1] };
  }
  const config = servers.get(target);
  if (config !== undefined) return { name: target, config };
  const known = (await kept()).find(({ server }) => server === target);
  if (known !== undefined) return { name: target, config: { url: known.resource } };
  throw serverUnknown(target, options.config);
}

/** That no server has this name, and which names there are. */
export function serverUnknown(target: string, file: string | undefined): PosternError {
  const names = [...readServers(file).keys()];
  const known = names.length === 0 ? 'No server is named there.' : `Named there are: ${names.join(', ')}.`;
  return new PosternError(
    'ERR_POSTERN_CLIENT_SERVER_UNKNOWN',
    `no server is called ${JSON.stringify(target)}`,
    {
      hint: `Give its address, such as https://calendar.example/mcp, or name it in ${file ?? ownServersFile()}. ${known}`,
    },
  );
}

/**
 * What a server is called of which only the address is known: its host, with what makes it different from others there.
 * The same for everybody, so that whoever gives the same address finds the same sign-in.
 */
export function nameOfUrl(url: URL): string {
  const path = url.pathname.replace(/\/(?:mcp|sse)?\/?$/u, '');
  return `${url.host}${path}`.slice(0, 100);
}

/** The address in a text, without what never reaches a server; `undefined` when it is none. */
export function urlOf(text: string): URL | undefined {
  if (!/^https?:\/\//iu.test(text) || !URL.canParse(text)) return undefined;
  const url = new URL(text);
  url.hash = '';
  return url;
}

function isAt(config: ServerConfig, url: URL): boolean {
  return 'url' in config && typeof config.url === 'string' && urlOf(config.url)?.href === url.href;
}

/** An entry in our words: hosts write the transport as `type`, and whether they use the server. */
function configOf({ type, disabled: _disabled, ...entry }: HostEntry): ServerConfig {
  const isHttp = typeof entry['url'] === 'string' && entry['transport'] === undefined;
  const transport = type === 'sse' ? 'sse' : 'streamable-http';
  return { ...entry, ...(isHttp && typeof type === 'string' && { transport }) } as unknown as ServerConfig;
}

function readText(path: string, mustExist: boolean): string | undefined {
  try {
    const bytes = readFileSync(path);
    if (bytes.length <= maxBytes) return bytes.toString();
  } catch (cause) {
    if (!mustExist && codeOf(cause) === 'ENOENT') return undefined;
    throw new PosternError('ERR_POSTERN_CONFIG_MISCONFIGURED', `${JSON.stringify(path)} cannot be read`, {
      cause,
      hint: 'Is there such a file, and may you read it?',
    });
  }
  throw new PosternError('ERR_POSTERN_CONFIG_MISCONFIGURED', `${JSON.stringify(path)} is too large`);
}

/** Without the text that is wrong: there may be a secret in it. */
function parse(text: string, path: string): unknown {
  try {
    return JSON.parse(text.replace(/^\uFEFF/u, '')) as unknown;
  } catch (error) {
    const where = error instanceof Error ? /line \d+ column \d+/u.exec(error.message)?.[0] : undefined;
    throw new PosternError(
      'ERR_POSTERN_CONFIG_MISCONFIGURED',
      `${JSON.stringify(path)} is not JSON${where === undefined ? '' : ` (${where.replace(' column', ', column')})`}`,
      { hint: 'Mend it in an editor; it was left as it is.' },
    );
  }
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
