import type { Discovery } from './discovery.ts';
import type { IssuerProfile } from './profiles/issuer-profile.ts';

/** What {@link initialScopes} chooses from. */
export interface ScopeSources {
  readonly discovery: Pick<Discovery, 'challengedScopes' | 'scopesSupported' | 'server'>;
  /** Given by the operator. Wins over all else, and nothing is added to it. */
  readonly configured?: readonly string[] | undefined;
  readonly profile?: IssuerProfile | undefined;
  /** The client acts without a person. */
  readonly unattended?: boolean | undefined;
}

/**
 * What a first authorization asks for: what the operator configured, else what the challenge names, else
 * everything the resource lists, else nothing (`undefined`), which leaves it to the server.
 *
 * `offline_access` is added only where the authorization server lists it, and never to nothing: it would
 * replace the server's own default. Nor is it for a client that acts without a person, for whom there is nobody to be away
 * from, and who is refused with it.
 */
export function initialScopes(sources: ScopeSources): string[] | undefined {
  const { discovery, configured, profile, unattended } = sources;
  if (configured !== undefined) return unionScopes(configured);
  const scopes = unionScopes(discovery.challengedScopes ?? discovery.scopesSupported);
  if (scopes === undefined) return undefined;
  const offline =
    unattended !== true &&
    discovery.server.scopes_supported?.includes('offline_access') === true &&
    profile?.omitOfflineAccess !== true;
  return offline ? unionScopes(scopes, ['offline_access']) : scopes;
}

/** Every scope of every set once, in order of appearance; `undefined` when that is none. */
export function unionScopes(...sets: readonly (readonly string[] | undefined)[]): string[] | undefined {
  const all = new Set(sets.flatMap((set) => set ?? []));
  return all.size === 0 ? undefined : [...all];
}

/** Whether all that is asked is held. Nothing is known to be held when `held` is left out. */
export function isScopeSubset(asked: readonly string[], held: readonly string[] | undefined): boolean {
  return asked.every((scope) => held?.includes(scope) === true);
}
