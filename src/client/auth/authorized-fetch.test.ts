import { describe, expect, test } from 'vitest';
import type { AuthStrategy, Refusal } from './auth-strategy.ts';
import { authorizedFetch } from './authorized-fetch.ts';

const url = 'https://calendar.example/mcp';

/** A strategy with numbered credentials, and a server that answers one status after the other. */
function createPair(
  statuses: readonly (number | Error)[],
  strategy: Partial<AuthStrategy> = {},
): { send: typeof fetch; sent: string[]; refusals: Refusal[]; accepted: unknown[] } {
  const sent: string[] = [];
  const refusals: Refusal[] = [];
  const accepted: unknown[] = [];
  let issued = 0;
  const answers = [...statuses];
  const send = authorizedFetch(
    {
      authorize: async () => ({ headers: { authorization: `Bearer t${++issued}` }, credential: issued }),
      handleRefusal: async (refusal) => refusals.push(refusal) > 0,
      accepted: ({ credential }) => void accepted.push(credential),
      ...strategy,
    },
    {
      server: 'calendar',
      fetch: async (_input, init) => {
        sent.push(new Headers(init?.headers).get('authorization') ?? 'none');
        const answer = answers.shift() ?? 200;
        if (answer instanceof Error) throw answer;
        const headers: Record<string, string> =
          answer === 403 ? { 'www-authenticate': 'Bearer error="insufficient_scope"' } : {};
        return new Response(null, { status: answer, headers });
      },
    },
  );
  return { send, sent, refusals, accepted };
}

describe('a request that is refused', () => {
  test.each([401, 403])('with %d is sent again with what the strategy then gives', async (status) => {
    const { send, sent, accepted } = createPair([status, 200]);
    expect((await send(url)).status).toBe(200);
    expect(sent).toEqual(['Bearer t1', 'Bearer t2']);
    expect(accepted).toEqual([2]);
  });

  test('is not sent again when the strategy lets the refusal stand', async () => {
    const { send, sent } = createPair([401, 200], { handleRefusal: async () => false });
    expect((await send(url)).status).toBe(401);
    expect(sent).toHaveLength(1);
  });

  test.each([
    ['is repeated', async () => true],
    ['waits for a person', async () => Promise.reject(new Error('somebody has to sign in'))],
  ])('and %s is let go of, so that its connection is free', async (_, handleRefusal) => {
    let letGo = 0;
    const body = new ReadableStream({ cancel: () => void letGo++ });
    const send = authorizedFetch(
      { authorize: async () => ({ headers: {} }), handleRefusal },
      {
        server: 'calendar',
        fetch: async () => (letGo === 0 ? new Response(body, { status: 401 }) : new Response()),
      },
    );
    await send(url).catch(() => {});
    expect(letGo).toBe(1);
  });

  test('for ever is sent four times and no more', async () => {
    const { send, sent, refusals } = createPair(Array.from({ length: 100 }, () => 401));
    expect((await send(url)).status).toBe(401);
    expect(sent).toHaveLength(4);
    expect(refusals.map(({ attempt }) => attempt)).toEqual([1, 2, 3]);
  });

  test('with 403 and no challenge is the server’s last word', async () => {
    const send = authorizedFetch(
      { authorize: async () => ({ headers: {} }), handleRefusal: () => Promise.reject(new Error('asked')) },
      { server: 'calendar', fetch: async () => new Response(null, { status: 403 }) },
    );
    expect((await send(url)).status).toBe(403);
  });
});

describe('a request that nobody answers', () => {
  test('fails with the server’s name, and its cause', async () => {
    const cause = new TypeError('fetch failed');
    const { send } = createPair([cause]);
    await expect(send(url)).rejects.toMatchObject({
      code: 'ERR_POSTERN_CLIENT_UNREACHABLE',
      message: 'the server "calendar" does not answer',
      cause,
    });
  });

  test('because its caller gave up fails with the caller’s reason', async () => {
    const reason = new DOMException('gone', 'AbortError');
    const { send } = createPair([reason]);
    await expect(send(url, { signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
  });
});

test('headers of the caller are kept, and are not changed', async () => {
  const headers = new Headers({ accept: 'text/event-stream' });
  let seen = new Headers();
  const send = authorizedFetch(
    { authorize: async () => ({ headers: { 'x-api-key': 'k' } }), handleRefusal: async () => false },
    {
      server: 'calendar',
      fetch: async (_input, init) => {
        seen = new Headers(init?.headers);
        return new Response();
      },
    },
  );
  await send(url, { headers });
  expect([seen.get('accept'), seen.get('x-api-key')]).toEqual(['text/event-stream', 'k']);
  expect(headers.has('x-api-key')).toBe(false);
});
