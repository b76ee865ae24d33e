import { allowIssuerMismatch } from './allowed.ts';
import type { AuthorizationServer, ResourceServer } from 'oauth4webapi';
import * as z from 'zod';
import type { ZodType } from 'zod';
import { isPosternError, PosternError } from '../core/postern-error.ts';
import type { Challenge } from './challenge.ts';
import { describeUrl, quoteIssuer } from './describe-url.ts';
import { climb, ladderFailed, MismatchedDocument, type MissedCandidate } from './metadata-ladder.ts';
import type { OAuthHttp } from './oauth-http.ts';
import { isSameIssuer } from './same-issuer.ts';
import { readAuthorizationServer, readProtectedResource } from './server-metadata.ts';

/** What {@link discover} can be told. */
export interface DiscoverOptions {
  /** Orders or narrows the issuers a resource names. Default: all, in the resource's order; the first that works is used. */
  readonly selectIssuer?: ((issuers: readonly string[]) => readonly string[] | string) | undefined;
  /** The other names by which an issuer is known to call itself in its metadata. */
  readonly statedIssuers?: ((issuer: string) => readonly string[]) | undefined;
  /** Told of every place that is looked at, in order, and what was looked for there. */
  readonly onLook?: ((look: DiscoveryLook) => void) | undefined;
  /** Issuers, as the resource names them, whose metadata may name another. */
  readonly [allowIssuerMismatch]?: readonly string[] | undefined;
}

/** One place where metadata was looked for. */
export interface DiscoveryLook {
  readonly url: URL;
  /** `skipped`: its host had not answered before. */
  readonly outcome: 'found' | 'absent' | 'failing' | 'unreachable' | 'invalid' | 'mismatch' | 'skipped';
  /** Why it was of no use. */
  readonly reason?: string | undefined;
  readonly lookedFor: 'resource' | 'issuer';
  /** As it was named, where it was its metadata that was looked for. */
  readonly issuer?: string | undefined;
}

/** Everything learnt about how to be authorized for one MCP server. Plain data. */
export interface Discovery {
  /** What is sent as `resource`. */
  readonly resource: string;
  readonly resourceMetadata?: ResourceServer | undefined;
  readonly issuer: string;
  readonly server: AuthorizationServer;
  /** The server publishes no metadata at all, and the endpoints are those of revision 2025-03-26. */
  readonly legacyEndpoints: boolean;
  /** Of the challenge. */
  readonly challengedScopes?: readonly string[] | undefined;
  /** Of the protected-resource metadata. */
  readonly scopesSupported?: readonly string[] | undefined;
  /** The resource accepts only tokens bound to a key. */
  readonly dpopRequired: boolean;
}

const issuerSchema = z.looseObject({ issuer: z.string() }) as unknown as ZodType<AuthorizationServer>;
const resourceSchema = z.looseObject({ resource: z.string() }) as unknown as ZodType<ResourceServer>;

export const discoverySchema: ZodType<Discovery> = z.looseObject({
  resource: z.string(),
  resourceMetadata: resourceSchema.optional(),
  issuer: z.string(),
  server: issuerSchema,
  legacyEndpoints: z.boolean(),
  challengedScopes: z.array(z.string()).optional(),
  scopesSupported: z.array(z.string()).optional(),
  dpopRequired: z.boolean(),
});

/**
 * Finds the protected-resource metadata of an MCP server: where its challenge says, then at the two
 * well-known places. `undefined` when every place denies having any, and no challenge promised one.
 *
 * @throws {PosternError} ERR_POSTERN_OAUTH_RESOURCE_MISMATCH when the metadata is about another server.
 * @throws {PosternError} ERR_POSTERN_OAUTH_DISCOVERY_FAILED when a place exists but fails.
 * @throws {PosternError} ERR_POSTERN_OAUTH_METADATA_INVALID when what was found cannot be read.
 * @see RFC 9728 §3
 */
