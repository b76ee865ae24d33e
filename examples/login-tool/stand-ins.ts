/** Stand-ins on 127.0.0.1 for two services out there: a calendar behind an ordinary OAuth provider, and weather behind keys. */
import { randomBytes } from 'node:crypto';
import { startAuthorizationServer } from '../../demo/authorization-server.ts';
import { openListener } from '../../demo/open-listener.ts';

/** Where they are: all that a server with a login tool needs to know. */
export interface Services {
  readonly issuer: string;
  readonly calendarUrl: string;
  readonly weatherUrl: string;
}

export interface StandIns extends Services, AsyncDisposable {
  /** A key for the weather, as its website gives one out. */
  makeKey(): string;
  /** Every token and key that was used or given out, for those who look for leaks. */
  readonly secrets: readonly string[];
  /** How many tokens were ended at the provider. */
  revocations(): number;
}

export async function startStandIns(): Promise<StandIns> {
  await using starting = new AsyncDisposableStack();
  const provider = await startAuthorizationServer({ accessTokenFormat: 'opaque' });
  starting.defer(() => provider.close());
  const keys = new Set<string>();
  const tokens = new Set<string>();
  const calendar = starting.use(await openListener());
  const calendarUrl = `${calendar.origin}/events`;
  calendar.serve(async (request) => {
    const token = request.headers.get('authorization')?.replace(/^Bearer /u, '') ?? '';
    const owner = token === '' ? undefined : await provider.verifyAccessToken(token, calendarUrl);
    if (owner === undefined) return Response.json({ message: 'no such token' }, { status: 401 });
    tokens.add(token);
    return Response.json([`${owner.subject}: standup`, `${owner.subject}: dentist`]);
  });
  const weather = starting.use(
    await openListener({
      handler: ({ headers }) =>
        keys.has(headers.get('x-api-key') ?? '')
          ? Response.json({ sky: 'clear' })
          : Response.json({ message: 'no such key' }, { status: 403 }),
    }),
  );
  const started = starting.move();
  return {
    issuer: provider.issuer,
    calendarUrl,
    weatherUrl: `${weather.origin}/sky`,
    makeKey() {
      const key = `wk_${randomBytes(24).toString('hex')}`;
      keys.add(key);
      return key;
    },
    get secrets() {
      return [...tokens, ...keys];
    },
    revocations: () => provider.counters.revocations,
    [Symbol.asyncDispose]: () => started.disposeAsync(),
  };
}
