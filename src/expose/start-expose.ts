import { sleep } from '../core/clock.ts';
import { stderrLogger } from '../core/logger.ts';
import { PosternError } from '../core/postern-error.ts';
import { checkPublicUrl } from '../web/public-url.ts';
import { childEnvironment } from './child/child-environment.ts';
import { ChildLauncher } from './child-launcher.ts';
import type { Child, ChildWant } from './child/child.ts';
import { ChildSupply, type ChildCounts } from './child/child-supply.ts';
import { ChildRefusal } from './child/initialize-child.ts';
import { ProcessGuard } from './child/process-guard.ts';
import { defaultLimits, type ExposeLimits, type ExposeOptions } from './expose-options.ts';
import { HttpServer } from './http/http-server.ts';
import { LegacySessions } from './http/legacy-sessions.ts';
import { McpEndpoint } from './http/mcp-endpoint.ts';
import { ModernRequests } from './http/modern-requests.ts';
import { SenderCheck } from './http/sender-check.ts';
import { serverName } from './server-name.ts';
import { openAccess, pagesPath } from './open-access.ts';
import type { ChildSecrets, ChildSecretsOptions } from './secrets/child-secrets.ts';
import { waitingVersion } from './secrets/waiting-version.ts';

/** A stdio server that is being served. */
export interface Exposed {
  /** The MCP endpoint, as clients know it. */
  readonly url: string;
  readonly counts: ChildCounts & { readonly sessions: number };
  /** Answers what is in flight for a while, then ends every session and child. */
  stop(): Promise<void>;
}

/** How long a server may take to show whether it starts with what somebody has entered. */
const maxTryMs = 45_000;

/**
 * Serves a stdio server over Streamable HTTP, one child for each user.
 *
 * @throws {PosternError} ERR_POSTERN_CONFIG_MISCONFIGURED when options contradict each other, or it cannot listen; what
 * discovery throws when the issuer's metadata cannot be had.
 */
