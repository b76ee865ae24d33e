import http, { type IncomingMessage } from 'node:http';
import https from 'node:https';
import { PosternError } from '../../core/postern-error.ts';
import { mayReachInside, type GuardedInit } from '../guard.ts';
import type { Network, NetworkLimits, NetworkOptions } from '../network-options.ts';
import type { Resolve } from './addresses.ts';
import { openAgents, type Agents } from './agents.ts';
import { Answer, discard } from './answer.ts';
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
const maxRedirects = 3;
/** Answers before the answer, of which there is hardly ever one. */
const maxInterim = 20;

/**
 * The network of Node: `fetch` over `node:http`, which costs less than half of the global one.
 *
 * A redirect is followed three times at most, only within its origin, and only with the same method: whatever a request
 * carries is for that origin alone.
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

  async follow(request: RequestParts, inside: boolean): Promise<Response> {
    let { url } = request;
    for (let hops = 0; ; hops++) {
      const answer = await this.#send(url, request, inside, hops > 0);
      const location = redirects.has(answer.status) ? answer.headers.get('location') : null;
      if (location === null || request.redirect === 'manual') return answer;
      await answer.body?.cancel();
      const next = URL.parse(location, url);
      if (request.redirect === 'error') throw notFollowed(url, 'which it must not');
      if (next === null) throw notFollowed(url, 'to nowhere');
      if (hops === maxRedirects) throw notFollowed(url, `more than ${maxRedirects} times`);
      if (next.origin !== url.origin) throw notFollowed(url, `to ${next.origin}`);
      const keepsMethod = answer.status === 307 || answer.status === 308;
      if (!keepsMethod && request.method !== 'GET' && request.method !== 'HEAD')
        throw notFollowed(url, `a ${request.method} with status ${answer.status}`);
      url = next;
    }
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
    const { connectMs, silenceMs, answerMs, headerBytes, bodyBytes, values } = this.#limits;
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
      let interim = 0;
      sent.on('information', () => {
        if (++interim <= maxInterim) return;
        const error = neverAnswers(url);
        // The answer may follow within what has been received already.
        reject(error);
        end(error);
      });
      sent.once('error', (error) => reject(signal?.aborted === true ? signal.reason : failed(error)));
      sent.once('response', (received) => {
        message = received;
        const source = decode(received);
        const answer = new Answer(received, source, { url: url.href, redirected, bodyBytes, values, signal });
        // Whoever reads it hears of it; nobody has to.
        source.on('error', ignore);
        received.on('error', ignore);
        if (!answer.hasBody || method === 'HEAD') discard(received);
        else if (!answer.isEvents) whole = setTimeout(() => end(tooSlow()), answerMs).unref();
        resolve(answer);
      });
      sent.end(body);
    });
  }
}

const redirects: ReadonlySet<number> = new Set([301, 302, 303, 307, 308]);

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

function notFollowed(url: URL, where: string): PosternError {
  return new PosternError(
    'ERR_POSTERN_NETWORK_REDIRECT',
    `${JSON.stringify(url.host)} redirects ${where}, which is not followed`,
    {
      hint: 'What a request carries is for its own origin alone. If the other address is right, configure that one.',
    },
  );
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
