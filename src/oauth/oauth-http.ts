import { checkDurations } from '../core/check-durations.ts';
import { systemClock, type Clock } from '../core/clock.ts';
import { mayReachInside, type GuardedInit } from '../http/guard.ts';
import { guardedNetwork, openNetwork } from '../http/network.ts';
import type { NetworkOptions } from '../http/network-options.ts';
import type { FetchLike } from '../http/fetch-like.ts';
import { findPosternError, PosternError } from '../core/postern-error.ts';
import { readCapped } from '../http/capped-body.ts';
import { describeUrl } from './describe-url.ts';
import { checkBrowserUrl, checkUrl, isTrustedInside, type UrlPolicy } from './url-policy.ts';

export type { FetchLike } from '../http/fetch-like.ts';

/** What {@link createOAuthHttp} takes. */
export interface OAuthHttpOptions extends UrlPolicy {
  /**
   * How requests leave the process. Default: guarded, so that a name leads inside only where {@link UrlPolicy.trustedBy} has
   * that host, or is inside itself; `{}` guards by the URL alone.
   */
  readonly network?: NetworkOptions | undefined;
  /** Sends them, in place of `network`. */
  readonly fetch?: FetchLike | undefined;
  /** Whether that `fetch` shows a certificate to an issuer, as its client. Left out: nobody knows. */
  readonly hasCertificateFor?: ((issuer: string) => boolean) | undefined;
  /** For one request, body included. Default 10 000. */
  readonly timeoutMs?: number | undefined;
  /** Default 1 MiB. */
  readonly maxBodyBytes?: number | undefined;
  /** Ends every request made through the object. */
  readonly signal?: AbortSignal | undefined;
  readonly clock?: Clock | undefined;
}

/** How every request to an authorization server or metadata endpoint is made. */
export interface OAuthHttp {
  /**
   * Sends one request, without following redirects. The body of the response has been read, within the
   * size limit and the deadline.
   *
   * @throws {PosternError} ERR_POSTERN_OAUTH_URL_FORBIDDEN before anything is sent.
   * @throws {PosternError} ERR_POSTERN_OAUTH_UNREACHABLE when there is no whole answer in time.
   * @throws {PosternError} ERR_POSTERN_OAUTH_RESPONSE_INVALID when the answer is too large, or redirects a POST.
   * @throws the reason of a signal that aborted.
   */
  readonly fetch: FetchLike;
  /** Sends a GET for a JSON document, following at most three redirects, each checked again. */
  readonly getDocument: (url: URL) => Promise<Response>;
  /** Whether a URL may be used at all. Returns it parsed. */
  readonly checkUrl: (url: string | URL) => URL;
  /** Whether a URL may be opened in a browser. Returns it without characters a shell could read. */
  readonly checkBrowserUrl: (url: string | URL) => string;
  readonly clock: Clock;
  /** Whether a client shows a certificate at an issuer. Left out: nobody knows. */
  readonly hasCertificateFor?: ((issuer: string) => boolean) | undefined;
  /** The deadline of one request. Left out by an object of the host's own: nobody can hold a lease against it. */
  readonly timeoutMs?: number | undefined;
}

const maxRedirects = 3;
/** Statuses a Response may have only without a body. */
const bodyless: ReadonlySet<number> = new Set([204, 205, 304]);

