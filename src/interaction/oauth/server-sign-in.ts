import type { allowIssuerMismatch, allowPkceUnadvertised } from '../../oauth/allowed.ts';
import type { DiscoverOptions } from '../../oauth/discovery.ts';
import type { IssuerProfile } from '../../oauth/profiles/issuer-profile.ts';
import type { PreregisteredClient } from '../../oauth/registration.ts';
import type { allowPrivateNetwork } from '../../oauth/url-policy.ts';

/** How one MCP server wants to be signed in to, as far as its host says so. */
export interface ServerSignIn {
  /** The name the host knows it by. */
  readonly server: string;
  /** Which of its person’s accounts there, where there are several. */
  readonly alias?: string | undefined;
  readonly serverUrl: string;
  readonly clientName?: string | undefined;
  /** Registered by hand. A function is asked when somebody signs in: its secret may be elsewhere. */
  readonly client?: PreregisteredClient | (() => Promise<PreregisteredClient>) | undefined;
  readonly clientMetadataIsPrivate?: boolean | undefined;
  readonly scopes?: readonly string[] | undefined;
  readonly authorizeParams?: Readonly<Record<string, string>> | undefined;
  readonly loginHint?: string | undefined;
  readonly profile?: IssuerProfile | undefined;
  /** Begins from nothing: a client that registered itself registers anew. */
  readonly anew?: boolean | undefined;
  /** No person is asked: the client acts for itself. */
  readonly unattended?: boolean | undefined;
  readonly [allowPkceUnadvertised]?: boolean | undefined;
  readonly [allowIssuerMismatch]?: DiscoverOptions[typeof allowIssuerMismatch];
  readonly [allowPrivateNetwork]?: boolean | undefined;
}
