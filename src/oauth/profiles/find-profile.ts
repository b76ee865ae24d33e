import type { AuthorizationServer } from 'oauth4webapi';
import { matchesHost } from './host-pattern.ts';
import type { IssuerProfile, IssuerProfiles } from './issuer-profile.ts';
import { providers, type Provider } from './providers.ts';

/** By what a provider is recognised: what its metadata says, and which server it guards. */
export interface ProfileSubject {
  readonly issuer: string;
  readonly server?: Pick<AuthorizationServer, 'authorization_endpoint' | 'token_endpoint'> | undefined;
  /** The address of the MCP server, as its operator has configured it. */
  readonly serverUrl?: string | undefined;
}

/**
 * The profile of an issuer: the built-in one of its provider, with those given laid over it, field by field, the last one
 * on top; of parameters, hints and aliases, entry by entry. Empty for an issuer nobody has a profile for.
 *
 * It is found by the issuer, its host, the host of the MCP server, the hosts of its endpoints, or the path of those. What
 * lowers security counts only where it was found by issuer: endpoints can be named by anybody.
 *
 * A server of Auth0 that wants an `audience`, for one, takes
 * `{ 'https://tenant.example/': { authorizeParams: { audience: '…' } } }`.
 */
export function profileOf(
  where: string | ProfileSubject,
  ...given: readonly (IssuerProfiles | undefined)[]
): IssuerProfile {
  const subject = typeof where === 'string' ? { issuer: where } : where;
  const tables = given.flatMap((profiles) => (profiles === undefined ? [] : matching(profiles, subject)));
  return layered(builtIn(subject), ...tables);
}

/** Lays profiles over each other, the last one on top. */
export function layered(...profiles: readonly IssuerProfile[]): IssuerProfile {
  const result: Record<string, unknown> = {};
  for (const profile of profiles) {
    for (const [name, value] of Object.entries(profile)) {
      const below = result[name];
      result[name] = isRecord(below) && isRecord(value) ? { ...below, ...value } : value;
    }
  }
  return result;
}

/** The provider that is recognised, if any. */
export function findProvider(subject: ProfileSubject): Provider | undefined {
  return recognise(subject)?.provider;
}

function builtIn(subject: ProfileSubject): IssuerProfile {
  const found = recognise(subject);
  if (found === undefined) return {};
  const { provider, by } = found;
  if (by === 'issuer') return provider.profile;
  const profile = withoutExceptions(provider.profile);
  if (by === 'server') return profile;
  // Whoever puts other endpoints before a provider's may have put a registration there.
  const { registration: _registration, ...rest } = profile;
  return rest;
}

type Way = 'issuer' | 'server' | 'endpoint';

function recognise(subject: ProfileSubject): { provider: Provider; by: Way } | undefined {
  const { issuer, serverUrl } = subject;
  const endpoints = endpointsOf(subject);
  const isAt = (url: string, hosts: readonly string[] = []): boolean =>
    hosts.some((host) => matchesHost(url, host));
  const ways: readonly [by: Way, isIt: (provider: Provider) => boolean][] = [
    ['issuer', ({ hosts }) => isAt(issuer, hosts)],
    ['server', ({ servers }) => serverUrl !== undefined && isAt(serverUrl, servers)],
    ['endpoint', ({ hosts }) => endpoints.some((url) => isAt(url, hosts))],
    [
      'endpoint',
      ({ endpointPath }) =>
        endpointPath !== undefined && endpoints.some((url) => new URL(url).pathname.includes(endpointPath)),
    ],
  ];
  for (const [by, isIt] of ways) {
    const provider = providers.find(isIt);
    if (provider !== undefined) return { provider, by };
  }
  return undefined;
}

/** Those of a table that are for a subject, the most particular last. */
function matching(profiles: IssuerProfiles, subject: ProfileSubject): IssuerProfile[] {
  const { issuer, serverUrl } = subject;
  const names = Object.keys(profiles).filter((name) => name !== issuer);
  const hosts = [
    ...names.filter((name) => name.startsWith('*')),
    ...names.filter((name) => !name.startsWith('*')),
  ];
  const places: readonly { readonly urls: readonly string[]; readonly isIssuer?: boolean }[] = [
    { urls: endpointsOf(subject) },
    { urls: serverUrl === undefined ? [] : [serverUrl] },
    { urls: [issuer], isIssuer: true },
  ];
  const found = new Map<string, IssuerProfile>();
  for (const { urls, isIssuer } of places) {
    for (const name of hosts) {
      const profile = profiles[name];
      if (profile === undefined || !urls.some((url) => matchesHost(url, name))) continue;
      found.delete(name);
      found.set(name, isIssuer === true ? profile : withoutExceptions(profile));
    }
  }
  const own = Object.hasOwn(profiles, issuer) ? profiles[issuer] : undefined;
  return own === undefined ? [...found.values()] : [...found.values(), own];
}

function withoutExceptions(profile: IssuerProfile): IssuerProfile {
  const { statedIssuers: _stated, pkceUnadvertised: _pkce, ...rest } = profile;
  return rest;
}

function endpointsOf({ server }: ProfileSubject): string[] {
  return [server?.token_endpoint, server?.authorization_endpoint].filter(
    (url): url is string => url !== undefined && URL.canParse(url),
  );
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