export function createOAuthHttp(options: OAuthHttpOptions = {}): OAuthHttp {
  const { timeoutMs = 10_000, maxBodyBytes = 1_048_576, clock = systemClock } = options;
  checkDurations({ timeoutMs });
  const { fetch, hasCertificateFor } = wayOut(options);
  const check = (url: string | URL): URL => checkUrl(url, options);

  async function send(url: URL, init: RequestInit): Promise<Response> {
    options.signal?.throwIfAborted();
    const deadline = openDeadline(url, timeoutMs, [options.signal, init.signal ?? undefined]);
    const sent: GuardedInit = {
      ...init,
      redirect: 'manual',
      signal: deadline.signal,
      [mayReachInside]: isTrustedInside(url, options),
    };
    try {
      const response = await Promise.race([fetch(url.href, sent), deadline.ended]);
      const body = await readCapped(response, maxBodyBytes, deadline.ended);
      if (body === undefined) {
        throw invalid(url, `answered with more than ${maxBodyBytes} bytes`);
      }
      return rebuild(url, response, body);
    } catch (cause) {
      if (deadline.signal.aborted) throw deadline.signal.reason;
      const known = findPosternError(cause);
      if (known !== undefined) throw known;
      throw unreachable(url, 'could not be reached, or broke off its answer', cause);
    } finally {
      deadline.close();
    }
  }

  async function fetchOnce(address: string, init: RequestInit): Promise<Response> {
    const url = check(address);
    const response = await send(url, init);
    if (isRedirect(response) && init.method !== undefined && init.method !== 'GET') {
      throw invalid(url, 'answered a POST with a redirect, which is never followed');
    }
    return response;
  }

  async function getDocument(address: URL): Promise<Response> {
    let url = check(address);
    for (let hops = 0; ; hops++) {
      const response = await send(url, { method: 'GET', headers: { accept: 'application/json' } });
      const location = isRedirect(response) ? response.headers.get('location') : null;
      if (location === null) return response;
      if (hops === maxRedirects) throw invalid(address, `redirects more than ${maxRedirects} times`);
      if (!URL.canParse(location, url)) throw invalid(url, 'redirects to nowhere');
      const next = check(new URL(location, url));
      if (next.protocol !== 'https:' && next.origin !== url.origin) {
        throw new PosternError(
          'ERR_POSTERN_OAUTH_URL_FORBIDDEN',
          `${describeUrl(url)} redirects to ${describeUrl(next)}, which is not https`,
        );
      }
      url = next;
    }
  }

  return {
    fetch: fetchOnce,
    getDocument,
    checkUrl: check,
    checkBrowserUrl: (url) => checkBrowserUrl(url, options),
    clock,
    timeoutMs,
    hasCertificateFor,
  };
}

function wayOut({
  fetch,
  network,
  hasCertificateFor,
}: OAuthHttpOptions): Pick<OAuthHttpOptions, 'hasCertificateFor'> & { readonly fetch: FetchLike } {
  if (fetch !== undefined) return { fetch, hasCertificateFor };
  return network === undefined ? guardedNetwork() : openNetwork(network);
}

/** The same requests, with what comes of them begun and ended by another clock. */
export function withClock(http: OAuthHttp, clock: Clock): OAuthHttp {
  return { ...http, clock };
}

/** One deadline over headers and body, joined with the callers' signals. */
function openDeadline(
  url: URL,
  timeoutMs: number,
  signals: readonly (AbortSignal | undefined)[],
): { signal: AbortSignal; ended: Promise<never>; close: () => void } {
  const controller = new AbortController();
  const timer = setTimeout(
    () => controller.abort(unreachable(url, `did not answer within ${timeoutMs} ms`)),
    timeoutMs,
  );
  const given = signals.filter((signal) => signal !== undefined);
  const signal = AbortSignal.any([controller.signal, ...given]);
  // Raced as well as passed on: an injected fetch may not heed its signal.
  const ended = new Promise<never>((_, reject) => {
    if (signal.aborted) reject(signal.reason);
    signal.addEventListener('abort', () => reject(signal.reason), { once: true });
  });
  ended.catch(() => {});
  return { signal, ended, close: () => clearTimeout(timer) };
}

function rebuild(url: URL, response: Response, body: Uint8Array<ArrayBuffer>): Response {
  const { status } = response;
  if (status < 200 || status > 599) throw invalid(url, `answered with status ${status}`);
  const headers = new Headers(response.headers);
  // The body has been decoded, so what described its encoded form is no longer true.
  for (const name of ['content-encoding', 'content-length', 'transfer-encoding']) headers.delete(name);
  return new Response(bodyless.has(status) ? null : body, { status, headers });
}

function isRedirect(response: Response): boolean {
  return response.status >= 300 && response.status < 400 && response.status !== 304;
}

function unreachable(url: URL, what: string, cause?: unknown): PosternError {
  return new PosternError('ERR_POSTERN_OAUTH_UNREACHABLE', `${JSON.stringify(url.host)} ${what}`, {
    cause,
    hint: 'Try again in a moment. If it goes on, the service may be down, or blocked from here.',
  });
}

function invalid(url: URL, what: string): PosternError {
  return new PosternError('ERR_POSTERN_OAUTH_RESPONSE_INVALID', `${describeUrl(url)} ${what}`);
}
