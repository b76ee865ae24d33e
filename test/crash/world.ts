import {
  startAuthorizationServer,
  type AuthorizationServer,
  type AuthorizationServerCounters,
} from '../../demo/authorization-server.ts';
import { startCalendarServer, type CalendarServer } from '../../demo/calendar-server.ts';

/** What stays alive in a story: an authorization server that ends a grant when a refresh token comes twice, and a calendar. */
export interface World {
  readonly authorizationServer: AuthorizationServer;
  readonly calendar: CalendarServer;
  /** Counts what the authorization server is asked from here on: these things alone. */
  countFrom<Name extends keyof AuthorizationServerCounters>(
    ...names: readonly Name[]
  ): () => Record<Name, number>;
  close(): Promise<void>;
}

/** Opaque tokens, so that the end of a grant at the authorization server is the end of its access. */
export async function startWorld(users: readonly string[]): Promise<World> {
  const authorizationServer = await startAuthorizationServer({ users, accessTokenFormat: 'opaque' });
  const calendar = await startCalendarServer({ authorizationServer });
  return {
    authorizationServer,
    calendar,
    countFrom: (...names) => {
      const before = { ...authorizationServer.counters };
      return () =>
        Object.fromEntries(
          names.map((name) => [name, authorizationServer.counters[name] - before[name]]),
        ) as Record<(typeof names)[number], number>;
    },
    close: async () => {
      await calendar.close();
      await authorizationServer.close();
    },
  };
}
