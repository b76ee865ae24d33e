import type { Agent, ClientRequest, IncomingMessage } from 'node:http';
import type { RequestOptions } from 'node:https';
import { isIP, type Socket } from 'node:net';
import { PosternError } from '../../core/postern-error.ts';
import { followRedirects } from '../follow-redirects.ts';
import { mayReachInside, type GuardedInit } from '../guard.ts';
import type { Network, NetworkLimits, NetworkOptions } from '../network-options.ts';
import { mayComeTwice, type RepeatableInit } from '../repeatable.ts';
import type { Resolve } from './addresses.ts';
import { openAgents, type Agents } from './agents.ts';
import { Answer, discard } from './answer.ts';
import { http, https } from './built-ins.ts';
import { checkCertificates } from './check-certificates.ts';
import { acceptedEncodings, decode } from './decode.ts';
import { readRequest, type RequestParts } from './request-parts.ts';

type Limits = { readonly [Name in keyof NetworkLimits]-?: number };

const defaults: Limits = {
  connectMs: 10_000,
  silenceMs: 300_000,
  answerMs: 600_000,
  bodyBytes: 16 * 1024 * 1024,
  values: 250_000,
  headerBytes: 32 * 1024,
  connections: 1_024,
  waiting: 10_000,
};
/** Answers before the answer, of which there is hardly ever one. */
const maxInterim = 20;

/**
 * The network of Node: `fetch` over `node:http`, which costs less than half of the global one.
 *
 * Redirects are followed as {@link followRedirects} says.
 *
 * @param resolve how names are resolved, where there is a guard. Default: as the system does.
 * @throws {PosternError} ERR_POSTERN_CONFIG_MISCONFIGURED when a certificate or key cannot be used.
 */
export function openNodeNetwork(
  options: NetworkOptions = {},
  resolve?: Resolve,
): Pick<Network, 'fetch' | 'close'> {
  checkCertificates(options);
  const given = Object.entries(options.limits ?? {}).filter(([, value]) => value !== undefined);
  const limits: Limits = { ...defaults, ...Object.fromEntries(given) };
  const agents = openAgents(options, limits.connections, resolve);
  const sender = new Sender(agents, limits);
  return {
    fetch: async (input: string | URL | Request, init: GuardedInit & RepeatableInit = {}) => {
      const read = readRequest(input, init);
      const request = read instanceof Promise ? await read : read;
      return sender.follow(request, {
        inside: init[mayReachInside] === true,
        twice: init[mayComeTwice] === true || request.method === 'GET' || request.method === 'HEAD',
      });
    },
    close: async () => agents.close(),
  };
}

/** What whoever makes a request allows. */
interface Allowed {
  /** That it leads inside. */
  readonly inside: boolean;
  /** That it comes twice. */
  readonly twice: boolean;
}

/** Sends requests, and follows where they are sent on to. */
class Sender {
  readonly #agents: Agents;
  readonly #limits: Limits;
  /** Requests without an answer, by origin. */
  readonly #open = new Map<string, { count: number }>();
  readonly #uses = new WeakMap<Socket, SocketUse>();

  constructor(agents: Agents, limits: Limits) {
    this.#agents = agents;
    this.#limits = limits;
  }

  follow(request: RequestParts, allowed: Allowed): Promise<Response> {
    return followRedirects(request, (url, redirected) => this.#send(url, request, allowed, redirected));
  }

  async #send(
    url: URL,
    request: RequestParts,
    { inside, twice }: Allowed,
    redirected: boolean,
  ): Promise<Answer> {
    const { signal } = request;
    signal?.throwIfAborted();
    if (url.protocol !== 'https:' && url.protocol !== 'http:')
      throw new TypeError('fetch failed', { cause: new Error(`unknown scheme ${url.protocol}`) });
    const found = this.#agents.agentFor(url, inside);
    const agent = found instanceof Promise ? await found : found;
    const { origin } = url;
    const open = this.#open.get(origin) ?? { count: 0 };
    if (open.count >= this.#limits.connections + this.#limits.waiting) throw tooManyWait(url);
    this.#open.set(origin, open);
    open.count++;
    try {
      return await this.#sendBy(agent, url, request, redirected);
    } catch (error) {
      if (!twice || !(error instanceof StaleConnection)) throw error;
      return await this.#sendBy(agent, url, request, redirected);
    } finally {
      open.count--;
      if (open.count === 0) this.#open.delete(origin);
    }
  }

  #sendBy(agent: Agent, url: URL, request: RequestParts, redirected: boolean): Promise<Answer> {
    const { method, body, signal } = request;
    const { silenceMs, answerMs, bodyBytes, values } = this.#limits;
    return new Promise((resolve, reject) => {
      const sent = this.#begin(agent, url, request);
      let message: IncomingMessage | undefined;
      const end = (reason: Error): void => void (message ?? sent).destroy(reason);
      const abort = (): void => end(asError(signal?.reason));
      signal?.addEventListener('abort', abort);
      let use: SocketUse | undefined;
      let whole: ReturnType<typeof setTimeout> | undefined;
      sent.on('close', () => {
        signal?.removeEventListener('abort', abort);
        if (whole !== undefined) clearTimeout(whole);
        if (use?.end === end) use.end = undefined;
      });
      sent.on('socket', (socket) => {
        use = this.#useOf(socket);
        use.end = end;
        if (!socket.connecting) socket.setTimeout(silenceMs);
      });
      let interim = 0;
      sent.on('information', () => {
        if (++interim <= maxInterim) return;
        const error = neverAnswers(url);
        // The answer may follow within what has been received already.
        reject(error);
        end(error);
      });
      sent.on('error', (error) => {
        if (signal?.aborted === true) return reject(signal.reason);
        const isStale = sent.reusedSocket && message === undefined && isClosed(error);
        reject(isStale ? new StaleConnection('fetch failed', { cause: error }) : failed(error));
      });
      sent.on('response', (received) => {
        message = received;
        const source = decode(received);
        const answer = new Answer(received, source, { url: url.href, redirected, bodyBytes, values, signal });
        // Whoever reads it hears of it; nobody has to.
        received.on('error', ignore);
        if (source !== received) source.on('error', ignore);
        if (!answer.hasBody || method === 'HEAD') discard(received);
        else if (!answer.isEvents)
          // What came with the headers is there once they have been read.
          queueMicrotask(() => {
            if (!received.complete && !received.destroyed)
              whole = setTimeout(() => end(tooSlow()), answerMs).unref();
          });
        resolve(answer);
      });
      sent.end(body);
    });
  }

