import { expect, onTestFinished, test } from 'vitest';
import { openListener } from '../../demo/open-listener.ts';
import { browserSignIn } from '../../src/browser-sign-in/index.ts';
import { ClientManager, findAuthorizationRequired } from '../../src/client/index.ts';
import { MemoryBackend, verifiedClaims } from '../../src/index.ts';
import { Oob, findInteractionRequired, secretForm } from '../../src/oob/index.ts';
import { createCookieBrowser } from '../../demo/browser.ts';
import { textOf } from '../support/stage.ts';
import { openSignInWorld } from './sign-in-world.ts';

const form = { type: 'object', properties: { password: { type: 'string', writeOnly: true } } } as const;

test('a server’s link lets in whom the call’s token names; of anybody else the log says who was compared with whom', async () => {
  const world = await openSignInWorld();
  const { issuer, storage, logger } = world;
  const listener = await openListener();
  onTestFinished(() => listener.close());
  const oob = new Oob({
    storage,
    logger,
    namespaces: verifiedClaims({ issuer, audience: 'this server' }),
    publicUrl: `${listener.origin}/oob`,
    // As an application that mixes up two names of one person.
    verifyUser: (request) => {
      const user = new URL(request.url).searchParams.get('as');
      return user ?? undefined;
    },
  });
  onTestFinished(() => oob.close());
  const login = oob.flow('login', secretForm(form));
  const claims = { iss: issuer, sub: 'alice', aud: 'this server' };
  const principal = await oob.principal({ claims });
  const error: unknown = await oob.credentials
    .acquire(principal, { resource: 'db', flow: login })
    .catch((reason: unknown) => reason);
  const link = findInteractionRequired(error)?.interaction.url ?? '';
  const open = async (as: string): Promise<number> =>
    (await oob.fetch(new Request(`${link}?${new URLSearchParams({ as })}`))).status;

  expect([await open('bob'), await open('alice'), await open(`${issuer} sub:alice`)]).toEqual([
    404, 404, 200,
  ]);
  const lines = logger.lines.filter((line) => line.includes('another user'));
  expect(lines).toHaveLength(2);
  for (const line of lines) expect(line).toContain(`"linkIsFor":"${issuer} sub:alice"`);
  expect(lines[0]).toContain('"verifyUserAnswered":"bob"');
  expect(lines[0]).not.toContain('hint');
  expect(lines[1]).toContain('"verifyUserAnswered":"alice"');
  expect(lines[1]).toContain('initiatorOf');
});

test('a server whose pages ask the issuer lets in whom the call’s token names, and nobody else', async () => {
  const world = await openSignInWorld();
  const { issuer, storage, logger, origin } = world;
  const signIn = world.another();
  const oob = new Oob({
    storage,
    logger,
    namespaces: verifiedClaims({ issuer, audience: 'this server' }),
    publicUrl: `${origin}/oob`,
    verifyUser: signIn.verifyUser,
  });
  onTestFinished(() => oob.close());
  world.mount('/oob/', oob.fetch);
  const login = oob.flow('login', secretForm(form));
  const principal = await oob.principal({ claims: { iss: issuer, sub: 'alice', aud: 'this server' } });
  const error: unknown = await oob.credentials
    .acquire(principal, { resource: 'db', flow: login })
    .catch((reason: unknown) => reason);
  const link = findInteractionRequired(error)?.interaction.url ?? '';
  const bob = await world.openBrowser().signIn(link, { user: 'bob' });
  expect([bob.url, bob.status]).toEqual([link, 404]);
  const alice = await world.openBrowser().signIn(link, { user: 'alice' });
  expect([alice.url, alice.status]).toEqual([link, 200]);
  expect(alice.html).toContain('name="password"');
});

test('an agent’s host needs nothing else to know who follows a link: one issuer, one sign-in, then consent', async () => {
  const world = await openSignInWorld();
  const { issuer, peer, logger, origin } = world;
  const storage = new MemoryBackend();
  const signIn = browserSignIn({ ...world.options, storage });
  const manager = new ClientManager(
    { calendar: { url: peer.url } },
    { storage, logger, publicUrl: `${origin}/postern`, verifyUser: signIn.verifyUser },
  );
  onTestFinished(() => manager.close());
  world.run(signIn);
  world.mount('/postern/', manager.fetch);

  const client = await manager.getClient(`${issuer} sub:alice`);
  const error: unknown = await client.callTool('whoami').catch((reason: unknown) => reason);
  const link = findAuthorizationRequired(error)?.challenge.url ?? '';
  const bob = await createCookieBrowser().signIn(link, { user: 'bob' });
  expect([bob.url, bob.status]).toEqual([link, 404]);
  // Twice: who they are, and then what the agent may do.
  const browser = createCookieBrowser();
  await browser.signIn(link, { user: 'alice' });
  const page = await browser.signIn(link, { user: 'alice' });
  expect(page.status).toBe(200);
  expect(textOf(await client.callTool('whoami'))).toBe('alice');
});
