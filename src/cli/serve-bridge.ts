import type { BridgedServerConfig, BridgeProtocol } from '../bridge/index.ts';
import { runBridge } from '../bridge/index.ts';
import type { StorageBackend } from '../storage/contract.ts';
import { commandLogger } from './command-logger.ts';
import { headersOf, type HeaderOptions } from './header-options.ts';
import { misuse } from './misuse.ts';
import { oauthOf, type OAuthOptions } from './oauth-options.ts';
import type { Output } from './output.ts';
import { exitCodes } from './exit-codes.ts';
import type { CommandContext } from './run-command.ts';
import { findServer, nameOfUrl, readServers, urlOf } from './servers.ts';

export interface ServeBridgeOptions extends OAuthOptions, HeaderOptions {
  readonly server?: readonly string[] | undefined;
  readonly allowHttp?: boolean | undefined;
  readonly transport: 'http-first' | 'sse-first' | 'http-only' | 'sse-only';
  readonly protocol: BridgeProtocol;
  readonly host?: '127.0.0.1' | '::1' | 'localhost' | undefined;
  readonly callbackPort?: string | undefined;
  readonly clientMetadataUrl?: string | undefined;
  readonly ignoreTool?: readonly string[] | undefined;
  readonly timeout?: number | undefined;
  readonly browser: boolean;
}

const transports = {
  'http-first': ['streamable-http', 'sse'],
  'sse-first': ['sse', 'streamable-http'],
  'http-only': ['streamable-http'],
  'sse-only': ['sse'],
} as const;

/** Serves what the command line names, until the host has gone. Returns the exit code. */
export async function serveBridge(
  target: string | undefined,
  options: ServeBridgeOptions,
  { options: globals, output }: CommandContext,
): Promise<number> {
  const named = await namedServers(target, options, globals.config);
  const servers = Object.fromEntries(
    [...named].map(([name, config]) => [name, configured(name, config, options)] as const),
  );
  const { callbackPort, clientMetadataUrl, host, timeout, browser } = options;
  const stop = new AbortController();
  let ending: number | undefined;
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.once(signal, () => {
      // Whoever stops a bridge by anything else than Ctrl-C is its host.
      if (signal === 'SIGINT') ending = exitCodes.interrupted;
      stop.abort();
    });
  }
  const code = await runBridge({
    servers,
    storage: () => openStore(named, output),
    logger: commandLogger(globals),
    say: (line) => output.say(line),
    signal: stop.signal,
    timeoutMs: timeout,
    callbackHost: host,
    callbackPort: callbackPort === undefined ? undefined : portIn(callbackPort),
    clientMetadataUrl,
    ...(!browser && { openBrowser: false }),
  });
  return ending ?? code;
}

/** The store of the command line. Loaded when it is needed: the first answer waits for none of it. */
async function openStore(
  servers: ReadonlyMap<string, BridgedServerConfig>,
  output: Output,
): Promise<StorageBackend> {
  const [{ openOwnStore }, { takeOverSignIns }] = await Promise.all([
    import('./own-store.ts'),
    import('./take-over.ts'),
  ]);
  const storage = await openOwnStore(output);
  await takeOverSignIns(storage, servers);
  return storage;
}

async function namedServers(
  target: string | undefined,
  { server = [] }: ServeBridgeOptions,
  file: string | undefined,
): Promise<Map<string, BridgedServerConfig>> {
  const named = new Map<string, BridgedServerConfig>();
  if (target !== undefined) {
    const url = urlOf(target);
    const { name, config } = await findServer(target, { config: file });
    if (!('url' in config) || typeof config.url !== 'string')
      throw misuse(
        `${JSON.stringify(target)} is not reached over HTTP`,
        'A bridge is for servers that have an address.',
      );
    named.set(url !== undefined && name === '' ? nameOfUrl(url) : name, config as BridgedServerConfig);
  }
  for (const text of server) {
    const at = text.indexOf('=');
    const url = urlOf(text.slice(at + 1));
    const name = text.slice(0, at);
    if (at < 1 || url === undefined)
      throw misuse(
        '"--server" wants a name and an address',
        'Such as calendar=https://calendar.example/mcp.',
      );
    if (named.has(name))
      throw misuse(`there are two servers ${JSON.stringify(name)}`, 'Give each a name of its own.');
    named.set(name, { url: url.href });
  }
  if (named.size > 0) return named;
  for (const [name, config] of readServers(file)) {
    if ('url' in config && typeof config.url === 'string') named.set(name, config as BridgedServerConfig);
  }
  if (named.size > 0) return named;
  throw misuse(
    'no server is named',
    'Give an address, a name from your file of servers, or a file by --config.',
  );
}

/** A server's configuration, with what the command line says of all of them. */
function configured(
  name: string,
  config: BridgedServerConfig,
  options: ServeBridgeOptions,
): BridgedServerConfig {
  const { allowHttp, transport, protocol, ignoreTool } = options;
  if (urlOf(config.url) === undefined)
    throw misuse(`the address of ${JSON.stringify(name)} is none`, 'It begins with https://.');
  if (new URL(config.url).protocol === 'http:' && allowHttp !== true && !isLoopback(config.url)) {
    throw misuse(
      `${JSON.stringify(name)} is reached over plain HTTP, where others can read what is sent`,
      'Use https, or say --allow-http in a network that you trust.',
    );
  }
  const headers = { ...config.headers, ...headersOf(options) };
  const auth = oauthOf(options);
  return {
    ...config,
    ...(Object.keys(headers).length > 0 && { headers }),
    ...(auth !== undefined && config.auth === undefined && { auth }),
    // What a file says of one server is about that server.
    ...(config.transport === undefined && { transports: transports[transport] }),
    protocol: config.protocol ?? protocol,
    ignoreTools: [...(config.ignoreTools ?? []), ...(ignoreTool ?? [])],
  };
}

function portIn(text: string): number {
  const port = Number(text);
  if (Number.isInteger(port) && port > 0 && port < 65_536) return port;
  throw misuse('"--callback-port" wants a port', 'A number from 1 to 65535.');
}

function isLoopback(url: string): boolean {
  const { hostname } = new URL(url);
  return hostname === 'localhost' || hostname === '[::1]' || /^127\.\d+\.\d+\.\d+$/u.test(hostname);
}
