import { describe, expect, test } from 'vitest';
import { walk } from '../heart/walk.ts';
import { codeOf, openStage, textOf, type Stage } from '../support/stage.ts';

// R6: mcp-use/mcp-use#2258.

/** A stage whose server has its endpoints elsewhere than it says, until its operator mends that. */
async function openBroken(field: string, wrong: string): Promise<{ stage: Stage; mend: () => void }> {
  const stage = await openStage();
  const { as } = stage;
  let isMended = false;
  as.on('metadata', () => ({
    body: {
      issuer: as.issuer,
      authorization_endpoint: `${as.issuer}/authorize`,
      token_endpoint: `${as.issuer}/token`,
      registration_endpoint: `${as.issuer}/register`,
      code_challenge_methods_supported: ['S256'],
      ...(!isMended && { [field]: `${as.issuer}${wrong}` }),
    },
  }));
  return { stage, mend: () => void (isMended = true) };
}

async function signIn(stage: Stage, user: string): Promise<string> {
  stage.as.approveAs(user);
  await walk(await stage.host.openBrowser(user), (await stage.linkOf(user)).url);
  return textOf(await (await stage.manager.getClient(user)).callTool('whoami'));
}

describe('metadata that its operator has mended is looked at anew', () => {
  test('at the next call, after a registration that failed', async () => {
    const { stage, mend } = await openBroken('registration_endpoint', '/gone');
    const client = await stage.manager.getClient('alice');
    expect(await codeOf(client.callTool('whoami'))).toBe('ERR_POSTERN_OAUTH_REGISTRATION_REJECTED');
    mend();
    expect(await signIn(stage, 'alice')).toBe('alice');
  });

  test('at the same call, where a registration fails with what was known from before', async () => {
    const { stage, mend } = await openBroken('registration_endpoint', '/register');
    expect(await signIn(stage, 'alice')).toBe('alice');
    // What was known is gone: the registration, and the endpoint.
    await stage.storage.commit(
      (await stage.storage.list(['app', 'registration'])).map(({ key }) => ({ delete: key })),
    );
    let isGone = true;
    stage.as.on('register', () => (isGone ? { status: 404 } : undefined));
    const before = stage.as.count('metadata');
    const client = await stage.manager.getClient('bob');
    expect(await codeOf(client.callTool('whoami'))).toBe('ERR_POSTERN_OAUTH_REGISTRATION_REJECTED');
    expect(stage.as.count('metadata')).toBeGreaterThan(before);
    isGone = false;
    mend();
    expect(await signIn(stage, 'bob')).toBe('bob');
  });

  test('by the same link, after an authorization endpoint that was not there', async () => {
    const { stage, mend } = await openBroken('authorization_endpoint', '/gone');
    const { url } = await stage.linkOf('alice');
    const browser = await stage.host.openBrowser('alice');
    expect((await walk(browser, url)).status).toBe(404);
    mend();
    stage.as.approveAs('alice');
    expect((await walk(browser, url)).status).toBe(200);
  });

  test('by the next link, after a token endpoint that was not there', async () => {
    const { stage, mend } = await openBroken('token_endpoint', '/gone');
    await walk(await stage.host.openBrowser('alice'), (await stage.linkOf('alice')).url);
    mend();
    expect(await signIn(stage, 'alice')).toBe('alice');
  });
});
