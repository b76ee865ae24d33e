import { expect, onTestFinished, test } from 'vitest';
import { codeOf, openStage, textOf, type Stage } from '../support/stage.ts';

/** What runs of `npm run chaos` have found, each as the shortest story that shows it. */

async function openSignedIn(): Promise<Stage> {
  const stage = await openStage({ hosts: 2 });
  await stage.signIn('alice');
  return stage;
}

async function whoami(stage: Stage, host: number): Promise<string> {
  const client = await stage.managers[host]!.getClient('alice');
  return textOf(await client.callTool('whoami'));
}

test('a token that another process has renewed, and the server then ends early, is renewed again', async () => {
  const stage = await openSignedIn();
  for (const host of [0, 1]) expect(await whoami(stage, host)).toBe('alice');
  // Old enough for a person to be asked, which is what used to happen.
  stage.time.advance(10 * 60_000);
  stage.as.tokens.expireAccessTokens();
  expect(await whoami(stage, 0)).toBe('alice');
  stage.as.tokens.expireAccessTokens();
  expect(await whoami(stage, 1)).toBe('alice');
  expect([stage.as.count('refresh'), stage.as.count('authorize'), stage.as.tokens.reuses]).toEqual([2, 1, 0]);
});

test('a call that finds no grant, while the person finishes the sign-in, goes on and asks for no second one', async () => {
  const stage = await openStage({ hosts: 2 });
  const { url } = await stage.linkOf('alice');
  // The other process has looked for a grant, found none, and is about to look for a link.
  const looked = Promise.withResolvers<void>();
  const signedIn = Promise.withResolvers<void>();
  let hasLooked = false;
  stage.storage.fault = async ({ operation, on }) => {
    if (hasLooked || operation !== 'get' || !on.includes('/slot/')) return undefined;
    hasLooked = true;
    looked.resolve();
    await signedIn.promise;
    return undefined;
  };
  const asked = whoami(stage, 1);
  await looked.promise;
  stage.as.approveAs('alice');
  const page = await (await stage.host.openBrowser('alice')).open(url);
  expect(page.html).toContain('You are signed in');
  signedIn.resolve();
  expect(await asked).toBe('alice');
  const client = await stage.managers[1]!.getClient('alice');
  expect(await client.getAuthChallenges()).toEqual([]);
  expect(stage.as.count('authorize')).toBe(1);
});

test('a sign-in that was saved is not taken back because the store does not say so at once', async () => {
  const stage = await openStage();
  const { url } = await stage.linkOf('alice');
  let savedAt: number | undefined;
  stage.storage.fault = ({ operation, on }) => {
    if (operation === 'commit' && on.includes('/credential/') && savedAt === undefined) {
      savedAt = performance.now();
      return 'lose-answer';
    }
    // For a moment it can be asked for the pending, and not for the credential.
    const isSilent = savedAt !== undefined && performance.now() - savedAt < 500;
    return isSilent && operation === 'get' && on.includes('/credential/') ? 'fail' : undefined;
  };
  const page = await (await stage.host.openBrowser('alice')).open(url);
  expect(page.html).toContain('You are signed in');
  expect(stage.as.tokens.families.map(({ revoked }) => revoked)).toEqual([false]);
  expect(await whoami(stage, 0)).toBe('user-1');
});

test('a refresh that was saved succeeds although its lease cannot be given back', async () => {
  const stage = await openSignedIn();
  expect(await whoami(stage, 0)).toBe('alice');
  stage.as.tokens.expireAccessTokens();
  stage.storage.fault = ({ operation, changes }) =>
    operation === 'commit' &&
    changes.some((change) => 'delete' in change && change.delete.includes('renewing'))
      ? 'fail'
      : undefined;
  expect(await whoami(stage, 0)).toBe('alice');
});

test('a refresh that fails is its caller’s failure and nobody else’s, and its lease is held until it is noted', async () => {
  const stage = await openSignedIn();
  expect(await whoami(stage, 0)).toBe('alice');
  const strays: unknown[] = [];
  const note = (reason: unknown): number => strays.push(reason);
  process.on('unhandledRejection', note);
  onTestFinished(() => void process.off('unhandledRejection', note));
  const order: string[] = [];
  stage.storage.fault = async ({ operation, on, changes }) => {
    if (operation !== 'commit') return undefined;
    if (on.includes('/renewal-failed/')) order.push('failure noted');
    if (!changes.some((change) => 'delete' in change && change.delete.includes('renewing'))) return undefined;
    order.push('lease given back');
    // Slower than everything else: a failure that nobody awaits has the time to be found by the process.
    await new Promise((resolve) => setTimeout(resolve, 200));
    return undefined;
  };
  stage.as.tokens.expireAccessTokens();
  await stage.as.close();
  const client = await stage.manager.getClient('alice');
  expect(await codeOf(client.callTool('whoami'))).toBe('ERR_POSTERN_OAUTH_UNREACHABLE');
  expect(strays).toEqual([]);
  expect(order).toEqual(['failure noted', 'lease given back']);
});
