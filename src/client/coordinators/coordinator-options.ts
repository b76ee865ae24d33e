import type { Clock } from '../../core/clock.ts';
import type { Logger } from '../../core/logger.ts';
import type { RandomBytes } from '../../core/random.ts';
import type { FetchLike } from '../../http/fetch-like.ts';
import type { NetworkOptions } from '../../http/network-options.ts';
import type { IssuerProfiles } from '../../oauth/profiles/issuer-profile.ts';
import type { ResumePolicy } from '../../resume/continuations.ts';
import type { StorageBackend } from '../../storage/contract.ts';

/** As an option, and under the same name in JSON: accept a durable store whose values are readable by whoever reads the store. */
export const allowPlaintextStorage: unique symbol = Symbol('allowPlaintextStorage');

/**
 * What a person is given to sign in with.
 *
 * - `redirect`: a link to a page of ours. Its other ways are a code, where the server has them, and pasting an address.
 * - `device`: a code for any device, where the server has them, and nothing but it has to be shown: it is in the challenge,
 *   and goes to that person alone, since whoever enters it gives *their* account. Elsewhere the link.
 * - `auto`: the link, unless it leads to this machine and no browser of its person can be expected here.
 */
export type SignInBy = 'auto' | 'redirect' | 'device';

export interface AuthCoordinatorOptions {
  readonly storage: StorageBackend;
  readonly clock?: Clock | undefined;
  readonly random?: RandomBytes | undefined;
  readonly logger?: Logger | undefined;
  /** How long a person has to finish a sign-in. Default 10 minutes. */
  readonly signInTtlMs?: number | undefined;
  /** How long a declined sign-in is not asked for again by itself. Default 60,000 ms. */
  readonly declineCooldownMs?: number | undefined;
  /**
   * How long a process has for one refresh, registration or exchange; after it, it counts as dead and another goes on.
   * More than a request to an authorization server may take. Default 30,000 ms.
   */
  readonly leaseMs?: number | undefined;
  /** How requests leave this process: proxies, certificates, limits, and which addresses may be reached. */
  readonly network?: NetworkOptions | undefined;
  /** Sends requests to authorization servers, in place of `network`. */
  readonly fetch?: FetchLike | undefined;
  /** The deadline of one request to an authorization server, body included. Default 10,000 ms. Less than half of `leaseMs`. */
  readonly oauthTimeoutMs?: number | undefined;
  /**
   * How authorization servers differ from the standard, by issuer, by host (`login.example`), or by all hosts below one
   * (`*.login.example`); laid over what is known of them, field by field. JSON.
   */
  readonly profiles?: IssuerProfiles | undefined;
  /** {@link SignInBy}. Default `auto`. */
  readonly signInBy?: SignInBy | undefined;
  readonly resume?: ResumePolicy | undefined;
  /** Keeps a serverless process alive for work that goes on after the browser was answered. */
  readonly waitUntil?: ((work: Promise<unknown>) => void) | undefined;
  /** Dangerous. See {@link allowPlaintextStorage}. */
  readonly [allowPlaintextStorage]?: boolean | undefined;
  /** Dangerous. The same, as JSON can say it. */
  readonly allowPlaintextStorage?: boolean | undefined;
}
