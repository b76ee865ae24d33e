import type { Transport } from '@modelcontextprotocol/client';
import type { Clock } from '../../core/clock.ts';
import type { FailureEvidence } from '../../core/failure-evidence.ts';
import { toNamed } from '../../http/guard.ts';
import type { AuthStrategy } from '../auth/auth-strategy.ts';
import { authorizedFetch } from '../auth/authorized-fetch.ts';
import type { HttpServerConfig, ServerConfig, StdioServerConfig } from '../server-config.ts';
import { ChildEnd } from './child-end.ts';
import { ServerPause } from './server-pause.ts';
import { reconnectionPace } from './stream-pace.ts';

/** How bytes reach one server. Knows nothing of sessions, and of authentication only its strategy. */
export interface Connection {
  /** A fresh transport: the SDK uses each for one connection. */
  createTransport(): Promise<Transport>;
  /** What is left of the latest one's other side, where it is a process of ours. */
  readonly remains?: FailureEvidence | undefined;
  /** Until when the other side asks to be left alone, where it is no process of ours. */
  readonly pause?: ServerPause | undefined;
}

/** The connection a configuration asks for. */
export function createConnection(options: {
  server: string;
  config: ServerConfig;
  strategy: AuthStrategy;
  fetch: typeof globalThis.fetch;
  clock: Clock;
  /** Told of every response over HTTP, whatever it is. */
  onAnswer: () => void;
}): Connection {
  const { server, config, strategy } = options;
  if ('command' in config) return stdioConnection(config);
  const pause = new ServerPause(server, options.clock);
  const onAnswer = (response: Response): void => {
    pause.notice(response);
    options.onAnswer();
  };
  const fetch = authorizedFetch(strategy, { fetch: toNamed(options.fetch), server, onAnswer });
  if ('connect' in config) return { createTransport: async () => config.connect(fetch), pause };
  const connection =
    config.transport === 'sse' ? sseConnection(config, fetch) : streamableHttpConnection(config, fetch);
  return { ...connection, pause };
}

function streamableHttpConnection(
  { url, headers }: HttpServerConfig,
  fetch: typeof globalThis.fetch,
): Connection {
  const pace = reconnectionPace();
  return {
    async createTransport() {
      const { StreamableHttpTransport } = await import('./streamable-http-transport.ts');
      return new StreamableHttpTransport(new URL(url), { fetch, headers, pace });
    },
  };
}

function sseConnection({ url, headers }: HttpServerConfig, fetch: typeof globalThis.fetch): Connection {
  return {
    async createTransport() {
      const { createLegacySseTransport } = await import('./legacy-sse-transport.ts');
      return createLegacySseTransport(new URL(url), { fetch, headers });
    },
  };
}

/** A child process. Its credentials come from its environment: the authorization specification is for HTTP. */
function stdioConnection({ command, args, env, cwd }: StdioServerConfig): Connection {
  let end: ChildEnd | undefined;
  return {
    get remains() {
      return end?.evidence;
    },
    async createTransport() {
      const { StdioClientTransport } = await import('@modelcontextprotocol/client/stdio');
      const transport = new StdioClientTransport({
        command,
        stderr: 'pipe',
        ...(args && { args: [...args] }),
        ...(env && { env: { ...env } }),
        ...(cwd !== undefined && { cwd }),
      });
      end = new ChildEnd(env);
      end.watch(transport);
      return transport;
    },
  };
}
