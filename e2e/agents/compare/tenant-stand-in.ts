import { openListener } from '../../../demo/open-listener.ts';
import type { ProgrammableAuthorizationServer } from '../../../test/support/programmable-authorization-server.ts';
import type { IssuedTokens } from '../../../test/support/programmable-tokens.ts';
import { sessionOf } from './auth0/session.ts';

/** What answers in the place of an Auth0 tenant: its `/oauth/token`, for the exchange of the token vault. */
export interface Tenant extends AsyncDisposable {
  readonly url: string;
  readonly exchanges: () => number;
  /** A user has connected their calendar to the tenant. */
  connect(user: string): void;
  /** How long it says that tokens live, in seconds. */
  expiresIn: number;
}

const scope = 'calendar:read calendar:write calendar:share';

/** It renews what it keeps of a user when that has expired, once, and hands out what is good. */
export async function startTenant(as: ProgrammableAuthorizationServer, resource: string): Promise<Tenant> {
  const kept = new Map<string, IssuedTokens>();
  let exchanges = 0;
  const answer = async (request: Request): Promise<Response> => {
    const asked = (await request.json()) as { subject_token: string };
    exchanges++;
    let tokens = kept.get(asked.subject_token);
    if (tokens !== undefined && !as.tokens.isLive(tokens.access)) {
      tokens = as.tokens.refresh(tokens.refresh ?? '');
      if (tokens !== undefined) kept.set(asked.subject_token, tokens);
    }
    if (tokens === undefined) {
      const error = 'federated_connection_refresh_token_not_found';
      return Response.json({ error }, { status: 401 });
    }
    const { access } = tokens;
    return Response.json({ access_token: access, token_type: 'Bearer', expires_in: tenant.expiresIn, scope });
  };
  const { origin, close } = await openListener({ handler: answer });
  const tenant: Tenant = {
    url: origin,
    exchanges: () => exchanges,
    expiresIn: 3_600,
    connect: (user) =>
      void kept.set(sessionOf(user), as.tokens.issue({ clientId: 'tenant', scope, resource, subject: user })),
    [Symbol.asyncDispose]: close,
  };
  return tenant;
}