export async function startExpose(options: ExposeOptions): Promise<Exposed> {
  const {
    logger = stderrLogger,
    host = '127.0.0.1',
    port = 8000,
    path = '/mcp',
    command,
    publicUrl,
  } = options;
  const { version = '0.0.0', name = serverName(command) } = options;
  const limits: ExposeLimits = { ...defaultLimits, ...options.limits };
  checkOptions(options, host, path);
  const originAt = (bound: number): string => `http://${host.includes(':') ? `[${host}]` : host}:${bound}`;
  let origin = publicUrl === undefined ? originAt(port) : checkPublicUrl(publicUrl);
  const opened = await openAccess(options, name, `${origin}${path}`, logger);

  const guard = new ProcessGuard();
  const env = childEnvironment(options.env ?? {});
  const configured = Object.keys(options.env ?? {}).map((variable) => env[variable] ?? '');
  const { maxLineBytes, startMs } = limits;
  const secrets = Promise.withResolvers<ChildSecrets | undefined>();
  const next = async (want: ChildWant): Promise<Child> => {
    supply.renewOf(want.user, waitingVersion);
    try {
      return await supply.get(want);
    } catch (error) {
      // What stands in for a child speaks every revision, and the child itself may not.
      if (!(error instanceof ChildRefusal)) throw error;
      return supply.get(await modern.legacyWant(want.user));
    }
  };
  const launcher = new ChildLauncher({
    process: { command, maxLineBytes, guard, logger },
    env,
    configured,
    secrets: secrets.promise,
    name,
    version,
    next,
  });
  const supply = new ChildSupply({
    limits: { ...limits, idleMs: limits.childIdleMs },
    restart: options.restart,
    logger,
    launch: (want, hooks) => launcher.launch(want, hooks),
    isCurrent: (user, launchedWith) => launcher.isCurrent(user, launchedWith),
  });
  const sessions = new LegacySessions({
    supply,
    limits: { ...limits, idleMs: limits.sessionIdleMs },
    times: limits,
  });
  const modern = new ModernRequests({
    supply,
    times: limits,
    startMs,
    clientInfo: { name: 'postern expose', version },
  });
  const endpoint = new McpEndpoint({ supply, sessions, modern, maxOpenStreams: limits.maxOpenStreams });
  const counts = (): Exposed['counts'] => ({
    ...supply.counts,
    dropped: supply.counts.dropped + sessions.dropped,
    sessions: sessions.size,
  });
  const pages = async (request: Request): Promise<Response> => {
    const { pathname } = new URL(request.url);
    const mount = new URL(origin).pathname.replace(/\/$/u, '');
    const known = opened.access.describe?.(pathname) ?? (await opened.signIn(request));
    if (known !== undefined) return known;
    const isPage = [pagesPath, `${mount}${pagesPath}`].some((below) => pathname.startsWith(`${below}/`));
    const asked = isPage ? await secrets.promise : undefined;
    return asked?.oob.fetch(request) ?? new Response(null, { status: 404 });
  };

  let senders: SenderCheck | undefined;
  const isLoopback = isLoopbackAddress(host);
  const server = await HttpServer.open({
    host,
    port,
    path,
    publicUrl: () => origin,
    access: opened.access,
    senders: () =>
      (senders ??= new SenderCheck({
        loopbackOnly: isLoopback && publicUrl === undefined,
        publicUrl: origin,
        hosts: options.hosts ?? [],
        origins: options.origins ?? [],
      })),
    answer: (request) => endpoint.answer(request),
    pages,
    health: () => (isLoopback && publicUrl === undefined ? counts() : {}),
    limits,
    logger,
  });
  if (publicUrl === undefined) origin = originAt(server.port);
  if (!isLoopback && publicUrl === undefined) {
    logger.warn('calls and keys pass the network in the clear', {
      host,
      hint: 'Put a proxy that speaks TLS in front, and say its address with --public-url.',
    });
  }
  try {
    secrets.resolve(
      await openSecrets(options, {
        name,
        logger,
        pagesAt: () => opened.pagesAt(origin),
        tryMs: Math.min(startMs, maxTryMs),
        tryOut: (values, signal) => launcher.tryOut(values, signal),
        onChange: (user) => supply.renewOf(user),
      }),
    );
  } catch (error) {
    secrets.resolve(undefined);
    await server.close();
    throw error;
  }
  const stop = async (): Promise<void> => {
    server.drain();
    const deadline = performance.now() + limits.graceMs;
    while (supply.answersDue > 0 && performance.now() < deadline) await sleep(50);
    sessions.close();
    await supply.close();
    await (await secrets.promise)?.close();
    await server.close();
    guard.close();
  };
  let stopping: Promise<void> | undefined;
  return {
    url: `${origin}${path}`,
    get counts() {
      return counts();
    },
    stop: () => (stopping ??= stop()),
  };
}

/** What users give, where children need something of them. */
async function openSecrets(
  { secrets = [], storage }: ExposeOptions,
  made: Omit<ChildSecretsOptions, 'variables' | 'pages' | 'storage'> & {
    readonly pagesAt: () => Promise<ChildSecretsOptions['pages']>;
  },
): Promise<ChildSecrets | undefined> {
  if (secrets.length === 0 || storage === undefined) return undefined;
  const { ChildSecrets: Secrets } = await import('./secrets/child-secrets.ts');
  return new Secrets({ ...made, variables: secrets, storage, pages: await made.pagesAt() });
}

function checkOptions(options: ExposeOptions, host: string, path: string): void {
  const { access = { by: 'loopback' }, publicUrl, command, secrets = [], storage } = options;
  if (command.command === '') throw misconfigured('there is no command to run', 'It follows behind "--".');
  if (!/^\/[\w./-]*$/u.test(path)) throw misconfigured('the path of the endpoint must begin with "/"');
  if (path.startsWith(`${pagesPath}/`) || path === '/healthz')
    throw misconfigured(`the path ${path} has another use`);
  if (secrets.length > 0 && storage === undefined)
    throw misconfigured('what users give has to be kept somewhere: "storage"');
  if (access.by === 'loopback' && !isLoopbackAddress(host)) {
    throw misconfigured(
      `whoever reaches ${JSON.stringify(host)} could run commands of this server`,
      'Protect it with --issuer or --api-keys, or leave out --host.',
    );
  }
  if (access.by === 'loopback' && publicUrl !== undefined) {
    throw misconfigured(
      'what has a public address needs to know who calls',
      'Protect it with --issuer or --api-keys, or leave out --public-url.',
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
