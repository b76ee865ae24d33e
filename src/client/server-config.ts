import type { Transport } from '@modelcontextprotocol/client';
import * as z from 'zod';
import type { ZodType } from 'zod';
import type { NetworkOptions } from '../http/network-options.ts';
import { PosternError } from '../core/postern-error.ts';
import type { IssuerProfile } from '../oauth/profiles/issuer-profile.ts';
import { checkName } from './account-alias.ts';
import { authShape, functionShape, headerShape } from './auth-shape.ts';
import type { AuthStrategyFactory } from './auth/auth-strategy.ts';
import type { ClientConfig, WorkloadClientConfig } from './auth/client-config.ts';
import type { SecretSource } from './auth/secret-source.ts';
import { configProblems } from './config-problems.ts';
import type { BrowserSecurityExceptions, SecurityExceptions } from './security-exceptions.ts';
import { networkShape } from './network-shape.ts';
import { spokenVersions } from './session/version-offer.ts';

/** The authorization code flow, begun when the server asks for it. */
export interface OAuthConfig extends BrowserSecurityExceptions {
  readonly type: 'oauth';
  /** How the client introduces itself to people. Default: `MCP client (<server>)`. */
  readonly clientName?: string | undefined;
  /** A client registered beforehand. It belongs to its `issuer`; left out, to the one it is first used with. */
  readonly client?: ClientConfig | undefined;
  /** The client metadata document cannot be fetched from where this authorization server is: the client registers itself instead. */
  readonly clientMetadataIsPrivate?: boolean | undefined;
  /** Asked for instead of what the server suggests. */
  readonly scopes?: readonly string[] | undefined;
  /** More parameters of the authorization request. An empty value leaves out what would be sent otherwise: `{ "prompt": "" }`. */
  readonly authorizeParams?: Readonly<Record<string, string>> | undefined;
  /** Whom the issuer is to expect: at the account `default`, or by alias. What is known of an earlier sign-in goes without. */
  readonly loginHint?: string | Readonly<Record<string, string>> | undefined;
  /** How this authorization server differs from the standard; laid over what is known of it. */
  readonly profile?: IssuerProfile | undefined;
}

/** What grants that need no person have in common. */
interface MachineConfig extends SecurityExceptions {
  readonly client: WorkloadClientConfig;
  readonly scopes?: readonly string[] | undefined;
  /** How this authorization server differs from the standard; laid over what is known of it. */
  readonly profile?: IssuerProfile | undefined;
}

/** The client acts for itself. @see SEP-1046 */
export interface ClientCredentialsConfig extends MachineConfig {
  readonly type: 'client_credentials';
}

/** A workload presents an assertion of its platform, fresh for each grant. @see RFC 7523, SEP-1933 */
export interface JwtBearerConfig extends MachineConfig {
  readonly type: 'jwt_bearer';
  /** The platform's JWT: a function, or where the platform keeps it. */
  readonly assertion: SecretSource;
}

/** An employer's identity provider vouches for the user. @see SEP-990 */
export interface EnterpriseManagedConfig extends MachineConfig {
  readonly type: 'enterprise_managed';
  readonly identityProvider: Omit<WorkloadClientConfig, 'issuer' | 'redirectUris'> & {
    readonly issuer: string;
    /** Default: as the provider's metadata names it. */
    readonly tokenEndpoint?: string | undefined;
    /** The user's ID token, or another token that the provider exchanges. */
    readonly subjectToken: SecretSource;
    /** Default: an ID token. A SAML assertion is `urn:ietf:params:oauth:token-type:saml2`. */
    readonly subjectTokenType?: string | undefined;
  };
}

/** A key in a header. Default header: `X-API-Key`. */
export interface ApiKeyConfig {
  readonly type: 'api_key';
  /** Left out: each context's person is asked for their own, on a page of ours, when the server wants one. */
  readonly key?: SecretSource | undefined;
  readonly headerName?: string | undefined;
}

/** Grants that need no person. */
export type MachineAuthConfig = ClientCredentialsConfig | JwtBearerConfig | EnterpriseManagedConfig;

/** How to authenticate to one server, or a function that makes a strategy of the host's own. */
export type AuthConfig =
  | OAuthConfig
  | MachineAuthConfig
  | ApiKeyConfig
  | { readonly type: 'none' }
  | AuthStrategyFactory;

/** What every server may be configured with. */
export interface AnyServerConfig {
  /** The one version of the protocol to speak with it, such as `2025-06-18`. Default: whatever both speak. */
  readonly protocolVersion?: string | undefined;
  /** Why it is needed, in words for people: the page that asks for their account shows it. */
  readonly reason?: string | undefined;
}

/** A server over HTTP. */
export interface HttpServerConfig extends AnyServerConfig {
  readonly url: string;
  readonly transport?: 'streamable-http' | 'sse' | undefined;
  /** Default: OAuth, begun when the server asks for it. */
  readonly auth?: AuthConfig | undefined;
  /** Sent with every request, beside what the strategy sends. */
  readonly headers?: Readonly<Record<string, string>> | undefined;
  /** How requests to this server leave the process, laid over what holds for all. */
  readonly network?: Omit<NetworkOptions, 'clientCertificates'> | undefined;
}

