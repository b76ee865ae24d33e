/**
 * One process of an agent host that can be told where to die.
 *
 * `node host-worker.ts <directory> <publicUrl> <calendarUrl>`; its environment may name KILL_AT and LEASE_MS.
 * It gets questions over IPC, and tells its parent what it did, step by step.
 */
import { openListener } from '../../demo/open-listener.ts';
import { ClientManager, isAuthorizationRequired, RemoteAuthCoordinator } from '../../src/client/index.ts';
import { openLocalStorage } from '../../src/storage/local.ts';
import { KillPoints, parseKillPoint, type Phase } from './kill-points.ts';

/** What the parent sends. */
export type ToHost =
  /** Steps are counted from here on, as this phase's. Answered with `entered`. */
  | { enter: Phase | 'nothing' }
  /** Resume parked questions from here on. */
  | { work: true }
  | { ask: { user: string; question: string } }
  /** Many questions at once, none of which may park. */
  | { burst: { user: string; calls: number } }
  | { logout: { user: string; request: string } }
  | { stop: true };

/** What a host tells its parent. */
export type FromHost =
  | { listening: { port: number } }
  | { entered: Phase | 'nothing' }
  | { step: { phase: Phase; label: string; side: 'before' | 'after' } }
  | { secrets: string[] }
  | { parked: { question: string; link: string; key: string } }
  | { answered: { question: string; text: string; key?: string } }
  | { abandoned: { question: string; code: string } }
  | { failed: { question: string; code: string } }
  | { burst: { succeeded: number; codes: string[] } }
  | { loggedOut: { request: string; revoked: boolean; reason?: string | undefined } }
  | { refreshing: true }
  | { complained: { level: string; message: string; facts: unknown } };

const [directory = '', publicUrl = '', calendarUrl = ''] = process.argv.slice(2);
const killAt = process.env['KILL_AT'];
const leaseMs = Number(process.env['LEASE_MS'] ?? 1_500);
/** How long the answer to a refresh is held back, for a signal to arrive meanwhile. */
const refreshDelayMs = Number(process.env['REFRESH_DELAY_MS'] ?? 0);

const tell = (message: FromHost): void => void process.send?.(message);
const points = new KillPoints(killAt === undefined ? undefined : parseKillPoint(killAt), (step) =>
  tell({ step }),
);

const storage = points.wrapStorage(openLocalStorage(directory));
const send = points.wrapFetch(tellSecretsOf(slowly(fetch)));
const complain =
  (level: string) =>
  (message: string, facts?: unknown): void =>
    tell({ complained: { level, message, facts } });
const logger = { debug: () => {}, info: () => {}, warn: complain('warn'), error: complain('error') };
const coordinator = new RemoteAuthCoordinator({
  storage,
  logger,
  publicUrl: `${publicUrl}/postern`,
  fetch: (url, init) => send(url, init),
  leaseMs,
  oauthTimeoutMs: Math.floor(leaseMs * 0.45),
  resume: { claimMs: leaseMs, sweepMs: 300, backoffMs: 100 },
  verifyUser: (request) =>
    /(?:^|; )chat-user=(?<user>\w+)/u.exec(request.headers.get('cookie') ?? '')?.groups?.['user'],
});
const manager = new ClientManager({ calendar: { url: calendarUrl } }, { coordinator, logger, fetch: send });

const answer = manager.continuation<{ question: string }>(
  'answer',
  async ({ client, payload, idempotencyKey }) => {
    const text = textOf(await client.callTool('whoami'));
    tell({ answered: { question: payload.question, text, key: idempotencyKey } });
  },
  { abandon: async ({ payload }, code) => tell({ abandoned: { question: payload.question, code } }) },
);

async function ask(user: string, question: string): Promise<void> {
  const client = await manager.getClient(user);
  try {
    tell({ answered: { question, text: textOf(await client.callTool('whoami')) } });
  } catch (error) {
    if (!isAuthorizationRequired(error)) throw error;
    const { id } = await answer.park(error, { question });
    tell({ parked: { question, link: error.challenge.url, key: id } });
  }
}

async function burst(user: string, calls: number): Promise<void> {
  const client = await manager.getClient(user);
  const outcomes = await Promise.allSettled(Array.from({ length: calls }, () => client.callTool('whoami')));
  const succeeded = outcomes.filter(
    (outcome) => outcome.status === 'fulfilled' && textOf(outcome.value) === user,
  );
  const codes = outcomes.flatMap((outcome) =>
    outcome.status === 'rejected' ? [codeOf(outcome.reason)] : [],
  );
  tell({ burst: { succeeded: succeeded.length, codes } });
}

async function logout(user: string, request: string): Promise<void> {
  const client = await manager.getClient(user);
  const { calendar } = await client.logout();
  tell({ loggedOut: { request, revoked: calendar?.revoked ?? false, reason: calendar?.reason } });
}

const listener = await openListener({ handler: coordinator.fetch });

process.on('message', (message: ToHost) => {
  if ('enter' in message) {
    points.enter(message.enter === 'nothing' ? undefined : message.enter);
    tell({ entered: message.enter });
  } else if ('work' in message) {
    void manager.start();
  } else if ('ask' in message) {
    const { user, question } = message.ask;
    ask(user, question).catch((error: unknown) => tell({ failed: { question, code: codeOf(error) } }));
  } else if ('burst' in message) {
    void burst(message.burst.user, message.burst.calls);
  } else if ('logout' in message) {
    const { user, request } = message.logout;
    logout(user, request).catch((error: unknown) =>
      tell({ failed: { question: request, code: codeOf(error) } }),
    );
  } else {
    void stop();
  }
});
process.on('disconnect', () => process.exit(0));
process.on('SIGTERM', () => void stop());
tell({ listening: { port: listener.port } });

async function stop(): Promise<void> {
  await manager.close();
  await listener.close();
  await storage.close();
  process.exit(0);
}

/** Tells the parent which texts must not be found in the store. */
function tellSecretsOf(next: typeof fetch): typeof fetch {
  return async (input, init) => {
    const response = await next(input, init);
    if (!isTokenRequest(input)) return response;
    const sent = new URLSearchParams(await new Response(init?.body ?? null).text());
    const got = (await response.clone().json()) as Record<string, unknown>;
    const texts = [sent.get('code_verifier'), got['access_token'], got['refresh_token']];
    tell({ secrets: texts.filter((text) => typeof text === 'string') });
    return response;
  };
}

function slowly(next: typeof fetch): typeof fetch {
  return async (input, init) => {
    if (refreshDelayMs === 0 || !isTokenRequest(input)) return next(input, init);
    const response = await next(input, init);
    tell({ refreshing: true });
    await new Promise((resolve) => setTimeout(resolve, refreshDelayMs));
    return response;
  };
}

function isTokenRequest(input: RequestInfo | URL): boolean {
  return new URL(input instanceof Request ? input.url : input).pathname === '/token';
}

function textOf({ content }: { content: readonly { type: string; text?: unknown }[] }): string {
  return content.map(({ text }) => String(text)).join('\n');
}

function codeOf(error: unknown): string {
  return String((error as { code?: unknown } | undefined)?.code ?? error);
}