export async function discoverProtectedResource(
  serverUrl: string | URL,
  challenge: Challenge | undefined,
  http: OAuthHttp,
  onLook?: DiscoverOptions['onLook'],
): Promise<ResourceServer | undefined> {
  const server = new URL(serverUrl);
  const named = challenge?.resourceMetadataUrl;
  const candidates = [
    ...(named === undefined ? [] : [http.checkUrl(named)]),
    wellKnown(server, 'oauth-protected-resource'),
    atPath(server, '/.well-known/oauth-protected-resource'),
  ];
  const { value, missed } = await climb(
    withoutRepeats(candidates),
    http,
    (document, from) => {
      const metadata = readProtectedResource(document, from);
      if (!covers(metadata.resource, server)) {
        throw new PosternError(
          'ERR_POSTERN_OAUTH_RESOURCE_MISMATCH',
          `the metadata at ${describeUrl(from)} describes ${describeUrl(metadata.resource)}, not ${describeUrl(server)}`,
          { hint: 'The server describes itself wrongly. Is its address the one its operator gives?' },
        );
      }
      return metadata;
    },
    (look) => onLook?.({ ...look, lookedFor: 'resource' }),
  );
  if (value !== undefined) return value;
  // A place that failed may hold metadata. To go on without would send credentials where it does not say.
  if (named === undefined && missed.every(({ kind }) => kind === 'absent')) return undefined;
  throw resourceMetadataFailed(missed);
}

/**
 * Finds the metadata of an issuer, and holds it to naming that issuer, letter for letter but for the slash of one
 * without a path.
 *
 * @throws {PosternError} ERR_POSTERN_OAUTH_ISSUER_MISMATCH when the only metadata found names another.
 * @throws {PosternError} ERR_POSTERN_OAUTH_DISCOVERY_FAILED when none was found.
 * @throws {PosternError} ERR_POSTERN_OAUTH_METADATA_INVALID when what was found cannot be read.
 * @see RFC 8414 §3.3
 */
export async function discoverAuthorizationServer(
  issuer: string,
  http: OAuthHttp,
  options: IssuerExceptions = {},
): Promise<AuthorizationServer> {
  http.checkUrl(issuer);
  const { value, missed } = await climbIssuer(issuer, http, options);
  if (value !== undefined) return value;
  throw authorizationServerFailed(missed);
}

type IssuerExceptions = Pick<DiscoverOptions, 'statedIssuers' | 'onLook' | typeof allowIssuerMismatch>;

function mayState(issuer: string, stated: string, options: IssuerExceptions): boolean {
  return (
    isSameIssuer(stated, issuer) ||
    options.statedIssuers?.(issuer).includes(stated) === true ||
    options[allowIssuerMismatch]?.some((allowed) => isSameIssuer(allowed, issuer)) === true
  );
}

/**
 * Learns how to be authorized for an MCP server: its metadata, then that of the first of its issuers
 * that works. A server without any, of revision 2025-03-26, is its own issuer.
 *
 * @throws {PosternError} as {@link discoverProtectedResource} and {@link discoverAuthorizationServer} do,
 * for the first issuer when none works.
 */
export async function discover(
  serverUrl: string | URL,
  challenge: Challenge | undefined,
  http: OAuthHttp,
  options: DiscoverOptions = {},
): Promise<Discovery> {
  const metadata = await discoverProtectedResource(serverUrl, challenge, http, options.onLook);
  return discoverFrom(metadata, serverUrl, challenge, http, options);
}

/** The other half of {@link discover}, for whoever has the metadata of the resource, or knows that there is none. */
export async function discoverFrom(
  metadata: ResourceServer | undefined,
  serverUrl: string | URL,
  challenge: Challenge | undefined,
  http: OAuthHttp,
  options: DiscoverOptions = {},
): Promise<Discovery> {
  const found =
    metadata === undefined
      ? await discoverLegacy(new URL(serverUrl), http, options)
      : await discoverFirst(issuersOf(metadata, new URL(serverUrl), options), http, options);
  return {
    ...found,
    resource: metadata?.resource ?? canonicalUri(serverUrl),
    ...(metadata && { resourceMetadata: metadata }),
    ...(challenge?.scope && { challengedScopes: challenge.scope }),
    ...(metadata?.scopes_supported && { scopesSupported: metadata.scopes_supported }),
    dpopRequired: challenge?.scheme === 'dpop' || metadata?.dpop_bound_access_tokens_required === true,
  };
}

type FoundServer = Pick<Discovery, 'issuer' | 'server' | 'legacyEndpoints'>;

async function discoverFirst(
  issuers: readonly string[],
  http: OAuthHttp,
  options: DiscoverOptions,
): Promise<FoundServer> {
  let firstFailure: PosternError | undefined;
  for (const issuer of issuers) {
    try {
      const server = await discoverAuthorizationServer(issuer, http, options);
      // One issuer, one client there, however its servers spell it.
      const name = isSameIssuer(server.issuer, issuer) ? server.issuer : issuer;
      return { issuer: name, server, legacyEndpoints: false };
    } catch (error) {
      if (!isPosternError(error)) throw error;
      firstFailure ??= error;
    }
  }
  throw firstFailure ?? authorizationServerFailed([]);
}

