import { describe, expect, onTestFinished, test, vi } from 'vitest';
import {
  ClientManager,
  type AuthConfig,
  type Client,
  type ClientManagerOptions,
  type HttpServerConfig,
} from '../../src/client/index.ts';
import type { NetworkOptions } from '../../src/http/network-options.ts';
import { openNetwork } from '../../src/http/network.ts';
import { MemoryBackend } from '../../src/index.ts';
import { createIntrospection } from '../../src/oauth/introspection.ts';
import { createOAuthHttp } from '../../src/oauth/oauth-http.ts';
import { challengeOf, codeOf, textOf } from '../support/stage.ts';
import { openCertifiedIssuer, type CertifiedIssuer } from './certified-issuer.ts';
import { makeCertificate, type Certificate } from './tls-server.ts';

interface Bank extends CertifiedIssuer {
  readonly own: Certificate;
  readonly postern: Certificate;
}

async function openBank(metadata?: Readonly<Record<string, unknown>>, name = 'bank'): Promise<Bank> {
  const [own, postern] = await Promise.all([makeCertificate(name), makeCertificate('postern')]);
  return { ...(await openCertifiedIssuer(own, postern, metadata)), own, postern };
}

function shownTo({ own, postern, as }: Bank): NetworkOptions {
  const certificate = { cert: postern.cert, key: postern.private };
  return { ca: own.cert, clientCertificates: { [as.issuer]: certificate } };
}

interface Opened {
  readonly client: Client;
  readonly signIn: () => Promise<void>;
}

async function openClient(
  { as, mcpUrl }: Bank,
  network: NetworkOptions,
  server: Omit<HttpServerConfig, 'url'> = {},
): Promise<Opened> {
  const options: ClientManagerOptions = {
    storage: new MemoryBackend(),
    publicUrl: 'https://bot.example/postern',
    verifyUser: () => undefined,
    network,
  };
  const manager = new ClientManager({ bank: { url: mcpUrl, ...server } }, options);
  onTestFinished(() => manager.close());
  const client = await manager.getClient('al');
  const signIn = async (): Promise<void> => {
    const challenge = await challengeOf(client.callTool('whoami'));
    const url = await manager.coordinator.authorizationUrl(challenge, { person: 'al' });
    const asked = { method: 'GET', url: new URL(url), headers: {}, text: '' };
    const reply = (await as.answer(asked)) as { headers?: Record<string, string> };
    await manager.coordinator.complete(reply.headers?.['location'] ?? '', { person: 'al' });
  };
  return { client, signIn };
}

const byCertificate: AuthConfig = { type: 'oauth', client: { clientId: 'postern' } };

