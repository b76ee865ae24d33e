/**
 * One process of an agent host under attack: `node host.ts <configuration as JSON>`.
 *
 * It gets its work over IPC, and writes what it did to its operation log before it says so to anybody.
 */
import { randomUUID } from 'node:crypto';
import { openListener } from '../../demo/open-listener.ts';
import { openStorageUrl } from '../support/open-storage.ts';
import {
  ClientManager,
  findAuthorizationRequired,
  RemoteAuthCoordinator,
  type AuthChallenge,
  type Client,
} from '../../src/client/index.ts';
import { findPosternError } from '../../src/core/postern-error.ts';
import { openKeyringFile } from '../../src/storage/keyring-file.ts';
import { ownerOf } from './canary.ts';
import { loggedStorage } from './logged-storage.ts';
import { hashOf, OperationLog } from './operation-log.ts';

/** What a host is started with. No secret: it is visible to whoever lists processes. */
export interface HostConfig {
  /** `h1.3` is the third life of the host 1. */
  readonly name: string;
  readonly directory: string;
  readonly storageUrl: string;
  readonly keyringFile: string;
  readonly publicUrl: string;
  /** The origin of the outside, and the port through which this host reaches it. */
  readonly webOrigin: string;
  readonly webPort: number;
  readonly leaseMs: number;
  readonly storeTimeoutMs: number;
  readonly signInTtlMs: number;
  /** How far this machine's clock is ahead of the store's, all the time. */
  readonly clockAheadMs: number;
}

export type ToHost =
  | { do: 'ask' | 'wait' | 'call' | 'logout'; id: string; ns: string; op?: 'final-call' | undefined }
  | { clockOffsetMs: number }
  | { stop: true };

export type FromHost =
  | { listening: { port: number } }
  /** The operation has ended. */
  | { ended: { id: string; code?: string | undefined } }
  /** A person is needed. */
  | { link: { ns: string; url: string; pendingId: string; expiresAtMs: number } }
  | { failed: { reason: string } };

const config = JSON.parse(process.argv[2] ?? '{}') as HostConfig;
const { name, leaseMs, publicUrl } = config;
const log = new OperationLog(config.directory, name);
const tell = (message: FromHost): void => void process.send?.(message, () => {});

/** How long an operation may take, whatever goes wrong: connecting, a refresh that waits for another's lease, the call. */
const callLimitMs = 20_000;
const waitMs = 5_000;

let clockOffsetMs = 0;
const clock = (): number => Date.now() + config.clockAheadMs + clockOffsetMs;

/** What the library has to say goes where logs go, so that it is looked through for secrets. */
const print =
  (level: string) =>
  (message: string, fields?: object): void =>
    void process.stderr.write(`${JSON.stringify({ level, message, ...fields })}\n`);
const logger = { debug: print('debug'), info: print('info'), warn: print('warn'), error: print('error') };

const storage = loggedStorage(
  await openStorageUrl(config.storageUrl, {
    keyring: openKeyringFile(config.keyringFile),
    timeoutMs: config.storeTimeoutMs,
    onWarning: (message) => logger.warn(message),
  }),
  log,
);
const coordinator = new RemoteAuthCoordinator({
  storage,
  logger,
  clock,
  publicUrl,
  leaseMs,
  oauthTimeoutMs: Math.floor(leaseMs * 0.45),
  signInTtlMs: config.signInTtlMs,
  declineCooldownMs: 1_000,
  resume: { claimMs: leaseMs, sweepMs: 700, backoffMs: 100, maxAttempts: 8 },
  fetch: (url, init) => send(url, init),
  verifyUser: (request) => {
    const user = /(?:^|; )chat-user=(?<user>[^;]+)/u.exec(request.headers.get('cookie') ?? '')?.groups?.[
      'user'
    ];
    return user && decodeURIComponent(user);
  },
});
const manager = new ClientManager(
  { web: { url: `${config.webOrigin}/mcp` } },
  { coordinator, logger, clock, versionNegotiation: 'legacy', connectTimeoutMs: 4_000, fetch: send },
);

const answer = manager.continuation<{ ns: string }>(
  'answer',
  ({ client, payload, idempotencyKey }) =>
    logged('resume', { id: randomUUID(), ns: payload.ns, request: idempotencyKey }, () =>
      call(client, payload.ns),
    ),
  {
    abandon: async ({ payload, idempotencyKey }, code) => {
      await logged(
        'abandon',
        { id: randomUUID(), ns: payload.ns, request: idempotencyKey, code },
        async () => ({}),
      );
    },
  },
);

const listener = await openListener({ handler: coordinator.fetch });
tell({ listening: { port: listener.port } });
await manager.start();

