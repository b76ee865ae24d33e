import { describe, expect, test } from 'vitest';
import type { ClientIdentity } from '../../src/oauth/index.ts';
import { walk } from '../heart/walk.ts';
import { answerMcp } from '../support/minimal-mcp.ts';
import { challengeOf, codeOf, openStage, textOf, type Stage } from '../support/stage.ts';
import { limitToRegistered } from './registry.ts';

async function finish(stage: Stage, user: string, url: string): Promise<number> {
  stage.as.approveAs(user);
  return (await walk(await stage.host.openBrowser(user), url)).status;
}

// R3: modelcontextprotocol/python-sdk#2301, modelcontextprotocol/go-sdk#1102; oidc-provider does it.
describe('an authorization server that takes registered scopes as a limit', () => {
  const share = ['share_calendar', { with: 'bob' }] as const;

  test('lets a person grant more later: the client registers anew for all of it', async () => {
    const stage = await openStage({ calendar: { requiredScopes: ['calendar:read'] } });
    const registry = limitToRegistered(stage.as);
    const client = await stage.manager.getClient('alice');
    expect(await finish(stage, 'alice', (await stage.linkOf('alice')).url)).toBe(200);
    expect(await finish(stage, 'alice', (await challengeOf(client.callTool(...share))).url)).toBe(200);
    expect(textOf(await client.callTool(...share))).toContain('bob');
    const [first = [], last] = registry.asked.map(({ scope }) => String(scope).split(' '));
    expect(last).toEqual(expect.arrayContaining(first));
  });

  test('is registered with once more for everybody, not for each who asks', async () => {
    const stage = await openStage({ calendar: { requiredScopes: ['calendar:read'] } });
    const registry = limitToRegistered(stage.as);
    const users = ['alice', 'bob', 'carol'];
    for (const user of users) await finish(stage, user, (await stage.linkOf(user)).url);
    const before = registry.asked.length;
    const links = await Promise.all(
      users.map(async (user) => challengeOf((await stage.manager.getClient(user)).callTool(...share))),
    );
    for (const [index, user] of users.entries())
      expect(await finish(stage, user, links[index]?.url ?? '')).toBe(200);
    expect(registry.asked.length - before).toBe(1);
  });

  test('serves two servers, and neither spoils the registration of the other', async () => {
    const name = { name: 'notes', tools: [{ name: 'whose' }], call: () => 'somebody' };
    const stage = await openStage({
      as: { resourceMetadata: { scopes_supported: ['notes'] }, serve: (call) => answerMcp(call, name) },
      calendar: { requiredScopes: ['calendar:read'] },
      servers: (calendar, as) => ({ calendar: { url: calendar.url }, notes: { url: as.resource } }),
    });
    const registry = limitToRegistered(stage.as);
    const signInTo = async (user: string, tool: string): Promise<number> => {
      const client = await stage.manager.getClient(user);
      const server = tool === 'whose' ? 'notes' : 'calendar';
      return finish(stage, user, (await challengeOf(client.callTool(tool, {}, { server }))).url);
    };
    expect(await signInTo('alice', 'whoami')).toBe(200);
    expect(await signInTo('alice', 'whose')).toBe(200);
    expect(await signInTo('bob', 'whoami')).toBe(200);
    expect(await signInTo('bob', 'whose')).toBe(200);
    expect(registry.asked).toHaveLength(2);
    stage.as.tokens.expireAccessTokens();
    const client = await stage.manager.getClient('alice');
    expect(textOf(await client.callTool('whoami', {}, { server: 'calendar' }))).toBe('alice');
  });

  test('and registers little where no scope is named: the client registers anew when it needs some', async () => {
    const stage = await openStage({
      servers: ({ url }) => ({ calendar: { url, auth: { type: 'oauth', scopes: [] } } }),
    });
    const registry = limitToRegistered(stage.as, ['profile']);
    expect(await finish(stage, 'alice', (await stage.linkOf('alice')).url)).toBe(200);
    const client = await stage.manager.getClient('alice');
    expect(await finish(stage, 'alice', (await challengeOf(client.callTool(...share))).url)).toBe(200);
    expect(registry.asked.map(({ scope }) => scope !== undefined)).toEqual([false, true]);
  });

  test('refuses a client of an earlier version, which did not write down its scopes: the same link leads in', async () => {
    const stage = await openStage({ calendar: { requiredScopes: ['calendar:read'] } });
    const registry = limitToRegistered(stage.as);
    expect(await finish(stage, 'alice', (await stage.linkOf('alice')).url)).toBe(200);
    const client = await stage.manager.getClient('alice');
    const [entry] = await stage.storage.list(['app', 'registration']);
    const { registeredScopes, ...earlier } = JSON.parse(
      new TextDecoder().decode(entry!.value),
    ) as ClientIdentity;
    expect(registeredScopes).toBeDefined();
    const value = new TextEncoder().encode(JSON.stringify(earlier));
    await stage.storage.commit([{ put: entry!.key, value }]);
    stage.time.advance(120_000);
    const { url } = await challengeOf(client.callTool(...share));
    expect(await finish(stage, 'alice', url)).toBe(502);
    expect(await finish(stage, 'alice', url)).toBe(200);
    expect(registry.asked).toHaveLength(2);
  });
});

// R4: archestra-ai/archestra#7311. RFC 7591 §2: `scope` is optional.
describe('a registration that is refused because of a scope in it', () => {
  test.each([
    [400, 'invalid_client_metadata'],
    [400, 'invalid_scope'],
    [422, undefined],
  ])('with status %i and %s is made once more without', async (status, error) => {
    const stage = await openStage({ calendar: { requiredScopes: ['calendar:read'] } });
    const asked: Record<string, unknown>[] = [];
    stage.as.on('register', (call) => {
      const metadata = JSON.parse(call.text) as Record<string, unknown>;
      asked.push(metadata);
      return 'scope' in metadata ? { status, body: { error } } : undefined;
    });
    expect(await finish(stage, 'alice', (await stage.linkOf('alice')).url)).toBe(200);
    expect(asked.map((metadata) => 'scope' in metadata)).toEqual([true, false]);
    expect(textOf(await (await stage.manager.getClient('alice')).callTool('whoami'))).toBe('alice');
  });

  test('and once more without it is refused, and the reason of that is in the log', async () => {
    const stage = await openStage({ calendar: { requiredScopes: ['calendar:read'] } });
    stage.as.on('register', () => ({
      status: 400,
      body: { error: 'invalid_client_metadata', error_description: 'Only approved software may register' },
    }));
    const client = await stage.manager.getClient('alice');
    expect(await codeOf(client.callTool('whoami'))).toBe('ERR_POSTERN_OAUTH_REGISTRATION_REJECTED');
    expect(stage.logger.lines.join('\n')).toContain('Only approved software may register');
  });
});
