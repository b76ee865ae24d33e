import { describe, expect, test, vi } from 'vitest';
import { callbackOf, challengeOf, codeOf, openStage, textOf, withParams } from '../support/stage.ts';

const share = ['share_calendar', { with: 'bob' }] as const;

/** What the browser was sent to ask for, at its n-th visit. */
function askedScopes(calls: readonly { kind: string; url: URL }[]): string[][] {
  return calls
    .filter(({ kind }) => kind === 'authorize')
    .map(({ url }) => (url.searchParams.get('scope') ?? '').split(' ').toSorted());
}

describe('a call that needs more than was granted', () => {
  test('asks for the union of old and new, once; afterwards both calls succeed', async () => {
    const stage = await openStage();
    await stage.signIn('alice');
    const client = await stage.manager.getClient('alice');
    const challenge = await challengeOf(client.callTool(...share));
    expect([...challenge.scopes].toSorted()).toEqual(['calendar:read', 'calendar:share', 'calendar:write']);
    await (await stage.host.openBrowser('alice')).open(challenge.url);
    expect(askedScopes(stage.as.calls)).toEqual([
      ['calendar:read', 'calendar:write'],
      ['calendar:read', 'calendar:share', 'calendar:write'],
    ]);
    expect(textOf(await client.callTool(...share))).toContain('shared with bob');
    expect(textOf(await client.callTool('whoami'))).toBe('alice');
    expect(stage.as.count('authorize')).toBe(2);
  });

  test('leaves what was granted in use while the person has not answered', async () => {
    const stage = await openStage();
    await stage.signIn('alice');
    const client = await stage.manager.getClient('alice');
    await challengeOf(client.callTool(...share));
    expect(client.session('calendar').status).toBe('CONNECTED');
    expect(textOf(await client.callTool('whoami'))).toBe('alice');
    expect(await client.requiresAuth()).toBe(true);
  });

  test('and that the person declines stays refused, while other calls go on', async () => {
    const stage = await openStage();
    await stage.signIn('alice');
    const client = await stage.manager.getClient('alice');
    const { url } = await challengeOf(client.callTool(...share));
    const browser = await stage.host.openBrowser('alice');
    const callback = await callbackOf(browser, url);
    await browser.open(withParams(callback, { code: undefined, error: 'access_denied' }));
    expect(await codeOf(client.callTool(...share))).toBe('ERR_POSTERN_AUTH_DENIED');
    expect(textOf(await client.callTool('whoami'))).toBe('alice');
  });

  test('that the server refuses even after consent ends with an error, and nobody is asked again', async () => {
    const stage = await openStage();
    await stage.signIn('alice');
    // The server grants no more than it did, whatever the person allowed.
    stage.as.on('token', (call) => {
      const code = stage.as.tokens.redeemCode(call.form.get('code') ?? '', call.form);
      if (code === undefined) return { status: 400, body: { error: 'invalid_grant' } };
      const { clientId, resource, subject } = code;
      const scope = 'calendar:read calendar:write';
      const { access, refresh } = stage.as.tokens.issue({
        clientId,
        scope,
        resource,
        subject,
        jkt: undefined,
      });
      return {
        body: { access_token: access, refresh_token: refresh, token_type: 'Bearer', expires_in: 60, scope },
      };
    });
    const client = await stage.manager.getClient('alice');
    const { url } = await challengeOf(client.callTool(...share));
    await (await stage.host.openBrowser('alice')).open(url);
    for (let tries = 0; tries < 3; tries++) {
      expect(await codeOf(client.callTool(...share))).toBe('ERR_POSTERN_OAUTH_SCOPE_INSUFFICIENT');
    }
    expect(stage.as.count('authorize')).toBe(2);
    expect(await client.getAuthChallenges()).toEqual([]);
    expect(textOf(await client.callTool('whoami'))).toBe('alice');
  });

  test('during a sign-in that nobody has opened yet widens that sign-in; its link stays', async () => {
    const stage = await openStage({ hosts: 2 });
    await stage.signIn('alice');
    const client = await stage.manager.getClient('alice');
    // Two things are wanted at once, in two processes, before the person has looked.
    const other = await stage.managers[1]!.getClient('alice');
    await other.callTool('whoami');
    stage.as.tokens.revokeAll();
    const first = await challengeOf(client.callTool('whoami'));
    const { storage } = stage.coordinator.createContext('alice');
    const kept = await storage.get('credential', stage.calendar.url, 'calendar');
    expect(JSON.parse(new TextDecoder().decode(kept?.value))).toMatchObject({
      ended: true,
      credential: null,
    });
    const second = await challengeOf(other.callTool(...share));
    expect(second.url).toBe(first.url);
    expect(second.pendingId).toBe(first.pendingId);
  });

  test('while another call already asks for more gets the same link, with all of it', async () => {
    const stage = await openStage({
      calendar: { requiredScopes: ['calendar:read'] },
      hosts: 2,
    });
    await stage.signIn('alice');
    const one = await stage.manager.getClient('alice');
    const two = await stage.managers[1]!.getClient('alice');
    await two.callTool('whoami');
    const first = await challengeOf(one.callTool('add_event', { title: 'x', time: '10:00' }));
    const second = await challengeOf(two.callTool(...share));
    expect(second.url).toBe(first.url);
    expect([...second.scopes].toSorted()).toEqual(['calendar:read', 'calendar:share', 'calendar:write']);
    await (await stage.host.openBrowser('alice')).open(first.url);
    expect(askedScopes(stage.as.calls).at(-1)).toEqual(['calendar:read', 'calendar:share', 'calendar:write']);
    await vi.waitFor(() => expect(one.session('calendar').status).toBe('CONNECTED'));
    expect(textOf(await one.callTool('add_event', { title: 'x', time: '10:00' }))).toContain(
      'Added for alice',
    );
    expect(textOf(await two.callTool(...share))).toContain('shared with bob');
    expect(stage.as.count('authorize')).toBe(2);
  });
});
