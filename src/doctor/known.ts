import type { Challenge } from '../oauth/challenge.ts';
import type { ClientIdentity } from '../oauth/client-identity.ts';
import type { Discovery, DiscoveryLook } from '../oauth/discovery.ts';
import type { IssuerProfile } from '../oauth/profiles/issuer-profile.ts';
import type { PosternError } from '../core/postern-error.ts';
import type { AuthorizeOutcome } from './authorize-outcome.ts';
import type { McpAnswer } from './mcp-exchange.ts';

/** What a step has learnt for those after it. */
export interface Known {
  /** The server answered something. */
  reached: boolean;
  /** What it answered to a GET, an `initialize`, a `server/discover`. */
  get?: McpAnswer | undefined;
  initialize?: McpAnswer | undefined;
  discover?: McpAnswer | undefined;
  /** The version that was agreed on in the handshake, where there was one. */
  legacyVersion?: string | undefined;
  /** The versions that the server offers without a handshake. */
  modernVersions?: readonly string[] | undefined;
  /** The first refusal that asks for credentials, and what it was the answer to. */
  refusal?: { readonly answer: McpAnswer; readonly method: string } | undefined;
  challenge?: Challenge | undefined;
  /** What was answered to whoever has a credential. */
  accepted?: McpAnswer | undefined;
  /** Everything that was asked was answered without credentials. */
  isOpen?: boolean | undefined;
  /** The metadata of the resource was found, or is known not to exist. */
  isLookedUp?: boolean | undefined;
  resourceMetadata?: Discovery['resourceMetadata'];
  looks: DiscoveryLook[];
  /** The issuers that the server names. */
  issuers?: readonly string[] | undefined;
  discovery?: Discovery | undefined;
  discoveryError?: PosternError | undefined;
  profile: IssuerProfile;
  provider?: string | undefined;
  /** What a sign-in would ask for. */
  scopes?: readonly string[] | undefined;
  client?: ClientIdentity | undefined;
  /** The client was made by this examination. */
  isFresh?: boolean | undefined;
  /** What the issuer said of it, by which it is deleted. */
  registered?: Readonly<Record<string, unknown>> | undefined;
  authorize?: AuthorizeOutcome | undefined;
  /** What each host's clock says beside ours, in milliseconds; positive is ahead. */
  readonly skews: Map<string, number>;
}

export function nothingKnown(): Known {
  return { reached: false, looks: [], profile: {}, skews: new Map() };
}

/** Why nothing can be asked of an authorization server. */
export function whyNoIssuer({ isOpen }: Pick<Known, 'isOpen'>): string {
  return isOpen === true
    ? 'no sign-in is asked for'
    : 'it is not known which authorization server it would be';
}
