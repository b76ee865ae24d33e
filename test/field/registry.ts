import type { Call } from '../support/programmable-authorization.ts';
import type { ProgrammableAuthorizationServer } from '../support/programmable-authorization-server.ts';

/** What an authorization server has registered, in order: as it was asked for. */
export interface Registry {
  readonly asked: readonly Record<string, unknown>[];
}

/**
 * An authorization server that takes the scopes a client registered with as a limit, as oidc-provider does.
 *
 * @param byDefault what a client is registered for that names no scope. Default: everything.
 */
export function limitToRegistered(
  as: ProgrammableAuthorizationServer,
  byDefault?: readonly string[],
): Registry {
  const asked: Record<string, unknown>[] = [];
  const limits = new Map<string, readonly string[] | undefined>();
  as.on('register', (call) => {
    const metadata = JSON.parse(call.text) as Record<string, unknown>;
    asked.push(metadata);
    const id = `client-${asked.length}`;
    limits.set(id, typeof metadata['scope'] === 'string' ? metadata['scope'].split(' ') : byDefault);
    return { status: 201, body: { ...metadata, client_id: id } };
  });
  as.on('authorize', (call) => {
    const params = call.url.searchParams;
    const limit = limits.get(params.get('client_id') ?? '');
    const wanted = params.get('scope')?.split(' ') ?? [];
    if (limit === undefined || wanted.every((scope) => limit.includes(scope))) return undefined;
    return redirectError(as, call, 'invalid_scope');
  });
  return { asked };
}

/** The redirect that tells an error to the client. */
export function redirectError(
  { issuer }: ProgrammableAuthorizationServer,
  { url: { searchParams: asked } }: Call,
  error: string,
) {
  const location = new URL(asked.get('redirect_uri') ?? '');
  location.searchParams.set('error', error);
  location.searchParams.set('state', asked.get('state') ?? '');
  location.searchParams.set('iss', issuer);
  return { status: 302, headers: { location: location.href } };
}
