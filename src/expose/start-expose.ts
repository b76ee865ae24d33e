import { sleep } from '../core/clock.ts';
import { stderrLogger, type Logger } from '../core/logger.ts';
import { PosternError } from '../core/postern-error.ts';
import { checkPublicUrl } from '../web/public-url.ts';
import type { Access } from './access/access.ts';
import { apiKeyAccess } from './access/api-key-access.ts';
import { ApiKeyFile } from './access/api-key-file.ts';
import { issuerAccess } from './access/issuer-access.ts';
import { loopbackAccess } from './access/loopback-access.ts';
import { childEnvironment } from './child/child-environment.ts';
import { ChildSupply, type ChildCounts } from './child/child-supply.ts';
import { ProcessGuard } from './child/process-guard.ts';
import { ServerProcess } from './child/server-process.ts';
import { defaultLimits, type ExposeLimits, type ExposeOptions } from './expose-options.ts';
import { HttpServer } from './http/http-server.ts';
import { LegacySessions } from './http/legacy-sessions.ts';
import { McpEndpoint } from './http/mcp-endpoint.ts';
import { ModernRequests } from './http/modern-requests.ts';
import { SenderCheck } from './http/sender-check.ts';

/** A stdio server that is being served. */
export interface Exposed {
  /** The MCP endpoint, as clients know it. */
  readonly url: string;
  readonly counts: ChildCounts & { readonly sessions: number };
  /** Answers what is in flight for a while, then ends every session and child. */
  stop(): Promise<void>;
}

/**
 * Serves a stdio server over Streamable HTTP, one child for each user.
 *
 * @throws {PosternError} ERR_POSTERN_CONFIG_MISCONFIGURED when options contradict each other, or it cannot listen; what
 * discovery throws when the issuer's metadata cannot be had.
 */
export async function startExpose(options: ExposeOptions): Promise<Exposed> {
  const { logger = stderrLogger, host = '127.0.0.1', path = '/mcp', command } = options;
  const limits: ExposeLimits = { ...defaultLimits, ...options.limits };
  checkOptions(options, host, path);
  const guard = new ProcessGuard();
  const env = childEnvironment(options.env ?? {});
  const supply = new ChildSupply({
    limits: { ...limits, idleMs: limits.childIdleMs },
    restart: options.restart,
    logger,
    isCurrent: async () => true,
    launch: async (_user, hooks) =>
      Object.assign(
        new ServerProcess({
          command,
          env,
          secrets: [],
          maxLineBytes: limits.maxLineBytes,
          guard,
          logger,
          ...hooks,
        }),
        { version: '' },
      ),
  });
  const sessions = new LegacySessions({
    supply,
    limits: { ...limits, idleMs: limits.sessionIdleMs },
    times: limits,
  });
  const clientInfo = { name: 'postern expose', version: options.version ?? '0.0.0' };
  const modern = new ModernRequests({ supply, times: limits, startMs: limits.startMs, clientInfo });
  const endpoint = new McpEndpoint({ supply, sessions, modern, maxOpenStreams: limits.maxOpenStreams });
  const counts = (): Exposed['counts'] => ({
    ...supply.counts,
    dropped: supply.counts.dropped + sessions.dropped,
    sessions: sessions.size,
  });

  const { port = 8000, publicUrl } = options;
  const originAt = (bound: number): string => `http://${host.includes(':') ? `[${host}]` : host}:${bound}`;
  let origin = publicUrl === undefined ? originAt(port) : checkPublicUrl(publicUrl);
  let senders: SenderCheck | undefined;
  const access = await openAccess(options, () => `${origin}${path}`, logger);
  const isLoopback = isLoopbackAddress(host);
  const server = await HttpServer.open({
    host,
    port,
    path,
    origin: () => new URL(origin).origin,
    access,
    senders: () =>
      (senders ??= new SenderCheck({
        loopbackOnly: isLoopback && publicUrl === undefined,
        publicUrl: origin,
        hosts: options.hosts ?? [],
        origins: options.origins ?? [],
      })),
    answer: (request) => endpoint.answer(request),
    pages: async (request) =>
      access.describe?.(new URL(request.url).pathname) ?? new Response(null, { status: 404 }),
    health: () => (isLoopback ? counts() : {}),
    limits,
    logger,
  });
  if (publicUrl === undefined) origin = originAt(server.port);
  let stopping: Promise<void> | undefined;
  const stop = async (): Promise<void> => {
    server.drain();
    const deadline = performance.now() + limits.graceMs;
    while (supply.callsInFlight > 0 && performance.now() < deadline) await sleep(50);
    sessions.close();
    await supply.close();
    await server.close();
    guard.close();
  };
  return {
    url: `${origin}${path}`,
    get counts() {
      return counts();
    },
    stop: () => (stopping ??= stop()),
  };
}

async function openAccess(options: ExposeOptions, resource: () => string, logger: Logger): Promise<Access> {
  const { access = { by: 'loopback' } } = options;
  switch (access.by) {
    case 'loopback':
      return loopbackAccess();
    case 'api-keys':
      return apiKeyAccess(new ApiKeyFile(access.file), logger);
    case 'issuer': {
      const { issuer, audience = resource(), scopes = [] } = access;
      const { fetch, command } = options;
      return issuerAccess({
        issuer,
        audience,
        resource: resource(),
        name: command.command,
        scopes,
        fetch,
        logger,
      });
    }
  }
}

function checkOptions(options: ExposeOptions, host: string, path: string): void {
  const { access = { by: 'loopback' }, publicUrl, command } = options;
  if (command.command === '') throw misconfigured('there is no command to run', 'It follows behind "--".');
  if (!/^\/[\w./-]*$/u.test(path)) throw misconfigured('the path of the endpoint must begin with "/"');
  if (access.by === 'loopback' && !isLoopbackAddress(host)) {
    throw misconfigured(
      `whoever reaches ${JSON.stringify(host)} could run commands of this server`,
      'Protect it with --issuer or --api-keys, or leave out --host.',
    );
  }
  if (access.by === 'issuer' && publicUrl === undefined && (options.port === 0 || !isLoopbackAddress(host))) {
    throw misconfigured('tokens of an issuer are made for an address', 'Say it with --public-url.');
  }
}

function isLoopbackAddress(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^127\.\d+\.\d+\.\d+$/u.test(host);
}

function misconfigured(message: string, hint?: string): PosternError {
  return new PosternError('ERR_POSTERN_CONFIG_MISCONFIGURED', message, { hint });
}
