import type { Clock } from '../core/clock.ts';
import type { Want } from './want.ts';

/** How good a stored credential is, by its own account. `due`: still good, and better renewed. `over`: not to be sent any more. */
export type CredentialState = 'good' | 'due' | 'over';

/** What became of a credential at its issuer. `unsupported`: the issuer offers no way to end it. `refused`: it would not. */
export type Ending = 'confirmed' | 'unsupported' | 'refused';

/** The same, where a credential has parts that end each by itself: OAuth's are `refreshToken` and `accessToken`. */
export type Revocation = Ending | Readonly<Record<string, Ending>>;

/**
 * The life of one sort of credential: all that needs no person.
 *
 * What is stored carries its kind's name, so that the ways of asking for it can change.
 */
export interface CredentialKind<C = unknown> {
  readonly name: string;
  /** `false`: what comes of it is not kept here; that its person has done their part is all. */
  readonly keeps?: boolean | undefined;
  /** Reads a stored credential back; `undefined` when it is no such credential, or cannot be used. */
  read(stored: unknown): C | undefined;
  /** As of a time of the store's. Default: `good`. */
  stateOf?(stored: unknown, nowMs: number): CredentialState;
  /**
   * Renews a credential; `undefined` when it has ended for good.
   *
   * @param clock the store's time, by which what comes of it begins and ends: other processes judge that, too.
   */
  renew?(stored: unknown, clock: Clock): Promise<unknown>;
  /** Gets one for the machine itself, where no person is needed. */
  obtain?(want: Want): Promise<{ readonly credential: unknown; readonly scopes: readonly string[] }>;
  /** Ends a credential at its issuer. Rejects when the issuer may do it another time. */
  revoke?(stored: unknown): Promise<Revocation>;
  /** Whether two belong to the same account, as far as can be told. */
  isSameAccount?(earlier: unknown, obtained: unknown): boolean;
}
