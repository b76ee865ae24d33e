import type { Clock } from '../core/clock.ts';
import type { FetchLike } from '../http/fetch-like.ts';
import type { OAuthConfig } from '../client/server-config.ts';
import type { ClientIdentity } from '../oauth/client-identity.ts';
import type { Grant } from '../oauth/grant-record.ts';
import type { IssuerProfiles } from '../oauth/profiles/issuer-profile.ts';
import type { PreregisteredClient } from '../oauth/registration.ts';
import type { CheckReport } from './report.ts';
import type { ProbeTls } from './tls-probe.ts';

/** What is known of an earlier sign-in to the server. Nothing of it is changed or spent. */
export interface EarlierSignIn {
  /** Sent to the server in place of nothing, unless its own account says that it has ended. */
  readonly grant?: Grant | undefined;
  /** Who this program is at the issuer, where it registered itself. */
  readonly client?: ClientIdentity | undefined;
}

/** What an examination can be told. All of it may be left out. */
export interface ExamineOptions {
  /** As in the server's configuration: what is allowed, and how its issuer differs. */
  readonly auth?: Pick<
    OAuthConfig,
    | 'scopes'
    | 'authorizeParams'
    | 'profile'
    | 'clientMetadataIsPrivate'
    | 'allowIssuerMismatch'
    | 'allowPkceUnadvertised'
    | 'allowPrivateNetwork'
  >;
  /** A client that was registered by hand. */
  readonly client?: PreregisteredClient | undefined;
  /** Where the program's client metadata document is served. */
  readonly clientMetadataUrl?: string | undefined;
  /** Where people would be sent back to. Default: a loopback address such as the command line uses. */
  readonly redirectUri?: string | undefined;
  /** Sent with every request to the server, as `headers` of its configuration. */
  readonly headers?: Readonly<Record<string, string>> | undefined;
  readonly earlier?: EarlierSignIn | undefined;
  /** Registers a client for the examination, and deletes it where the issuer lets it. Default false: nothing is left behind. */
  readonly register?: boolean | undefined;
  /** Laid over what is known of issuers. */
  readonly profiles?: IssuerProfiles | undefined;
  /** For one step. Default 15 000. */
  readonly stepTimeoutMs?: number | undefined;
  /** For one request. Default 8 000. */
  readonly requestTimeoutMs?: number | undefined;
  /** For all of it. Default 90 000. */
  readonly timeoutMs?: number | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Default: the network that every client of ours uses. */
  readonly fetch?: FetchLike | undefined;
  readonly clock?: Clock | undefined;
  /** Shakes hands by TLS, and says with whom. Left out: not looked at. */
  readonly probeTls?: ProbeTls | undefined;
  /** The proxy that requests to an address go through, where there is one. Left out: not known. */
  readonly proxyFor?: ((url: URL) => string | undefined) | undefined;
  /** Told of every step as it ends. */
  readonly onCheck?: ((check: CheckReport) => void) | undefined;
}
