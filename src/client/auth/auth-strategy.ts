import type { Clock } from '../../core/clock.ts';
import type { Logger } from '../../core/logger.ts';
import type { KeptCredential } from '../../interaction/credentials/kept-credential.ts';
import type { NamespacedStorage } from '../../storage/namespaced-storage.ts';
import type { AuthCoordinator } from '../coordinators/auth-coordinator.ts';
import type { AuthChallenge } from './authorization-required-error.ts';
import type { Context } from '../context.ts';

/** What one request is sent with. */
export interface Authorization {
  readonly headers: Readonly<Record<string, string>>;
  /** Whatever the strategy needs to recognise this credential when it is refused. */
  readonly credential?: unknown;
  /** The issuer whose client's certificate the token is bound to: the request shows it. */
  readonly boundBy?: string | undefined;
}

/** A refusal by the server: 401, or 403 with a challenge; any 403 for who {@link AuthStrategy.takesBare403}. */
export interface Refusal {
  /** Status and headers; its body is not to be read. */
  readonly response: Response;
  readonly authorization: Authorization;
  /** 1 for the first refusal of a request. */
  readonly attempt: number;
}

/** How a logout went at the authorization server. */
export interface LogoutResult {
  /** Whether the other side has confirmed that the credential is dead, all of it. */
  readonly revoked: boolean;
  /** What the other side made of each token, where it has not confirmed them all: one may be dead and the other good until it expires. */
  readonly tokens?: Readonly<Record<string, 'confirmed' | 'unsupported' | 'refused'>> | undefined;
  /** Why not, for the person. */
  readonly reason?: string | undefined;
}

/** Speaks one authentication protocol for one connection. Touches no callback but its own. */
export interface AuthStrategy {
  /** Whether a 403 without a challenge may be a refusal, too: servers that know keys only have no challenge to give. */
  readonly takesBare403?: boolean | undefined;
  /** What to send with a request. Called before each. */
  authorize(request: { readonly method: string; readonly url: string }): Promise<Authorization>;
  /**
   * Answers a refusal: `true` to send the request again, `false` to let the refusal stand.
   *
   * @throws {AuthorizationRequiredError} when a person has to sign in first.
   */
  handleRefusal(refusal: Refusal): Promise<boolean>;
  /** Is told that the server did not refuse a credential. */
  accepted?(authorization: Authorization): void;
  /** When the credential that was sent last ends, if nothing but a person can replace it. */
  endsAtMs?(): number | undefined;
  /** Somebody gives up what is under way: whatever may keep it from an end is begun anew. */
  startOver?(): Promise<void>;
  /** Whoever gives the credential. Left out: nobody has to. */
  readonly person?: AskedPerson | undefined;
  /** Lets go of what it holds in memory. */
  close?(): Promise<void>;
}

/** What a context's person gives for one server, or is asked for. */
export interface AskedPerson {
  /** What was found at most a second ago, and has not ended since. Asks nobody, not even the store. */
  readonly known?: unknown;
  /** The live link, if the person is being waited for. Changes nothing. */
  findChallenge(): Promise<AuthChallenge | undefined>;
  /** The live link, if the person is being waited for, with the context's present metadata written to it. */
  renewChallenge(): Promise<AuthChallenge | undefined>;
  /** Lets a person who declined a moment ago be asked again: somebody wants that. */
  askAgain(): Promise<void>;
  /** What there is for this account, without itself; `undefined` when there is nothing that could be sent or renewed. */
  findKept(): Promise<KeptCredential | undefined>;
  /** Forgets the credential, here and at the other side. */
  logout(): Promise<LogoutResult>;
}

/** What a strategy is made from. */
export interface AuthStrategyDeps {
  readonly context: Context;
  readonly coordinator: AuthCoordinator;
  readonly server: string;
  /** Which of the context's accounts there. `default` where it names none. */
  readonly alias: string;
  /** Whom the issuer is to expect, where the caller knows. */
  readonly loginHint?: string | undefined;
  /** Why the server is needed, in words for the person. */
  readonly reason?: string | undefined;
  /** Where the MCP server is; `undefined` for a child process. */
  readonly serverUrl: string | undefined;
  /** The connection's own subtree; a strategy takes a part of it by its own name. */
  readonly storage: NamespacedStorage;
  readonly fetch: typeof globalThis.fetch;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** Makes a strategy for a connection: how a host brings its own. */
export type AuthStrategyFactory = (deps: AuthStrategyDeps) => AuthStrategy;
