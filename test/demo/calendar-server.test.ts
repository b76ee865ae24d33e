import { createHash } from 'node:crypto';
import { UnauthorizedError } from '@modelcontextprotocol/client';
import { describe, expect, onTestFinished, test } from 'vitest';
import { startCalendarServer } from '../../demo/calendar-server.ts';
import {
  connectAs,
  finishSignIn,
  postCall,
  signInByHand,
  startWorld,
  type Era,
} from '../support/demo-world.ts';

describe('the official client and the calendar', () => {
  const worlds: [Era, 'stateless' | 'session'][] = [
    ['modern', 'stateless'],
    ['modern', 'session'],
    ['legacy', 'stateless'],
    ['legacy', 'session'],
  ];
  test.each(worlds)('each user acts as themselves (%s client, %s legacy serving)', async (era, legacy) => {
    const world = await startWorld({}, { legacy });
    const alice = await connectAs('alice', world, era);
    const bob = await connectAs('bob', world, era);
    expect(alice.client.getProtocolEra()).toBe(era);
    expect(alice.transport.sessionId !== undefined).toBe(era === 'legacy' && legacy === 'session');

    expect(await alice.callTool('whoami')).toBe('alice');
    expect(await bob.callTool('whoami')).toBe('bob');
    expect(await bob.callTool('add_event', { title: 'kite', time: '08:00' })).toBe(
      'Added for bob: kite 08:00',
    );
    expect(await bob.callTool('list_events')).toMatch(/^Bob: kite 08:00\nBob: dentist 09:00\nBob: /);
    expect(await alice.callTool('list_events')).toMatch(/^Alice: dentist 09:00\nAlice: /);
    expect(await alice.client.readResource({ uri: 'calendar://today' })).toMatchObject({
      contents: [{ text: expect.stringMatching(/^Alice: dentist/) }],
    });
    expect((await alice.client.getPrompt({ name: 'plan_day' })).messages).toHaveLength(1);

    const hashes = new Map(
      [alice, bob].map(({ provider }) => [sha256(provider.savedTokens?.access_token ?? ''), provider]),
    );
    for (const { subject, tokenSha256 } of world.calendar.seen) {
      expect(hashes.get(tokenSha256)).toBe(subject === 'alice' ? alice.provider : bob.provider);
    }
    expect(world.calendar.counters.calls).toEqual({ whoami: 2, add_event: 1, list_events: 2 });
    expect(world.as.counters).toMatchObject({
      registrations: 2,
      authorizations: 2,
      exchanges: 2,
      refusedGrants: 0,
    });
  });

  test('a legacy session does not exist for another user', async () => {
    const world = await startWorld({}, { legacy: 'session' });
    const alice = await connectAs('alice', world, 'legacy');
    const bob = await connectAs('bob', world, 'legacy');
    const session = {
      'mcp-session-id': alice.transport.sessionId ?? '',
      'mcp-protocol-version': '2025-11-25',
    };
    const own = await postCall(world, alice.provider.savedTokens?.access_token, session);
    expect(own.status).toBe(200);
    await own.body?.cancel();
    expect((await postCall(world, bob.provider.savedTokens?.access_token, session)).status).toBe(404);
  });

  test('tokens ended early give 401, and one refresh makes the call go on', async () => {
    const world = await startWorld();
    const alice = await connectAs('alice', world);
    const bob = await connectAs('bob', world);
    const before = world.calendar.counters.unauthorized;
    world.as.expireAccessTokens('alice');
    expect(await alice.callTool('whoami')).toBe('alice');
    expect(await bob.callTool('whoami')).toBe('bob');
    expect(world.as.counters.refreshes).toBe(1);
    expect(world.calendar.counters.unauthorized).toBe(before + 1);

    world.as.expireAccessTokens();
    expect(await bob.callTool('whoami')).toBe('bob');
    expect(world.as.counters).toMatchObject({ refreshes: 2, refusedGrants: 0, authorizations: 2 });
  });

  test('sharing needs a scope of its own, asked for when it is needed', async () => {
    const world = await startWorld();
    const alice = await connectAs('alice', world);
    await expect(alice.callTool('share_calendar', { with: 'bob' })).rejects.toBeInstanceOf(UnauthorizedError);
    expect(world.calendar.counters.forbidden).toBe(1);
    const asked = alice.provider.link?.searchParams.get('scope')?.split(' ');
    expect(asked).toEqual(expect.arrayContaining(['calendar:read', 'calendar:write', 'calendar:share']));

    await finishSignIn('alice', alice.provider, world.calendar);
    expect(await alice.callTool('share_calendar', { with: 'bob' })).toBe(
      'The calendar of alice is shared with bob',
    );
  });
});

