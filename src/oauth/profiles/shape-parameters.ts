import type { IssuerProfile } from './issuer-profile.ts';

/** Parameters as the issuer wants them: without those that are empty, and under its own names. */
export function shapeParameters(
  parameters: Readonly<Record<string, string>>,
  profile: IssuerProfile | undefined,
): Record<string, string> {
  const renames = profile?.renameParams ?? {};
  const kept = Object.entries(parameters).filter(([, value]) => value !== '');
  return Object.fromEntries(
    kept.map(([name, value]) => [Object.hasOwn(renames, name) ? (renames[name] ?? name) : name, value]),
  );
}

/** `resource` as a parameter, where the issuer takes it. */
export function resourceParameter(
  resource: string,
  profile: IssuerProfile | undefined,
): { readonly resource?: string } {
  return profile?.omitResource === true ? {} : { resource: profile?.resource ?? resource };
}

/** `scope` as a parameter, when there is anything to name. */
export function scopeParameter(
  scopes: readonly string[] | undefined,
  profile: IssuerProfile | undefined,
): { readonly scope?: string } {
  return scopes === undefined || scopes.length === 0
    ? {}
    : { scope: scopes.join(profile?.scopeSeparator ?? ' ') };
}