describe('a client with a certificate for an issuer', () => {
  test.each([
    ['it is known by', undefined],
    ['of a certificate authority', 'tls_client_auth'],
    ['of its own', 'self_signed_tls_client_auth'],
  ] as const)(
    'signs in, renews and signs out at the places for those, and its tokens are taken with it alone: %s',
    async (_whose, tokenEndpointAuthMethod) => {
      const bank = await openBank();
      const auth: AuthConfig = { type: 'oauth', client: { clientId: 'postern', tokenEndpointAuthMethod } };
      const { client, signIn } = await openClient(bank, shownTo(bank), { auth });
      await signIn();
      expect(textOf(await client.callTool('whoami'))).toBe('user-1');
      bank.as.tokens.expireAccessTokens();
      expect(textOf(await client.callTool('whoami'))).toBe('user-1');
      await client.logout();
      const kinds = ['token', 'refresh', 'revoke', 'revoke'];
      expect(bank.shown).toEqual(kinds.map((kind) => [kind, 'postern']));
      expect([bank.plain, bank.callers]).toEqual([[], new Set(['undefined', 'postern'])]);
      const { form } = bank.as.calls.find(({ kind }) => kind === 'token')!;
      expect([form.get('client_id'), form.get('client_secret')]).toEqual(['postern', null]);
    },
  );

  test('may be a machine', async () => {
    const bank = await openBank();
    const auth: AuthConfig = { type: 'client_credentials', client: { clientId: 'postern' } };
    const { client } = await openClient(bank, shownTo(bank), { auth });
    expect(textOf(await client.callTool('whoami'))).toBe('machine');
    expect([bank.shown, bank.plain]).toEqual([[['token', 'postern']], []]);
  });

  test('that registers itself says that its tokens are to be bound', async () => {
    const bank = await openBank({ token_endpoint_auth_methods_supported: ['none'] });
    const { client, signIn } = await openClient(bank, shownTo(bank));
    await signIn();
    expect(textOf(await client.callTool('whoami'))).toBe('user-1');
    const registration = bank.as.calls.find(({ kind }) => kind === 'register');
    expect(JSON.parse(registration?.text ?? '')).toMatchObject({
      token_endpoint_auth_method: 'none',
      tls_client_certificate_bound_access_tokens: true,
    });
    expect(bank.shown).toEqual([['token', 'postern']]);
  });

  test('shows it to nobody else: not to another issuer, and to no server whose tokens are not bound', async () => {
    const bank = await openBank({ tls_client_certificate_bound_access_tokens: undefined });
    const { client, signIn } = await openClient(bank, shownTo(bank), { auth: byCertificate });
    await signIn();
    await client.callTool('whoami').catch(() => {});
    expect([bank.shown[0], bank.callers]).toEqual([['token', 'postern'], new Set(['undefined'])]);
    const other = await openBank({ token_endpoint_auth_methods_supported: ['none'] }, 'other');
    const elsewhere = { ...shownTo(bank), ca: [bank.own.cert, other.own.cert] };
    const opened = await openClient(other, elsewhere, { auth: byCertificate });
    expect(await codeOf(opened.signIn())).toBe('ERR_POSTERN_OAUTH_CLIENT_REJECTED');
    expect([other.shown, other.plain, other.callers]).toEqual([[], ['token'], new Set(['undefined'])]);
  });

  test('shows a server the certificate that is for that server, where there is one', async () => {
    const bank = await openBank();
    const al = await makeCertificate('al');
    const { client, signIn } = await openClient(bank, shownTo(bank), {
      auth: byCertificate,
      network: { clientCertificate: { cert: al.cert, key: al.private } },
    });
    await signIn();
    // The token is bound to the other one.
    expect(await codeOf(client.callTool('whoami'))).toMatch(/^ERR_POSTERN_AUTH_/u);
    expect(bank.shown[0]).toEqual(['token', 'postern']);
    expect([bank.callers.has('al'), bank.callers.has('postern')]).toEqual([true, false]);
  });

  test('asks about tokens with it', async () => {
    const bank = await openBank();
    const http = createOAuthHttp({ network: shownTo(bank), trustedBy: bank.as.issuer });
    const introspect = createIntrospection(
      {
        issuer: bank.as.issuer,
        endpoint: bank.introspectionUrl,
        clientId: 'calendar',
        authMethod: 'tls_client_auth',
      },
      http,
    );
    expect(await introspect('token')).toEqual({ iss: bank.as.issuer, sub: 'al' });
    expect(bank.shown).toEqual([['introspect', 'postern']]);
  });
});

test('a client that proves itself by a certificate is refused before its person is asked, where there is none', async () => {
  const bank = await openBank();
  const auth: AuthConfig = {
    type: 'oauth',
    client: { clientId: 'postern', tokenEndpointAuthMethod: 'tls_client_auth' },
  };
  const { client } = await openClient(bank, { ca: bank.own.cert }, { auth });
  expect(await codeOf(client.callTool('whoami'))).toBe('ERR_POSTERN_CONFIG_MISCONFIGURED');
});

describe('a certificate', () => {
  const certificate = { cert: 'CERT', key: 'CNRYzsecretz-key' };

  test.each(['login.bank.example', 'http://login.bank.example', ''])(
    'is for an issuer, or the network is not opened: %j',
    (issuer) => {
      expect(() => openNetwork({ clientCertificates: { [issuer]: certificate } })).toThrow(
        expect.objectContaining({ code: 'ERR_POSTERN_CONFIG_MISCONFIGURED' }),
      );
    },
  );

  test('that cannot be used is said to be so, and not that a server does not answer', async () => {
    const [one, other] = await Promise.all([makeCertificate('one'), makeCertificate('other')]);
    for (const network of [
      { clientCertificate: certificate },
      { clientCertificate: { cert: one.cert, key: other.private } },
      { ca: 'no PEM' },
    ]) {
      const { fetch } = openNetwork({ ...network, proxy: 'none' });
      expect(await codeOf(fetch('https://localhost:1/'))).toBe('ERR_POSTERN_CONFIG_MISCONFIGURED');
    }
  });

  test('is refused where the runtime could not show it, rather than left out', () => {
    vi.stubGlobal('navigator', { userAgent: 'Cloudflare-Workers' });
    onTestFinished(() => void vi.unstubAllGlobals());
    for (const network of [
      { clientCertificate: certificate },
      { clientCertificates: { 'https://login.bank.example': certificate } },
    ])
      expect(() => openNetwork(network)).toThrow(
        expect.objectContaining({ code: 'ERR_POSTERN_CONFIG_MISCONFIGURED' }),
      );
  });
});