/** Revision 2025-03-26: the server's origin is the issuer, and without metadata its endpoints are fixed. */
async function discoverLegacy(
  serverUrl: URL,
  http: OAuthHttp,
  options: IssuerExceptions,
): Promise<FoundServer> {
  const { origin } = http.checkUrl(serverUrl);
  const { value, missed } = await climbIssuer(origin, http, options);
  if (value !== undefined) {
    const issuer = isSameIssuer(value.issuer, origin) ? value.issuer : origin;
    return { issuer, server: value, legacyEndpoints: false };
  }
  if (!missed.every(({ kind }) => kind === 'absent')) throw authorizationServerFailed(missed);
  const server: AuthorizationServer = {
    issuer: origin,
    authorization_endpoint: `${origin}/authorize`,
    token_endpoint: `${origin}/token`,
    registration_endpoint: `${origin}/register`,
  };
  return { issuer: origin, server, legacyEndpoints: true };
}

async function climbIssuer(
  issuer: string,
  http: OAuthHttp,
  options: IssuerExceptions,
): Promise<{ readonly value?: AuthorizationServer; readonly missed: readonly MissedCandidate[] }> {
  const identifier = new URL(issuer);
  const candidates = [
    wellKnown(identifier, 'oauth-authorization-server'),
    wellKnown(identifier, 'openid-configuration'),
    appended(identifier, 'openid-configuration'),
  ];
  return climb(
    withoutRepeats(candidates),
    http,
    (document, from) => {
      if (typeof document.issuer === 'string' && !mayState(issuer, document.issuer, options)) {
        throw new MismatchedDocument(
          `names the issuer ${quoteIssuer(document.issuer)}, not ${quoteIssuer(issuer)}`,
        );
      }
      return readAuthorizationServer(document, from, http);
    },
    (look) => options.onLook?.({ ...look, lookedFor: 'issuer', issuer }),
  );
}

function issuersOf(metadata: ResourceServer, serverUrl: URL, options: DiscoverOptions): readonly string[] {
  const named = metadata.authorization_servers ?? [];
  if (named.length === 0) return [serverUrl.origin];
  const selected = options.selectIssuer?.(named) ?? named;
  const issuers = typeof selected === 'string' ? [selected] : selected;
  const strangers = issuers.filter((issuer) => !named.includes(issuer));
  if (issuers.length > 0 && strangers.length === 0) return issuers;
  throw new PosternError(
    'ERR_POSTERN_CONFIG_MISCONFIGURED',
    'selectIssuer must return one or more of the issuers it was given',
  );
}

/** Whether the server's URL is the resource or lies below it, by whole path segments. */
function covers(resource: string, server: URL): boolean {
  if (!URL.canParse(resource)) return false;
  const parent = new URL(resource);
  const closed = (path: string): string => (path.endsWith('/') ? path : `${path}/`);
  return (
    parent.origin === server.origin &&
    parent.hash === '' &&
    closed(server.pathname).startsWith(closed(parent.pathname))
  );
}

/** @see RFC 8707 §2 and the section "Canonical Server URI" of the MCP authorization specification */
function canonicalUri(serverUrl: string | URL): string {
  const url = new URL(serverUrl);
  url.hash = '';
  return url.pathname === '/' && url.search === '' ? url.origin : url.href;
}

function wellKnown(url: URL, name: string): URL {
  return atPath(url, `/.well-known/${name}${url.pathname.replace(/\/$/u, '')}`);
}

function appended(url: URL, name: string): URL {
  return atPath(url, `${url.pathname.replace(/\/$/u, '')}/.well-known/${name}`);
}

/** Set, not resolved: a path that begins with two slashes would resolve to another host. */
function atPath(url: URL, path: string): URL {
  const placed = new URL(url.origin);
  placed.pathname = path;
  return placed;
}

function withoutRepeats(urls: readonly URL[]): URL[] {
  return [...new Map(urls.map((url) => [url.href, url])).values()];
}

function resourceMetadataFailed(missed: readonly MissedCandidate[]): PosternError {
  return ladderFailed('protected-resource metadata', missed, {
    mismatch: 'ERR_POSTERN_OAUTH_RESOURCE_MISMATCH',
  });
}

function authorizationServerFailed(missed: readonly MissedCandidate[]): PosternError {
  return ladderFailed('authorization-server metadata', missed, {
    mismatch: 'ERR_POSTERN_OAUTH_ISSUER_MISMATCH',
    hint: 'The operator of that authorization server has to look. Whoever trusts it all the same names the issuer, as the server does, in "allowIssuerMismatch".',
  });
}
