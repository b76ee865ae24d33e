import { PosternError } from '../core/postern-error.ts';
import { stderrLogger } from '../core/logger.ts';
import { openNetwork } from '../http/network.ts';
import { defaultMaxLineBytes } from '../wire/lines.ts';
import { BridgedServer } from './bridged-server.ts';
import { Credentials } from './credentials.ts';
import { Host, type Answerer } from './host.ts';
import type { BridgeOptions, BridgeSettings } from './options.ts';
import { withoutAddresses } from './pasted-addresses.ts';

/** By how much the network waits longer than a call does, which says better what was waited for. */
const marginMs = 5_000;
/** How long a host that has closed its end may wait for what it has asked before. */
const farewellMs = 2_000;

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
    opensAtStart: Object.keys(options.servers).length === 1,
    logger,
    say: options.say ?? ((line) => void process.stderr.write(`${line}\n`)),
  };
  const credentials = new Credentials(options, settings);
  const { timeoutMs, maxBytes } = settings;
  // A call may be silent for as long as it may take; what is held of it is the same on both sides.
  const silenceMs = timeoutMs + marginMs;
  const network = openNetwork({ limits: { silenceMs, answerMs: silenceMs, bodyBytes: maxBytes } });
  const isTerminal = (input as { isTTY?: boolean }).isTTY === true;
  const lines = isTerminal
    ? withoutAddresses(input, (address) => void credentials.takeAddress(address))
    : input;
  const host = new Host(lines, output, settings);
  const create = (name: string, toHost: (text: string) => Promise<unknown>): BridgedServer => {
    const config = options.servers[name];
    if (config === undefined) throw new TypeError(`no server ${name}`);
    const { fetch } = config.network === undefined ? network : network.with(config.network);
    return new BridgedServer({ name, config, credentials, fetch, settings, toHost });
  };
  const { answerer, servers } = await answererOf(
    Object.keys(options.servers),
    (text) => host.send(text),
    create,
  );
  host.serve(answerer);
  if (isTerminal) {
    settings.say(
      'This waits for a host on standard input. Ctrl-C ends it; "postern login" signs in, and no more.',
    );
    for (const server of servers) void server.prepare();
  }
  const stopped = new Promise<void>((resolve) => {
    if (signal?.aborted === true) resolve();
    signal?.addEventListener('abort', () => resolve(), { once: true });
  });
  await Promise.race([host.gone.then(() => host.answered(farewellMs)), stopped]);
  host.close();
  await Promise.all(servers.map((server) => server.close()));
  await credentials.close();
  await network.close();
  return 0;
}

/** One server answers by itself; several are answered for. */
async function answererOf(
  names: readonly string[],
  toHost: (text: string) => Promise<unknown>,
  create: (name: string, toHost: (text: string) => Promise<unknown>) => BridgedServer,
): Promise<{ answerer: Answerer; servers: readonly BridgedServer[] }> {
  const [only, ...others] = names;
  if (only === undefined) {
    throw new PosternError('ERR_POSTERN_CONFIG_MISCONFIGURED', 'a bridge needs a server', {
      hint: 'Give it an address.',
    });
  }
  if (others.length === 0) {
    const answerer = create(only, toHost);
    return { answerer, servers: [answerer] };
  }
  const { Switchboard } = await import('./many/switchboard.ts');
  const answerer = new Switchboard(names, toHost, create);
  return { answerer, servers: answerer.servers };
}
