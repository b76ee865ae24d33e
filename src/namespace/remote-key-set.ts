import type { FetchImplementation, JWTVerifyGetKey } from 'jose';
import { systemClock, type Clock } from '../core/clock.ts';
import { PosternError } from '../core/postern-error.ts';
import { mayReachInside } from '../http/guard.ts';
import { commonNetwork } from '../http/network.ts';
import { whenFirstAsked } from './late-key-set.ts';

/** The part of `fetch` that is used. The global `fetch` is one. */
export type KeySetFetch = (url: string, init: RequestInit) => Promise<Response>;

/** What {@link remoteKeySet} takes. */
export interface RemoteKeySetOptions {
  /** Default: the network of this process. */
  readonly fetch?: KeySetFetch | undefined;
  /** Whether it may lead to this machine and into private networks. Default: it may, since the operator has named it. */
  readonly inside?: boolean | undefined;
  /** For one request, body included. Default 5 000. */
  readonly timeoutMs?: number | undefined;
  readonly clock?: Clock | undefined;
}

const maxBytes = 262_144;

/** How often an unknown key id may ask again, after a fetch that succeeded. */
const cooldownMs = 30_000;

/** How long a failure stands for those who come after it, so that made-up key ids cannot turn into requests. */
const failureCooldownMs = 5_000;

/**
 * The keys published at a URL, fetched when they are needed.
 *
 * Used for ten minutes; asked for again when a token names a key that is not among them, at most every 30 seconds.
 * One request at a time, without redirects, of at most 256 KiB.
 *
 * @throws {PosternError} ERR_POSTERN_CONFIG_MISCONFIGURED when the URL is neither https nor http to loopback.
 */
export function remoteKeySet(url: URL, options: RemoteKeySetOptions = {}): JWTVerifyGetKey {
  const { clock = systemClock, timeoutMs = 5_000, inside = true } = options;
  // What was checked is what is asked for, even if the caller changes theirs meanwhile.
  const own = new URL(url);
  checkKeySetUrl(own);
  let failure: { readonly error: PosternError; readonly untilMs: number } | undefined;

  const fetchKeys: FetchImplementation = async (href, init) => {
    if (failure !== undefined && clock() < failure.untilMs) throw failure.error;
    try {
      const text = await fetchText(options.fetch ?? commonNetwork().fetch, href, {
        ...init,
        [mayReachInside]: inside,
      } as RequestInit);
      failure = undefined;
      return new Response(text);
    } catch (cause) {
      const error = new PosternError(
        'ERR_POSTERN_OAUTH_UNREACHABLE',
        `no key set could be fetched from ${JSON.stringify(url.origin + url.pathname)}`,
        { cause, hint: 'Try again in a moment.' },
      );
      failure = { error, untilMs: clock() + failureCooldownMs };
      throw error;
    }
  };

  return whenFirstAsked(({ createRemoteJWKSet, customFetch }) =>
    createRemoteJWKSet(own, {
      timeoutDuration: timeoutMs,
      cooldownDuration: cooldownMs,
      [customFetch]: fetchKeys,
    }),
  );
}

function checkKeySetUrl({ protocol, hostname, username, password }: URL): void {
  const loopback = /^(?:127\.\d+\.\d+\.\d+|\[::1\]|(?:.+\.)?localhost)$/u.test(hostname);
  const secure = protocol === 'https:' || (protocol === 'http:' && loopback);
  if (secure && username === '' && password === '') return;
  throw new PosternError(
    'ERR_POSTERN_CONFIG_MISCONFIGURED',
    '"jwks" must be an https URL without a user name, or http to loopback',
  );
}

/** The body, once it is known to be a key set: what is not one counts as a failure, and is not asked for at once again. */
async function fetchText(send: KeySetFetch, href: string, init: RequestInit): Promise<string> {
  const ended = abortion(init.signal ?? undefined);
  const response = await Promise.race([send(href, init), ended]);
  const text = await readText(response, ended);
  if (response.status !== 200) throw new TypeError(`status ${response.status}`);
  const document: unknown = JSON.parse(text);
  const keys = typeof document === 'object' && document !== null && 'keys' in document && document.keys;
  if (!Array.isArray(keys)) throw new TypeError('not a key set');
  return text;
}

/** Raced as well as passed on: an injected fetch may not heed its signal. */
function abortion(signal: AbortSignal | undefined): Promise<never> {
  const ended = new Promise<never>((_, reject) => {
    if (signal?.aborted === true) reject(signal.reason);
    signal?.addEventListener('abort', () => reject(signal.reason), { once: true });
  });
  ended.catch(() => {});
  return ended;
}

async function readText(response: Response, ended: Promise<never>): Promise<string> {
  const reader = response.body?.getReader();
  if (reader === undefined) return '';
  const decoder = new TextDecoder('utf-8', { fatal: true });
  let text = '';
  let size = 0;
  try {
    for (;;) {
      const { done, value } = await Promise.race([reader.read(), ended]);
      if (done) return text + decoder.decode();
      size += value.byteLength;
      if (size > maxBytes) throw new RangeError(`more than ${maxBytes} bytes`);
      text += decoder.decode(value, { stream: true });
    }
  } finally {
    // Not waited for: a peer that never ends its body does not end its cancellation either.
    void reader.cancel().catch(() => {});
  }
}