  #begin(agent: Agent, url: URL, { method, headers, body, signal }: RequestParts): ClientRequest {
    headers['accept'] ??= '*/*';
    headers['accept-encoding'] ??= acceptedEncodings;
    headers['user-agent'] ??= 'postern';
    if (body !== undefined) headers['content-length'] = String(Buffer.byteLength(body));
    const { hostname, port, username, password } = url;
    const isTls = url.protocol === 'https:';
    const host = hostname.startsWith('[') ? hostname.slice(1, -1) : hostname;
    const options: RequestOptions = {
      agent,
      method,
      protocol: url.protocol,
      host,
      path: url.pathname + url.search,
      headers,
      maxHeaderSize: this.#limits.headerBytes,
      // An address is no name that a certificate could be asked for by.
      servername: isTls && isIP(host) === 0 ? host : '',
    };
    if (port !== '') options.port = Number(port);
    if (username !== '' || password !== '')
      options.auth = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`;
    const sent = isTls ? https().request(options) : http.request(options);
    sent.on('error', () => {
      if (sent.reusedSocket && signal?.aborted !== true) dropIdle(agent, options);
    });
    return sent;
  }

  /** What a connection is used for; it is held to the limits from its first use on. */
  #useOf(socket: Socket): SocketUse {
    const known = this.#uses.get(socket);
    if (known !== undefined) return known;
    const use: SocketUse = { end: undefined };
    this.#uses.set(socket, use);
    socket.on('timeout', () => use.end?.(tooSlow()));
    if (!socket.connecting) return use;
    const { connectMs, silenceMs } = this.#limits;
    socket.setTimeout(connectMs);
    socket.once('encrypted' in socket ? 'secureConnect' : 'connect', () => socket.setTimeout(silenceMs));
    return use;
  }
}

/** What ends the request that a connection is used for at present. */
interface SocketUse {
  end: ((reason: Error) => void) | undefined;
}

/** A kept connection that had been closed, or was just then. Whether its request was read, nobody knows. */
class StaleConnection extends TypeError {}

/** Whether a connection was closed by its server. */
function isClosed(error: Error): boolean {
  const { code } = error as { code?: string };
  return code === 'ECONNRESET' || code === 'EPIPE';
}

/** Of connections to a server that was restarted, or that leads nowhere any more, none is good when one is not. */
function dropIdle(agent: Agent, options: RequestOptions): void {
  const { options: own } = agent as Agent & { readonly options: RequestOptions };
  const name = agent.getName({ ...options, ...own });
  for (const socket of agent.freeSockets[name] ?? []) socket.destroy();
}

function ignore(): void {}

function asError(reason: unknown): Error {
  return reason instanceof Error ? reason : new DOMException('This operation was aborted', 'AbortError');
}

/** As `fetch` says it. What we say ourselves stays as it is. */
function failed(cause: Error): Error {
  return cause instanceof PosternError ? cause : new TypeError('fetch failed', { cause });
}

function tooSlow(): Error {
  return Object.assign(new Error('nothing came for too long'), { code: 'ETIMEDOUT' });
}

function neverAnswers({ host }: URL): PosternError {
  return new PosternError(
    'ERR_POSTERN_NETWORK_LIMIT',
    `${JSON.stringify(host)} says more than ${maxInterim} times that it will answer`,
  );
}

function tooManyWait({ host }: URL): PosternError {
  return new PosternError(
    'ERR_POSTERN_NETWORK_LIMIT',
    `too many requests wait for ${JSON.stringify(host)} already`,
    { hint: 'It answers more slowly than it is asked. Try again in a moment.' },
  );
}
