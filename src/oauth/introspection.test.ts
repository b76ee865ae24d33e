import { decodeJwt } from 'jose';
import { describe, expect, test } from 'vitest';
import { programmableFetch, type Route, type SentRequest } from '../../test/support/programmable-fetch.ts';
import { privateKeyFromPem } from './client-authentication.ts';
import { createIntrospection, type IntrospectionOptions } from './introspection.ts';
import { createOAuthHttp } from './oauth-http.ts';

const issuer = 'https://as.example';
const endpoint = `${issuer}/introspect`;
const claims = { iss: issuer, sub: 'alice', aud: 'https://mcp.example/mcp', exp: 10 };
const coded = (code: string): unknown => expect.objectContaining({ code });

function serve(
  route: Route,
  more: Partial<IntrospectionOptions> = {},
): { introspect: ReturnType<typeof createIntrospection>; sent: SentRequest[] } {
  const { fetch, sent } = programmableFetch({ [endpoint]: route });
  const http = createOAuthHttp({ fetch, clock: () => 5_000 });
  const options = { issuer, endpoint, clientId: 'mcp server', clientSecret: 'CNRY_secret', ...more };
  return { introspect: createIntrospection(options, http), sent };
}

describe('an introspection', () => {
  test('posts the token with the credentials of this server', async () => {
    const { introspect, sent } = serve({ active: true, ...claims });
    await expect(introspect('the-token')).resolves.toEqual(claims);
    expect(sent).toHaveLength(1);
    expect(sent[0]).toMatchObject({ method: 'POST', url: endpoint });
    expect(Object.fromEntries(sent[0]?.form ?? [])).toEqual({
      token: 'the-token',
      token_type_hint: 'access_token',
    });
    expect(sent[0]?.headers.get('authorization')).toBe(`Basic ${btoa('mcp+server:CNRY_secret')}`);
    expect(sent[0]?.headers.get('accept')).toBe('application/json');
  });

  test('authenticates with a key where there is one', async () => {
    const { privateKey } = await crypto.subtle
      .generateKey({ name: 'ECDSA', namedCurve: 'P-256' }, true, ['sign', 'verify'])
      .then(async (pair) => ({ privateKey: await crypto.subtle.exportKey('pkcs8', pair.privateKey) }));
    const pem = `-----BEGIN PRIVATE KEY-----\n${Buffer.from(privateKey).toString('base64')}\n-----END PRIVATE KEY-----`;
    const { introspect, sent } = serve({ active: false }, { privateKeyJwk: await privateKeyFromPem(pem) });
    await introspect('t');
    expect(decodeJwt(sent[0]?.form.get('client_assertion') ?? '')).toMatchObject({
      iss: 'mcp server',
      sub: 'mcp server',
    });
    expect(sent[0]?.text).not.toContain('CNRY_secret');
  });

  test('fills in the issuer that was asked, and lets no answer be mistaken for another’s', async () => {
    const { iss: _iss, ...without } = claims;
    await expect(serve({ active: true, ...without }).introspect('t')).resolves.toMatchObject({ iss: issuer });
    const other = { active: true, ...claims, iss: 'https://other.example' };
    await expect(serve(other).introspect('t')).resolves.toMatchObject({ iss: 'https://other.example' });
  });

  test('of a token that is not active tells nothing, whatever else the answer says', async () => {
    await expect(serve({ active: false, ...claims }).introspect('t')).resolves.toBeUndefined();
  });

  test.each<[string, Route]>([
    ['nothing about being active', { ...claims }],
    ['that it is active as text', { active: 'true', ...claims }],
    ['no object', []],
    ['no JSON', 'active'],
  ])('with an answer that says %s fails', async (_what, route) => {
    await expect(serve(route).introspect('t')).rejects.toEqual(coded('ERR_POSTERN_OAUTH_RESPONSE_INVALID'));
  });

  test.each<[string, number, unknown, string]>([
    ['a 401', 401, {}, 'ERR_POSTERN_OAUTH_CLIENT_REJECTED'],
    ['a 401 that blames the token', 401, { error: 'invalid_token' }, 'ERR_POSTERN_OAUTH_CLIENT_REJECTED'],
    ['a 403', 403, { error: 'CNRY_error' }, 'ERR_POSTERN_OAUTH_REQUEST_REFUSED'],
    ['a 500 that blames the client', 500, { error: 'invalid_client' }, 'ERR_POSTERN_OAUTH_REQUEST_FAILED'],
    ['a 201 that says active', 201, { active: true, ...claims }, 'ERR_POSTERN_OAUTH_REQUEST_FAILED'],
  ])('answered with %s fails', async (_what, status, body, code) => {
    const { introspect, sent } = serve(Response.json(body, { status }));
    const error: unknown = await introspect('CNRY_token').catch((caught: unknown) => caught);
    expect(error).toEqual(coded(code));
    expect(String(error)).not.toContain('CNRY');
    expect(sent).toHaveLength(1);
  });

  test('answered with a redirect fails, and the token goes nowhere else', async () => {
    const { introspect, sent } = serve(
      new Response('', { status: 307, headers: { location: 'https://evil.example' } }),
    );
    await expect(introspect('t')).rejects.toEqual(coded('ERR_POSTERN_OAUTH_RESPONSE_INVALID'));
    expect(sent).toHaveLength(1);
  });

  test.each(['http://as.example/introspect', 'https://10.0.0.1/introspect', 'ftp://as.example'])(
    'at %s is refused when it is made',
    (wrong) => {
      expect(() => serve({}, { endpoint: wrong })).toThrow(
        expect.objectContaining({ code: 'ERR_POSTERN_OAUTH_URL_FORBIDDEN' }),
      );
    },
  );

  test('without a secret or key fails before anything is sent', async () => {
    const { introspect, sent } = serve({ active: true }, { clientSecret: undefined });
    await expect(introspect('t')).rejects.toEqual(coded('ERR_POSTERN_CONFIG_MISCONFIGURED'));
    expect(sent).toEqual([]);
  });
});
