import http, { type IncomingMessage } from 'node:http';
import https from 'node:https';
import { PosternError } from '../../core/postern-error.ts';
import { followRedirects } from '../follow-redirects.ts';
import { mayReachInside, type GuardedInit } from '../guard.ts';
import type { Network, NetworkLimits, NetworkOptions } from '../network-options.ts';
import type { Resolve } from './addresses.ts';
import { openAgents, type Agents } from './agents.ts';
import { Answer, discard } from './answer.ts';
import { acceptedEncodings, decode } from './decode.ts';
import { readRequest, type RequestParts } from './request-parts.ts';

type Limits = { readonly [Name in keyof NetworkLimits]-?: number };

const defaults: Limits = {
  connectMs: 10_000,
  silenceMs: 300_000,
  answerMs: 600_000,
  bodyBytes: 64 * 1024 * 1024,
  headerBytes: 32 * 1024,
  connections: 1_024,
  waiting: 10_000,
};

/**
 * The network of Node: `fetch` over `node:http`, which costs less than half of the global one.
 *
 * Redirects are followed as {@link followRedirects} says.
 *
 * @param resolve how names are resolved, where there is a guard. Default: as the system does.
 */
export function openNodeNetwork(
  options: NetworkOptions = {},
  resolve?: Resolve,
): Pick<Network, 'fetch' | 'close'> {
  const given = Object.entries(options.limits ?? {}).filter(([, value]) => value !== undefined);
  const limits: Limits = { ...defaults, ...Object.fromEntries(given) };
  const agents = openAgents(options, limits.connections, resolve);
  const sender = new Sender(agents, limits);
  return {
    fetch: async (input: string | URL | Request, init: GuardedInit = {}) =>
      sender.follow(await readRequest(input, init), init[mayReachInside] === true),
    close: async () => agents.close(),
  };
}

/** Sends requests, and follows where they are sent on to. */
class Sender {
  readonly #agents: Agents;
  readonly #limits: Limits;
  /** Requests without an answer, by origin. */
  readonly #open = new Map<string, number>();

  constructor(agents: Agents, limits: Limits) {
    this.#agents = agents;
    this.#limits = limits;
  }

  follow(request: RequestParts, inside: boolean): Promise<Response> {
    return followRedirects(request, (url, redirected) => this.#send(url, request, inside, redirected));
  }

  async #send(url: URL, request: RequestParts, inside: boolean, redirected: boolean): Promise<Answer> {
    const { signal } = request;
    signal?.throwIfAborted();
    if (url.protocol !== 'https:' && url.protocol !== 'http:')
      throw new TypeError('fetch failed', { cause: new Error(`unknown scheme ${url.protocol}`) });
    const found = this.#agents.agentFor(url, inside);
    const agent = found instanceof Promise ? await found : found;
    const open = (this.#open.get(url.origin) ?? 0) + 1;
    if (open > this.#limits.connections + this.#limits.waiting) throw tooManyWait(url);
    this.#open.set(url.origin, open);
    try {
      return await this.#sendBy(agent, url, request, redirected);
    } finally {
      const left = (this.#open.get(url.origin) ?? 1) - 1;
      if (left === 0) this.#open.delete(url.origin);
      else this.#open.set(url.origin, left);
    }
  }

  #sendBy(agent: http.Agent, url: URL, request: RequestParts, redirected: boolean): Promise<Answer> {
    const { method, headers, body, signal } = request;
    const { connectMs, silenceMs, answerMs, headerBytes, bodyBytes } = this.#limits;
    return new Promise((resolve, reject) => {
      const module = url.protocol === 'https:' ? https : http;
      const length = body === undefined ? undefined : Buffer.byteLength(body);
      const sent = module.request(url, {
        method,
        agent,
        maxHeaderSize: headerBytes,
        headers: {
          accept: '*/*',
          'accept-encoding': acceptedEncodings,
          'user-agent': 'postern',
          ...headers,
          ...(length !== undefined && { 'content-length': length }),
        },
      });
      let message: IncomingMessage | undefined;
      const end = (reason: Error): void => void (message ?? sent).destroy(reason);
      const abort = (): void => end(asError(signal?.reason));
      signal?.addEventListener('abort', abort);
      let whole: ReturnType<typeof setTimeout> | undefined;
      sent.once('close', () => {
        signal?.removeEventListener('abort', abort);
        clearTimeout(whole);
      });
      sent.once('socket', (socket) => {
        const late = (): void => end(tooSlow());
        socket.on('timeout', late);
        sent.once('close', () => socket.off('timeout', late));
        if (!socket.connecting) return void socket.setTimeout(silenceMs);
        socket.setTimeout(connectMs);
        socket.once(url.protocol === 'https:' ? 'secureConnect' : 'connect', () =>
          socket.setTimeout(silenceMs),
        );
      });
      sent.once('error', (error) => reject(signal?.aborted === true ? signal.reason : failed(error)));
      sent.once('response', (received) => {
        message = received;
        const source = decode(received);
        const answer = new Answer(received, source, { url: url.href, redirected, bodyBytes, signal });
        // Whoever reads it hears of it; nobody has to.
        source.on('error', ignore);
        received.on('error', ignore);
        if (!answer.hasBody || method === 'HEAD') discard(received);
        else if (!isEvents(answer)) whole = setTimeout(() => end(tooSlow()), answerMs).unref();
        resolve(answer);
      });
      sent.end(body);
    });
  }
}

function isEvents({ headers }: Answer): boolean {
  return headers.get('content-type')?.startsWith('text/event-stream') === true;
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

function tooManyWait({ host }: URL): PosternError {
  return new PosternError(
    'ERR_POSTERN_NETWORK_LIMIT',
    `too many requests wait for ${JSON.stringify(host)} already`,
    { hint: 'It answers more slowly than it is asked. Try again in a moment.' },
  );
}
