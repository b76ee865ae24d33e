import type { Clock } from '../core/clock.ts';
import type { Want } from './want.ts';

/** How good a stored credential is, by its own account. `due`: still good, and better renewed. `over`: not to be sent any more. */
export type CredentialState = 'good' | 'due' | 'over';

/** Whose a credential is, as far as its issuer says. */
export interface Account {
  readonly issuer: string;
  /** The issuer's own name for it. */
  readonly subject?: string | undefined;
  /** What a person calls it: an address, as a rule. */
  readonly name?: string | undefined;
}

/** What a credential says of itself, without itself. */
export interface CredentialFacts {
  /** `expiring`: its person will be needed before long. `over`: they are needed now. */
  readonly condition: 'good' | 'expiring' | 'over';
  /** When what is sent ends; left out: it is not said. */
  readonly endsAtMs?: number | undefined;
  /** Whether that is replaced without its person. */
  readonly renewable: boolean;
  /** When its person is needed, at the latest; left out: it is not known. */
  readonly personNeededAtMs?: number | undefined;
  /** It was asked for so that it could be renewed without its person, and came without what that takes. */
  readonly offlineDenied?: boolean | undefined;
  readonly account?: Account | undefined;
}

/** What became of a credential at its issuer. `unsupported`: the issuer offers no way to end it. `refused`: it would not. */
export type Ending = 'confirmed' | 'unsupported' | 'refused';

/** The same, where a credential has parts that end each by itself: OAuth's are `refreshToken` and `accessToken`. */
export type Revocation = Ending | Readonly<Record<string, Ending>>;

/**
 * The life of one sort of credential: all that needs no person.
 *
 * What is stored carries its kind's name, so that the ways of asking for it can change. `C` is what callers get of it, `S`
 * what is stored: JSON, which an older version of a program may have written.
 */
export interface CredentialKind<C = unknown, S = unknown> {
  readonly name: string;
  /** `false`: what comes of it is not kept here; that its person has done their part is all. */
  readonly keeps?: boolean | undefined;
  /** Reads a stored credential back; `undefined` when it is no such credential, or cannot be used. */
  read(stored: unknown): C | undefined;
  /**
   * As of a time of the store's. Default: `good`.
   *
   * @param learnedLifetimeMs how long those before it have lasted, where they did not say.
   */
  stateOf?(stored: S, nowMs: number, learnedLifetimeMs?: number): CredentialState;
  /**
   * As of a time of the store's. Default: nothing is known, and what can be renewed is.
   *
   * @param asked the scopes it was asked for with.
   */
  factsOf?(stored: S, nowMs: number, asked?: readonly string[]): CredentialFacts;
  /**
   * Renews a credential; `undefined` when it has ended for good.
   *
   * @param clock the store's time, by which what comes of it begins and ends: other processes judge that, too.
   */
  renew?(stored: S, clock: Clock): Promise<S | undefined>;
  /** Gets one for the machine itself, where no person is needed. */
  obtain?(want: Want): Promise<{ readonly credential: S; readonly scopes: readonly string[] }>;
  /** Whether what its person replaces by another is ended at its issuer, where each ends by itself. Default: it is left to end. */
  readonly endsReplaced?: boolean | undefined;
  /** Ends a credential at its issuer. Rejects when the issuer may do it another time. */
  revoke?(stored: S): Promise<Revocation>;
  /** Whose it is, to be compared with the next one's. */
  accountOf?(stored: S): Account;
}
