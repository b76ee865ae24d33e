import { encrypted, keyringFromEnv } from '../../src/index.ts';
import { createD1Backend, type D1Database } from '../../src/storage/d1/index.ts';
import { answer, resume, type Invocation, type Settings } from './agent-function.ts';

/** What `wrangler.jsonc` binds: a D1 database, variables, and the secret `POSTERN_KEYS`. */
interface Env {
  readonly DB: D1Database;
  readonly POSTERN_KEYS: string;
  readonly ORIGIN: string;
  readonly ISSUER: string;
  readonly CALENDAR_URL: string;
  readonly CHAT_URL: string;
}

function settingsOf(env: Env): Settings {
  return {
    storage: encrypted(
      createD1Backend({ database: env.DB }),
      keyringFromEnv({ POSTERN_KEYS: env.POSTERN_KEYS }),
    ),
    origin: env.ORIGIN,
    issuer: env.ISSUER,
    calendarUrl: env.CALENDAR_URL,
    chatUrl: env.CHAT_URL,
  };
}

/** The function as a Cloudflare Worker: requests, and a cron trigger for what waited. */
// oxlint-disable-next-line import/no-default-export -- Workers are told apart by it.
export default {
  fetch: (request: Request, env: Env, context: Invocation): Promise<Response> =>
    answer(request, settingsOf(env), context),
  scheduled: (_event: unknown, env: Env, context: Invocation): Promise<number> =>
    resume(settingsOf(env), context),
};
