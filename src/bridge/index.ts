import { stderrLogger } from '../core/logger.ts';
import { defaultMaxLineBytes } from '../wire/lines.ts';
import { BridgedServer } from './bridged-server.ts';
import { Credentials } from './credentials.ts';
import { Host } from './host.ts';
import type { BridgeOptions, BridgeSettings } from './options.ts';
import { createNodeFetch } from './remote/node-fetch.ts';

export type { BridgedServerConfig, BridgeOptions, BridgeProtocol } from './options.ts';

/**
 * Serves remote servers on standard input and output, to a host that speaks nothing else.
 *
 * It answers at once: by what was last known of a server, or with a tool that gives the link to sign in.
 *
 * @returns the exit code, when the host has gone or the signal aborts.
 * @throws {PosternError} ERR_POSTERN_CONFIG_MISCONFIGURED when a server is not configured right.
 * @example
 * process.exitCode = await runBridge({ servers: { calendar: { url: 'https://calendar.example/mcp' } } });
 */
export async function runBridge(options: BridgeOptions): Promise<number> {
  const { input = process.stdin, output = process.stdout, logger = stderrLogger, signal } = options;
  const settings: BridgeSettings = {
    timeoutMs: options.timeoutMs ?? 300_000,
    firstAnswerMs: options.firstAnswerMs ?? 3_000,
    maxBytes: defaultMaxLineBytes,
    logger,
    say: options.say ?? ((line) => void process.stderr.write(`${line}\n`)),
  };
  const credentials = new Credentials(options, settings);
  const http = createNodeFetch();
  const host = new Host(input, output, settings);
  const servers = Object.entries(options.servers).map(
    ([name, config]) =>
      new BridgedServer({ name, config, credentials, http, settings, toHost: (text) => host.send(text) }),
  );
  const [only] = servers;
  if (only === undefined) throw new TypeError('no server');
  host.serve(only);
  const stopped = new Promise<void>((resolve) => {
    if (signal?.aborted === true) resolve();
    signal?.addEventListener('abort', () => resolve(), { once: true });
  });
  await Promise.race([host.gone, stopped]);
  host.close();
  await Promise.all(servers.map((server) => server.close()));
  await credentials.close();
  http.close();
  return 0;
}
