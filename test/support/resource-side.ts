import type { CalendarServerOptions } from '../../demo/calendar-server.ts';
import type { ProgrammableAuthorizationServer } from './programmable-authorization-server.ts';

/** What a resource server needs of an authorization server, from the programmable one. */
export function resourceSideOf(
  as: ProgrammableAuthorizationServer,
): CalendarServerOptions['authorizationServer'] {
  return {
    issuer: as.issuer,
    verifyAccessToken: async (token, resource) => {
      const family = as.tokens.familyOf(token);
      if (family === undefined || !as.tokens.isLive(token) || family.resource !== resource) return undefined;
      return {
        subject: family.subject,
        clientId: family.clientId,
        scopes: family.scope?.split(' ') ?? [],
        resource,
        expiresAtSeconds: Math.floor(Date.now() / 1000) + 3600,
      };
    },
  };
}
