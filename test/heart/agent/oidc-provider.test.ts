import { exportJWK, generateKeyPair, type JWK } from 'jose';
import { describe, expect, test } from 'vitest';
import type { AuthConfig } from '../../../src/client/index.ts';
import { startOidcPeer, type OidcPeer, type OidcPeerOptions } from '../../support/oidc-peer.ts';
import { openStage, textOf, type Stage } from '../../support/stage.ts';
import { paste } from '../set-ups/callback-answer.ts';
import { isCallback } from '../walk.ts';

// Issue 9, "Other ways in", at an authorization server that others wrote: oidc-provider.

async function open(auth: AuthConfig, options: OidcPeerOptions): Promise<{ stage: Stage; peer: OidcPeer }> {
  const peer = await startOidcPeer(options);
  return { peer, stage: await openStage({ servers: () => ({ calendar: { url: peer.url, auth } }) }) };
}

async function whoami({ manager }: Stage, user: string): Promise<string> {
  const client = await manager.getClient(user);
  return client.callTool('whoami').then(textOf, (error: Error) => error.message);
}

const machine = {
  redirect_uris: [],
  response_types: [],
  grant_types: ['client_credentials'],
  scope: 'calendar:read',
};

for (const bound of [false, true]) {
  describe(`oidc-provider, ${bound ? 'with bound tokens and a nonce in each proof' : 'with bearer tokens'}`, () => {
    test('lets a machine in by its secret', async () => {
      const secret = 'CNRYzsecretz-of-a-machine';
      const client = { client_id: 'bot', client_secret: secret, ...machine };
      const { stage, peer } = await open(
        { type: 'client_credentials', client: { clientId: 'bot', clientSecret: secret } },
        { bound, clients: [client] },
      );
      expect([await whoami(stage, 'bot'), peer.granted]).toEqual(['client bot', ['client_credentials']]);
    });

    test('lets a machine in by its key', async () => {
      const { publicKey, privateKey } = await generateKeyPair('ES256', { extractable: true });
      const client = {
        ...machine,
        client_id: 'bot',
        token_endpoint_auth_method: 'private_key_jwt',
        token_endpoint_auth_signing_alg: 'ES256',
        jwks: { keys: [{ ...(await exportJWK(publicKey)), kid: 'k', alg: 'ES256' } satisfies JWK] },
      };
      const key = JSON.stringify({ ...(await exportJWK(privateKey)), kid: 'k', alg: 'ES256' });
      const { stage } = await open(
        { type: 'client_credentials', client: { clientId: 'bot', privateKey: () => key } },
        { bound, clients: [client] },
      );
      expect(await whoami(stage, 'bot')).toBe('client bot');
    });

    for (const pushed of [false, true]) {
      test(`signs a person in by a ${pushed ? 'pushed' : 'plain'} request, pasted back`, async () => {
        const { stage, peer } = await open({ type: 'oauth' }, { bound, pushed });
        const { url: link } = await stage.linkOf('alice');
        const browser = await stage.host.openBrowser('alice');
        const back = await browser.signIn(link, { user: 'alice', stopBefore: isCallback });
        expect(isCallback(new URL(back.url))).toBe(true);
        expect((await paste(browser, link, back.url)).status).toBe(200);
        expect([await whoami(stage, 'alice'), peer.granted]).toEqual(['alice', ['authorization_code']]);
      });
    }

    test('signs a person in by a code for another device, as a client that registered itself', async () => {
      const { stage, peer } = await open({ type: 'oauth' }, { bound });
      const { url: link } = await stage.linkOf('alice');
      const browser = await stage.host.openBrowser('alice');
      // Sent straight on when it is first opened; the page is there for who comes again.
      await browser.open(link, { stopBefore: ({ pathname }) => pathname === '/auth' });
      await browser.open(link);
      const page = await browser.submit({ 'form-action': 'code' });
      expect(page.html).toMatch(/<strong class="code">[A-Z]{4}-[A-Z]{4}<\/strong>/u);
      await peer.approveDevice('alice');
      await expect.poll(() => whoami(stage, 'alice'), { timeout: 20_000 }).toBe('alice');
      expect(peer.granted).toEqual(['urn:ietf:params:oauth:grant-type:device_code']);
    });
  });
}
