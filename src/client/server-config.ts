import type { Transport } from '@modelcontextprotocol/client';
import { z } from 'zod';
import { PosternError } from '../core/postern-error.ts';
import type { AuthStrategyFactory } from './auth-strategy.ts';

const text = z.string().min(1);

/** A client registered beforehand. Used only at `issuer`, when that is given. */
const registeredClient = z.strictObject({
  clientId: text,
  clientSecret: text.optional(),
  issuer: z.url().optional(),
  tokenEndpointAuthMethod: z
    .enum(['none', 'client_secret_basic', 'client_secret_post', 'private_key_jwt'])
    .optional(),
  privateKeyJwk: z.record(z.string(), z.unknown()).optional(),
});

const oauthAuth = z.strictObject({
  type: z.literal('oauth'),
  clientName: text.optional(),
  client: registeredClient.optional(),
  /** Asked for instead of what the server suggests. */
  scopes: z.array(text).optional(),
  /** More parameters of the authorization request. */
  authorizeParams: z.record(z.string(), z.string()).optional(),
  loginHint: text.optional(),
});

/** Gives a fresh token or assertion each time it is called. */
const tokenSource = z.custom<() => string | Promise<string>>((value) => typeof value === 'function');

/** The client acts for itself. @see SEP-1046 */
const clientCredentialsAuth = z.strictObject({
  type: z.literal('client_credentials'),
  client: registeredClient,
  scopes: z.array(text).optional(),
});

/** A workload presents an assertion of its platform. @see RFC 7523, SEP-1933 */
const jwtBearerAuth = z.strictObject({
  type: z.literal('jwt_bearer'),
  client: registeredClient,
  assertion: tokenSource,
  scopes: z.array(text).optional(),
});

/** An employer's identity provider vouches for the user. @see SEP-990 */
const enterpriseManagedAuth = z.strictObject({
  type: z.literal('enterprise_managed'),
  client: registeredClient,
  identityProvider: z.strictObject({
    issuer: z.url(),
    tokenEndpoint: z.url(),
    clientId: text,
    clientSecret: text.optional(),
    /** The user's ID token. */
    subjectToken: tokenSource,
  }),
  scopes: z.array(text).optional(),
});

const apiKeyAuth = z.strictObject({ type: z.literal('api_key'), key: text, headerName: text.optional() });
const noAuth = z.strictObject({ type: z.literal('none') });
const ownAuth = z.custom<AuthStrategyFactory>((value) => typeof value === 'function');
const anyAuth = z.union([
  z.discriminatedUnion('type', [
    oauthAuth,
    clientCredentialsAuth,
    jwtBearerAuth,
    enterpriseManagedAuth,
    apiKeyAuth,
    noAuth,
  ]),
  ownAuth,
]);

const httpServer = z.strictObject({
  url: z.url({ protocol: /^https?$/u }),
  transport: z.enum(['streamable-http', 'sse']).optional(),
  /** Default: OAuth, begun when the server asks for it. */
  auth: anyAuth.optional(),
  /** Sent with every request, beside what the strategy sends. */
  headers: z.record(z.string(), z.string()).optional(),
});

const stdioServer = z.strictObject({
  command: text,
  args: z.array(z.string()).optional(),
  /** Added to a short allow-list of the environment; credentials of a stdio server go here. */
  env: z.record(z.string(), z.string()).optional(),
  cwd: text.optional(),
});

const ownServer = z.strictObject({
  /** Any transport of the MCP SDK; called for every connection. */
  connect: z.custom<(fetch: typeof globalThis.fetch) => Transport | Promise<Transport>>(
    (value) => typeof value === 'function',
  ),
  /** What OAuth would be for, where that is not a URL of its own. */
  url: z.url().optional(),
  auth: anyAuth.optional(),
});

const serverConfig = z.union([httpServer, stdioServer, ownServer]);

/** One MCP server, over HTTP, as a child process, or over a transport of the host's own. */
export type ServerConfig = z.input<typeof serverConfig>;
export type OAuthConfig = z.infer<typeof oauthAuth>;
export type MachineAuthConfig =
  | z.infer<typeof clientCredentialsAuth>
  | z.infer<typeof jwtBearerAuth>
  | z.infer<typeof enterpriseManagedAuth>;
export type AuthConfig = NonNullable<z.infer<typeof httpServer>['auth']>;

/** Servers by name, as a host writes them, or checked already. */
export type ServerConfigs = Readonly<Record<string, ServerConfig>> | ReadonlyMap<string, ServerConfig>;

/** Checks the configuration of several servers. What is checked already is returned as it is. */
export function parseServerConfigs(servers: ServerConfigs): ReadonlyMap<string, ServerConfig> {
  if (servers instanceof Map) return servers;
  return new Map(Object.entries(servers).map(([name, config]) => [name, parseServerConfig(name, config)]));
}

/**
 * Checks one server's configuration.
 *
 * @throws {PosternError} ERR_POSTERN_CONFIG_MISCONFIGURED naming the server and what is wrong, without quoting values.
 */
export function parseServerConfig(name: string, config: unknown): ServerConfig {
  const shape =
    typeof config !== 'object' || config === null
      ? serverConfig
      : 'connect' in config
        ? ownServer
        : 'command' in config
          ? stdioServer
          : httpServer;
  const parsed = shape.safeParse(config);
  if (name === '' || name.length > 100) {
    throw new PosternError('ERR_POSTERN_CONFIG_MISCONFIGURED', 'a server name must have 1 to 100 characters');
  }
  if (parsed.success) return parsed.data;
  const problems = parsed.error.issues.map((issue) => `${issue.path.join('.') || 'config'}: ${issue.code}`);
  throw new PosternError(
    'ERR_POSTERN_CONFIG_MISCONFIGURED',
    `the server ${JSON.stringify(name)} is not configured right (${problems.join('; ')})`,
    { hint: 'A server is { url, auth? }, { command, args?, env? }, or { connect }.' },
  );
}