describe('the calendar as a resource server', () => {
  test('the 401 names metadata that leads to the authorization server, at both well-known places', async () => {
    const world = await startWorld();
    const refused = await postCall(world);
    expect(refused.status).toBe(401);
    const { origin } = new URL(world.calendar.url);
    const metadataUrl = `${origin}/.well-known/oauth-protected-resource/mcp`;
    const challenge = refused.headers.get('www-authenticate');
    expect(challenge).toContain(`resource_metadata="${metadataUrl}"`);
    expect(challenge).toContain('scope="calendar:read calendar:write"');
    for (const place of [metadataUrl, `${origin}/.well-known/oauth-protected-resource`]) {
      expect(await (await fetch(place)).json()).toMatchObject({
        resource: world.calendar.url,
        authorization_servers: [world.as.issuer],
      });
    }
  });

  test.each(['jwt', 'opaque'] as const)(
    'only unaltered %s tokens for this very resource are accepted',
    async (format) => {
      const world = await startWorld({ accessTokenFormat: format });
      const other = await startCalendarServer({ authorizationServer: world.as });
      onTestFinished(() => other.close());
      const { tokens } = await signInByHand(world);
      expect(tokens.access_token.split('.')).toHaveLength(format === 'jwt' ? 3 : 1);

      const accepted = await postCall(world, tokens.access_token);
      expect(accepted.status).toBe(200);
      expect(await accepted.text()).toContain('alice');
      expect((await postCall({ ...world, calendar: other }, tokens.access_token)).status).toBe(401);
      const middle = Math.floor(tokens.access_token.length / 2);
      const swapped = tokens.access_token[middle] === 'A' ? 'B' : 'A';
      const altered = tokens.access_token.slice(0, middle) + swapped + tokens.access_token.slice(middle + 1);
      expect((await postCall(world, altered)).status).toBe(401);
      expect((await postCall(world, tokens.refresh_token)).status).toBe(401);
    },
  );

  test('a valid token that matches a rejection gets 401 until the rejection is taken back', async () => {
    const world = await startWorld();
    const alice = (await signInByHand(world, 'alice')).tokens.access_token;
    const bob = (await signInByHand(world, 'bob')).tokens.access_token;
    const accept = world.calendar.rejectToken(({ subject }) => subject === 'alice');
    expect((await postCall(world, alice)).status).toBe(401);
    expect((await postCall(world, bob)).status).toBe(200);
    accept();
    expect((await postCall(world, alice)).status).toBe(200);
  });

  test.each([{ origin: 'https://evil.example' }, { host: 'evil.example' }])(
    'a foreign %o is refused',
    async (header) => {
      const world = await startWorld();
      const { tokens } = await signInByHand(world);
      const { get } = await import('node:http');
      const status = await new Promise((resolve, reject) => {
        const headers = { authorization: `Bearer ${tokens.access_token}`, ...header };
        get(world.calendar.url, { headers }, (response) => resolve(response.resume().statusCode)).on(
          'error',
          reject,
        );
      });
      expect(status).toBe(403);
    },
  );

  test('a tool added by the test sees in whose name it runs', async () => {
    const world = await startWorld(
      {},
      {
        extraTools: (server, { subject, era }) =>
          void server.registerTool('extra', {}, () => ({
            content: [{ type: 'text', text: `${subject} ${era}` }],
          })),
      },
    );
    expect(await (await connectAs('carol', world)).callTool('extra')).toBe('carol modern');
  });
});

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