/** A server as a child process. */
export interface StdioServerConfig extends AnyServerConfig {
  readonly command: string;
  readonly args?: readonly string[] | undefined;
  /** Added to a short allow-list of the environment; credentials of a stdio server go here. */
  readonly env?: Readonly<Record<string, string>> | undefined;
  readonly cwd?: string | undefined;
}

/** A server over a transport of the host's own. */
export interface OwnTransportConfig extends AnyServerConfig {
  /** Called for every connection, with a `fetch` that authenticates. */
  readonly connect: (fetch: typeof globalThis.fetch) => Transport | Promise<Transport>;
  /** What OAuth would be for. */
  readonly url?: string | undefined;
  readonly auth?: AuthConfig | undefined;
}

/** One MCP server. */
export type ServerConfig = HttpServerConfig | StdioServerConfig | OwnTransportConfig;

/** Servers by name, as a host writes them, or checked already. */
export type ServerConfigs = Readonly<Record<string, ServerConfig>> | ReadonlyMap<string, ServerConfig>;

const protocolVersion = z
  .string()
  .refine(
    (version) => spokenVersions.includes(version),
    `is none of the versions that are spoken: ${spokenVersions.join(', ')}`,
  )
  .optional();

const anyServer = { protocolVersion, reason: z.string().min(1).optional() };

/** All that most servers have. Shapes take time to make; those of what a configuration has not are not made. */
const address = z.strictObject({
  ...anyServer,
  url: z.url({ protocol: /^https?$/u }),
  transport: z.enum(['streamable-http', 'sse']).optional(),
  headers: z.record(z.string(), headerShape).optional(),
});

const shapes: Readonly<Record<'address' | 'http' | 'stdio' | 'own', ZodType>> = {
  address,
  http: z.lazy(() => address.extend({ auth: authShape.optional(), network: networkShape.optional() })),
  stdio: z.lazy(() =>
    z.strictObject({
      ...anyServer,
      command: z.string().min(1),
      args: z.array(z.string()).optional(),
      env: z.record(z.string(), z.string()).optional(),
      cwd: z.string().min(1).optional(),
    }),
  ),
  own: z.lazy(() =>
    z.strictObject({
      ...anyServer,
      connect: functionShape,
      url: z.url().optional(),
      auth: authShape.optional(),
    }),
  ),
};

/** Checks the configuration of several servers. What is checked already is returned as it is. */
export function parseServerConfigs(servers: ServerConfigs): ReadonlyMap<string, ServerConfig> {
  if (servers instanceof Map) return servers;
  return new Map(Object.entries(servers).map(([name, config]) => [name, parseServerConfig(name, config)]));
}

/**
 * Checks one server's configuration.
 *
 * @throws {PosternError} ERR_POSTERN_CONFIG_MISCONFIGURED naming the server, the place, what is there and what is expected,
 * without quoting values.
 */
export function parseServerConfig(name: string, config: unknown): ServerConfig {
  checkName('a server name', name);
  const { success, error } = shapeOf(config).safeParse(config);
  // As it was given: what an option's symbol says would not survive being copied.
  if (success) return config as ServerConfig;
  const { words, isMissing } = configProblems(error, config);
  const forms = 'A server is { url, auth? }, { command, args?, env? }, or { connect }.';
  throw new PosternError(
    'ERR_POSTERN_CONFIG_MISCONFIGURED',
    `the server ${JSON.stringify(name)} is not configured right: ${words}`,
    { hint: isMissing ? `Is the variable or option set that it comes from? ${forms}` : forms },
  );
}

/** Whether what a server is sent is all in its configuration: no person, and no machine, can give another. */
export function hasStaticAuth(config: ServerConfig): boolean {
  const way = authOf(config);
  return (
    typeof way === 'object' && (way.type === 'none' || (way.type === 'api_key' && way.key !== undefined))
  );
}

/** Whether the client was registered by hand. */
export function hasConfiguredClient(config: ServerConfig): boolean {
  const way = authOf(config);
  return typeof way === 'object' && 'client' in way && way.client !== undefined;
}

/** Whether it is reached by requests of ours, each of which stands for itself. */
export function isOverHttp(config: ServerConfig): boolean {
  return !('connect' in config) && !('command' in config);
}

/** How to authenticate: as it is configured, and otherwise OAuth, unless the host sets `Authorization` itself. */
export function authOf(config: ServerConfig): AuthConfig {
  if ('command' in config) return { type: 'none' };
  if (config.auth !== undefined) return config.auth;
  const headers = 'headers' in config ? Object.keys(config.headers ?? {}) : [];
  const isSet = headers.some((name) => name.toLowerCase() === 'authorization');
  return isSet || config.url === undefined ? { type: 'none' } : { type: 'oauth' };
}

function shapeOf(config: unknown): ZodType {
  if (typeof config !== 'object' || config === null) return shapes.address;
  if ('connect' in config) return shapes.own;
  if ('command' in config) return shapes.stdio;
  return 'auth' in config || 'network' in config ? shapes.http : shapes.address;
}
