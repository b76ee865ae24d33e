import { encodeBase64Url } from '../../core/base64url.ts';
import type { RandomBytes } from '../../core/random.ts';
import { randomId } from '../../core/random.ts';
import { readCapped } from '../../http/capped-body.ts';
import { commonNetwork } from '../../http/network.ts';

/** Where whoever holds a port proves what it is. */
const challengePath = '/.well-known/postern-gate';
/** How long it has. One of ours may be busy; a stranger that says nothing is waited for once, and then left its port. */
const proofMs = 10_000;
const maxProofBytes = 256;

/** Who holds a port. `silent`: it says nothing. `nobody`: it is free by now, or whoever had it is just going. */
export type PortHolder = 'ours' | 'stranger' | 'silent' | 'nobody';

/** Answers a challenge; `undefined` when a request is none. */
export async function answerChallenge(
  request: Request,
  origin: string,
  key: () => Promise<Uint8Array<ArrayBuffer>>,
): Promise<Response | undefined> {
  const { pathname, searchParams } = new URL(request.url);
  if (pathname !== challengePath) return undefined;
  const nonce = searchParams.get('nonce') ?? '';
  if (request.method !== 'GET' || !/^[\w-]{16,64}$/u.test(nonce)) return new Response(null, { status: 400 });
  return new Response(await proofOf(await key(), origin, nonce), {
    headers: { 'cache-control': 'no-store' },
  });
}

/** Has whoever answers at an origin show that it knows what only processes on this store know. */
export async function challenge(
  origin: string,
  key: Uint8Array<ArrayBuffer>,
  options: { readonly random: RandomBytes; readonly signal: AbortSignal },
): Promise<PortHolder> {
  const nonce = randomId(options.random);
  const signal = AbortSignal.any([AbortSignal.timeout(proofMs), options.signal]);
  const late = new Promise<never>((_, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true });
  });
  late.catch(() => {});
  try {
    const reply = await commonNetwork().fetch(`${origin}${challengePath}?nonce=${nonce}`, {
      // Whoever holds the port may be leaving it.
      headers: { connection: 'close' },
      redirect: 'manual',
      signal,
    });
    const body = await readCapped(reply, maxProofBytes, late);
    const proof = await proofOf(key, origin, nonce);
    return reply.ok && body !== undefined && new TextDecoder().decode(body) === proof ? 'ours' : 'stranger';
  } catch (error) {
    if (signal.aborted) return 'silent';
    return isCutOff(error) ? 'nobody' : 'stranger';
  }
}

/** The origin is part of it: an answer cannot be passed on from another port or address. */
async function proofOf(key: Uint8Array<ArrayBuffer>, origin: string, nonce: string): Promise<string> {
  const hmac = { name: 'HMAC', hash: 'SHA-256' };
  const secret = await crypto.subtle.importKey('raw', key, hmac, false, ['sign']);
  const text = new TextEncoder().encode(JSON.stringify(['postern gate', origin, nonce]));
  return encodeBase64Url(new Uint8Array(await crypto.subtle.sign('HMAC', secret, text)));
}

/** Whether there was nobody to answer, or nobody any more. */
function isCutOff(error: unknown): boolean {
  const cause = error instanceof Error ? (error.cause as { code?: unknown } | undefined) : undefined;
  return ['ECONNREFUSED', 'ECONNRESET', 'EPIPE', 'UND_ERR_SOCKET'].includes(String(cause?.code));
}
