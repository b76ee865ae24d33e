import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { hostname } from 'node:os';
import { answerNodeRequest } from '../../node/answer-node-request.ts';
import { makeRoom } from './make-room.ts';

/** A listener on this machine only, for as long as somebody is expected at it. */
export interface LoopbackListener {
  readonly port: number;
  /** Closes once no answer is being sent, or a moment later. */
  close(): Promise<void>;
}

const maxHeaderBytes = 32 * 1024;
/** More than any form of ours may have. */
const maxBodyBytes = 128 * 1024;
const maxConnections = 64;
/** How long a browser has to come for the page that it was sent to. */
const seePageMs = 1_000;
/** How often Node looks for connections whose time is over. */
const connectionsCheckingInterval = 1_000;

/** What tells this machine from others on the same store. */
export function machineName(): string {
  return hostname();
}

export interface LoopbackListenerOptions {
  readonly host: string;
  /** 0: any free port. */
  readonly port: number;
  readonly fetch: (request: Request) => Promise<Response>;
}

/** How often another free port is tried, when the one that was found is not free at every address. */
const maxTries = 10;

/**
 * Binds a loopback address and answers with a fetch-style handler. `localhost` is both addresses that a browser may take it
 * for: at one that is left free, a stranger could answer.
 *
 * Returns `undefined` when the port is taken: binding it is how processes agree on who serves it.
 *
 * @see RFC 8252 §7.3
 */
export async function openLoopbackListener(
  options: LoopbackListenerOptions,
): Promise<LoopbackListener | undefined> {
  const { host, port } = options;
  if (host !== 'localhost') return listenAt(host, options);
  for (let tries = 0; tries < (port === 0 ? maxTries : 1); tries++) {
    const first = await listenAt('127.0.0.1', options);
    if (first === undefined) continue;
    try {
      const second = await listenAt('::1', { ...options, port: first.port });
      if (second !== undefined) return both(first, second);
    } catch (error) {
      // A machine without IPv6 has one address only.
      if (isNoAddress(error)) return first;
      await first.close();
      throw error;
    }
    await first.close();
  }
  return undefined;
}

function both(first: LoopbackListener, second: LoopbackListener): LoopbackListener {
  return {
    port: first.port,
    close: async () => void (await Promise.all([first.close(), second.close()])),
  };
}

async function listenAt(
  address: string,
  { host, port: wantedPort, fetch }: LoopbackListenerOptions,
): Promise<LoopbackListener | undefined> {
  const active = new Set<Promise<void>>();
  const sent = new SentBack();
  /** Until no answer is being sent, or `timeoutMs` are over. */
  const idle = async (timeoutMs: number): Promise<void> => {
    const deadline = new Promise<void>((resolve) => setTimeout(resolve, timeoutMs).unref());
    await Promise.race([Promise.allSettled(active), deadline]);
  };
  const limits = { maxHeaderSize: maxHeaderBytes, connectionsCheckingInterval };
  const server = createServer(limits, (message, reply) => {
    const port = portOf(server);
    const origin = `http://${nameOf(host)}:${port}`;
    if (refuse(message, reply, port) || lead(message, reply, origin)) return;
    sent.came();
    const handler = (request: Request): Promise<Response> =>
      whileAnswering(message.socket, async () => sent.noting(await fetch(request), origin));
    const answering = answerNodeRequest(message, reply, handler, { origin, maxBodyBytes }).finally(() =>
      active.delete(answering),
    );
    active.add(answering);
  });
  server.headersTimeout = 5_000;
  server.requestTimeout = 10_000;
  server.keepAliveTimeout = 1_000;
  const whileAnswering = makeRoom(server, maxConnections);
  if (!(await bind(server, address, wantedPort))) return undefined;
  // A program that has nothing else to do may end: its links are answered by others, or after its next start.
  server.unref();
  return {
    port: portOf(server),
    close: async () => {
      // Whoever has pressed a button is told what came of it on the page they are sent to: often the program was waiting
      // for just that, and ends now.
      await idle(seePageMs);
      await sent.untilCome();
      await idle(seePageMs);
      await new Promise<void>((resolve) => {
        server.close(() => resolve());
        server.closeIdleConnections();
        setTimeout(() => server.closeAllConnections(), 1_000).unref();
      });
    },
  };
}

/** Whether a browser was sent to another page here, and has not come for it yet. */
class SentBack {
  #expected: PromiseWithResolvers<void> | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;

  /** Notes where an answer sends its browser. */
  noting(response: Response, origin: string): Response {
    const { status, headers } = response;
    const to = headers.get('location');
    if (status === 303 && to !== null && new URL(to, origin).origin === origin) {
      this.#expected ??= Promise.withResolvers();
      clearTimeout(this.#timer);
      this.#timer = setTimeout(() => this.came(), seePageMs);
    }
    return response;
  }

  came(): void {
    clearTimeout(this.#timer);
    this.#expected?.resolve();
    this.#expected = undefined;
  }

  async untilCome(): Promise<void> {
    await this.#expected?.promise;
  }
}

function nameOf(host: string): string {
  return host.includes(':') ? `[${host}]` : host;
}

function isNoAddress(error: unknown): boolean {
  const { code } = error as NodeJS.ErrnoException;
  return code === 'EADDRNOTAVAIL' || code === 'EAFNOSUPPORT';
}

/**
 * Answers what does not come from this machine's own browser going to one of its own names. A page of another site can
 * point its own name here, which the `Host` header gives away, or have its scripts and forms send something, which `Origin`
 * gives away.
 */
function refuse(message: IncomingMessage, reply: ServerResponse, port: number): boolean {
  const names = [`127.0.0.1:${port}`, `localhost:${port}`, `[::1]:${port}`];
  const { host = '', origin } = message.headers;
  const isOurName = names.includes(host.toLowerCase());
  if (isOurName && (origin === undefined || names.some((name) => origin === `http://${name}`))) return false;
  message.resume();
  reply.writeHead(isOurName ? 403 : 421).end();
  return true;
}

/** Leads a browser that came by another of this machine's names to the one that its cookies and forms are good for. */
function lead(message: IncomingMessage, reply: ServerResponse, origin: string): boolean {
  const { headersDistinct, method, url = '' } = message;
  const [name = '', ...more] = headersDistinct['host'] ?? [];
  const isVisit = method === 'GET' || method === 'HEAD';
  if (!isVisit || more.length > 0 || !url.startsWith('/')) return false;
  if (`http://${name.toLowerCase()}` === origin) return false;
  reply.writeHead(307, { location: `${origin}${url}`, 'cache-control': 'no-store' }).end();
  return true;
}

function portOf(server: Server): number {
  return (server.address() as AddressInfo | null)?.port ?? 0;
}

function bind(server: Server, host: string, port: number): Promise<boolean> {
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'EADDRINUSE') resolve(false);
      else reject(error);
    });
    server.listen(port, host, () => resolve(true));
  });
}