process.on('message', (message: ToHost) => {
  if ('clockOffsetMs' in message) clockOffsetMs = message.clockOffsetMs;
  else if ('stop' in message) void stop();
  else {
    work(message).then(
      () => tell({ ended: { id: message.id } }),
      (error: unknown) => tell({ ended: { id: message.id, code: codeOf(error) } }),
    );
  }
});
process.on('disconnect', () => process.exit(0));

async function work({ do: what, id, ns, op }: Extract<ToHost, { do: string }>): Promise<void> {
  const client = await manager.getClient(ns);
  if (what === 'logout') {
    await logged('logout', { id, ns }, async () => {
      const { web } = await client.logout();
      return { status: web?.revoked === true ? 'revoked' : 'not revoked' };
    });
    return;
  }
  try {
    await logged(op ?? 'call', { id, ns }, () => call(client, ns));
  } catch (error) {
    const challenge = findAuthorizationRequired(error)?.challenge;
    if (challenge === undefined) throw error;
    tellLink(ns, challenge);
    if (what === 'ask') {
      await logged('park', { id, ns }, async () => ({ request: (await answer.park(error, { ns })).id }));
    } else if (what === 'wait') {
      await waitFor(client, id, ns, challenge);
    }
  }
}

/** A call that blocks until the person is done, wherever that becomes known. */
async function waitFor(client: Client, id: string, ns: string, { pendingId }: AuthChallenge): Promise<void> {
  await logged('wait', { id, ns }, async () => {
    const store = coordinator.pendings.in(client.context.namespace);
    const pending = await store.get(pendingId);
    if (pending === undefined) return { status: 'expired' };
    const { status } = await coordinator.pendings.waitFor(pending, { timeoutMs: waitMs });
    return { status };
  });
}

async function call(client: Client, ns: string): Promise<Partial<Outcome>> {
  try {
    const { content } = await client.callTool('read', {}, { server: 'web', timeout: 4_000 });
    const [block] = content as { text?: string }[];
    return { owner: ownerOf(block?.text ?? '') };
  } catch (error) {
    const challenge = findAuthorizationRequired(error)?.challenge;
    if (challenge !== undefined) tellLink(ns, challenge);
    throw error;
  }
}

function tellLink(ns: string, { url, pendingId, expiresAtMs }: AuthChallenge): void {
  tell({ link: { ns, url, pendingId, expiresAtMs } });
}

interface Outcome {
  readonly owner: string;
  readonly status: string;
  readonly request: string;
}

async function logged(
  op: string,
  about: { id: string; ns: string; request?: string; code?: string },
  run: () => Promise<Partial<Outcome>>,
): Promise<void> {
  // A wait ends one answer of the store after its deadline at the latest, and begins with one.
  const limitMs = op === 'wait' ? waitMs + 2 * config.storeTimeoutMs : callLimitMs;
  log.say({ k: 'invoke', op, ...about, limitMs });
  try {
    log.say({ k: 'ok', op, ...about, ...(await run()) });
  } catch (error) {
    log.say({ k: 'fail', op, ...about, code: codeOf(error) });
    throw error;
  }
}

/** Everything goes to the outside through this host's own way there; refreshes are written down. */
async function send(input: string | URL | Request, init: RequestInit = {}): Promise<Response> {
  const url = new URL(input instanceof Request ? input.url : input);
  url.port = String(config.webPort);
  if (url.pathname !== '/token') return fetch(url, init);
  const form = new URLSearchParams(await new Response(init.body ?? null).text());
  const headers = new Headers(init.headers);
  const body = form.toString();
  if (form.get('grant_type') !== 'refresh_token') return fetch(url, { ...init, body, headers });
  const request = randomUUID();
  headers.set('x-host', name);
  headers.set('x-request', request);
  const token = form.get('refresh_token') ?? '';
  const about = { op: 'refresh', id: request, request, token: hashOf(token) };
  log.say({ k: 'invoke', ...about });
  try {
    const response = await fetch(url, { ...init, body, headers });
    const text = await response.text();
    log.say({ k: response.ok ? 'ok' : 'fail', ...about });
    return new Response(text, { status: response.status, headers: response.headers });
  } catch (error) {
    log.say({ k: 'fail', ...about, code: 'unreachable' });
    throw error;
  }
}

function codeOf(error: unknown): string {
  const known = findPosternError(error)?.code;
  if (known !== undefined || !(error instanceof Error)) return known ?? 'untyped';
  const { code } = error as { code?: unknown };
  return `untyped ${error.name} ${typeof code === 'string' ? code : ''}`;
}

async function stop(): Promise<void> {
  await manager.close();
  await listener.close();
  await storage.close();
  process.exit(0);
}
