import { describe, expect, onTestFinished, test } from 'vitest';
import { startProgrammableAuthorizationServer } from '../../support/programmable-authorization-server.ts';
import { challengeOf, openStage, type Stage, type StageOptions } from '../../support/stage.ts';
import { NamespacedStorage } from '../../../src/storage/namespaced-storage.ts';

const minutes = 60_000;

interface Watched extends Stage {
  /** How many documents about the server and its issuer were fetched since the last time. */
  looked(): number;
  /** The server names another issuer from now on. */
  moveTo(issuer: string): void;
  /** Where the link of a call in the process of that number leads to. */
  issuerFor(contextId: string, host: number): Promise<string>;
}

/** Processes that share a store, whose requests for metadata are counted. */
async function openWatched(options: StageOptions = {}): Promise<Watched> {
  let looked = 0;
  let moved: string | undefined;
  const watching: typeof fetch = async (input, init) => {
    const url = String(input instanceof Request ? input.url : input);
    if (url.includes('/.well-known/')) looked++;
    const response = await fetch(input, init);
    if (moved === undefined || !url.includes('/.well-known/oauth-protected-resource')) return response;
    return Response.json({ ...((await response.json()) as object), authorization_servers: [moved] });
  };
  const stage = await openStage({ hosts: 3, ...options, coordinator: { fetch: watching } });
  return {
    ...stage,
    looked() {
      const since = looked;
      looked = 0;
      return since;
    },
    moveTo: (issuer) => void (moved = issuer),
    issuerFor: async (contextId, host) => {
      const manager = stage.managers[host]!;
      const challenge = await challengeOf((await manager.getClient(contextId)).callTool('whoami'));
      return new URL(await manager.coordinator.authorizationUrl(challenge, { person: contextId })).origin;
    },
  };
}

describe('a process that has just started', () => {
  test('asks the next person without fetching metadata that another has fetched', async () => {
    const stage = await openWatched();
    await expect(stage.issuerFor('alice', 0)).resolves.toBe(stage.as.issuer);
    expect(stage.looked()).toBeGreaterThan(1);
    await expect(stage.issuerFor('bob', 1)).resolves.toBe(stage.as.issuer);
    expect(stage.looked()).toBe(0);
  });

  test('fetches none to renew, and to call a tool', async () => {
    const stage = await openWatched({ as: { expiresInSeconds: 60 } });
    await stage.signIn('alice');
    stage.looked();
    stage.time.advance(2 * minutes);
    await (await stage.managers[1]!.getClient('alice')).callTool('whoami');
    expect([stage.looked(), stage.as.count('refresh')]).toEqual([0, 1]);
  });

  test('fetches it anew ten minutes later', async () => {
    const stage = await openWatched();
    await stage.issuerFor('alice', 0);
    stage.looked();
    stage.time.advance(10 * minutes + 1);
    await stage.issuerFor('bob', 1);
    expect(stage.looked()).toBeGreaterThan(1);
  });

  test('fetches it anew for a challenge that names another place for it', async () => {
    const stage = await openWatched();
    await stage.issuerFor('alice', 0);
    stage.looked();
    const signIns = await stage.managers[1]!.coordinator.signIns();
    const { url: serverUrl } = stage.calendar;
    const resourceMetadataUrl = new URL('/.well-known/oauth-protected-resource', serverUrl).href;
    // The stage's server has it at one place alone.
    await signIns
      .prepare(
        { server: 'calendar', serverUrl },
        { scheme: 'bearer', schemes: ['bearer'], resourceMetadataUrl },
        [],
      )
      .catch(() => {});
    expect(stage.looked()).toBeGreaterThan(0);
  });
});

describe('an authorization server that has moved', () => {
  test('is found again by whoever’s token is refused, and then by every process that has just started', async () => {
    const stage = await openWatched();
    const other = await startProgrammableAuthorizationServer();
    onTestFinished(() => other.close());
    await stage.signIn('alice');
    stage.as.tokens.revokeAll();
    stage.moveTo(other.issuer);
    await expect(stage.issuerFor('alice', 1)).resolves.toBe(other.issuer);
    stage.looked();
    await expect(stage.issuerFor('bob', 2)).resolves.toBe(other.issuer);
    expect(stage.looked()).toBe(0);
  });

  test('is found again where the one that was known registers nobody any more', async () => {
    const stage = await openWatched();
    const other = await startProgrammableAuthorizationServer();
    onTestFinished(() => other.close());
    await stage.issuerFor('alice', 0);
    await new NamespacedStorage(stage.storage, ['app', 'registration']).clear();
    stage.as.on('register', () => ({ status: 410, body: {} }));
    stage.moveTo(other.issuer);
    await expect(stage.issuerFor('bob', 1)).resolves.toBe(other.issuer);
  });
});
