import { requireScopes } from '@modelcontextprotocol/server';
import type { CalendarServerOptions } from '../../demo/calendar-server.ts';

/** A tool `slow` that wants a scope besides, and answers nobody. */
export function hangingTool(onCall: () => void): NonNullable<CalendarServerOptions['extraTools']> {
  return (server) => {
    server.registerTool('slow', { scopeChallenge: requireScopes('calendar:share') }, () => {
      onCall();
      return new Promise<never>(() => {});
    });
  };
}
