import type { JWK } from 'jose';
import type { Clock } from '../core/clock.ts';
import { createDpopProof } from './dpop.ts';
import { readJsonBody } from './json-body.ts';

/** What a request to an authorization server is proved with, when its tokens are to be bound to a key. */
export interface Proving {
  readonly keyJwk: JWK | undefined;
  readonly url: URL;
  /** The last one of this server. */
  readonly nonce: string | undefined;
  readonly clock: Clock;
}

/** One answer of an authorization server, and the nonce to begin with next time. */
export interface ProvenAnswer {
  readonly response: Response;
  readonly dpopNonce: string | undefined;
}

/**
 * Sends a request, with a proof of the key where there is one.
 *
 * It is sent once. Only when the server wants a nonce in the proof, which it says before it looks at anything else, is it
 * sent a second time; never a third.
 *
 * @see RFC 9449 §8
 */
export async function sendProven(
  { keyJwk, url, nonce: known, clock }: Proving,
  send: (headers: Readonly<Record<string, string>>) => Promise<Response>,
): Promise<ProvenAnswer> {
  const sendWith = async (nonce: string | undefined): Promise<Response> =>
    send(
      keyJwk === undefined
        ? {}
        : { dpop: await createDpopProof({ keyJwk, method: 'POST', url, nonce, clock }) },
    );
  const first = await sendWith(known);
  const nonce = first.headers.get('dpop-nonce') ?? undefined;
  if (keyJwk === undefined || nonce === undefined || !(await wantsNonce(first))) {
    return { response: first, dpopNonce: nonce ?? known };
  }
  const second = await sendWith(nonce);
  return { response: second, dpopNonce: second.headers.get('dpop-nonce') ?? nonce };
}

async function wantsNonce(response: Response): Promise<boolean> {
  if (response.status !== 400 && response.status !== 401) return false;
  const { object } = await readJsonBody(response.clone());
  return object?.error === 'use_dpop_nonce';
}
