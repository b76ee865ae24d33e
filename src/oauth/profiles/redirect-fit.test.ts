import { describe, expect, test } from 'vitest';
import type { IssuerProfile } from './issuer-profile.ts';
import { checkRedirectUri } from './redirect-fit.ts';

const issuer = 'https://login.example';

function fits(
  redirectUri: string,
  profile: IssuerProfile | undefined,
  registered?: readonly string[],
): boolean {
  try {
    checkRedirectUri(redirectUri, issuer, profile, registered);
    return true;
  } catch (error) {
    expect(error).toMatchObject({ code: 'ERR_POSTERN_CONFIG_MISCONFIGURED' });
    return false;
  }
}

const web = 'https://bot.example/callback';
const ip = 'http://127.0.0.1:4000/callback';
const name = 'http://localhost:4000/callback';
const app = 'com.example.app:/callback';

describe('a redirect URI', () => {
  test.each<[rules: string[], fitting: string[]]>([
    [['https'], [web]],
    [['loopback'], [ip, name]],
    [['localhost'], [name]],
    [
      ['https', 'localhost'],
      [web, name],
    ],
    [['http://127.0.0.1/callback'], [ip]],
    [['http://localhost/callback'], []],
    [[name], [name]],
    [[app], [app]],
    [[], []],
  ])('fits an issuer that takes %j: %j', (redirectUris, fitting) => {
    const found = [web, ip, name, app].filter((uri) => fits(uri, { redirectUris }));
    expect(found).toEqual(fitting);
  });

  test.each<[port: IssuerProfile['loopbackPort'], fitting: string[]]>([
    [undefined, [ip]],
    ['any', [ip, name]],
    ['exact', []],
  ])(
    'of a client that was registered with another port fits where ports are %s: %j',
    (loopbackPort, fitting) => {
      const registered = ['http://127.0.0.1:1/callback', 'http://localhost:1/callback'];
      expect([ip, name].filter((uri) => fits(uri, { loopbackPort }, registered))).toEqual(fitting);
    },
  );

  test('on the web fits only as it was registered', () => {
    const profile: IssuerProfile = { loopbackPort: 'any' };
    expect(fits(web, profile, [web])).toBe(true);
    expect(fits(web, profile, ['https://bot.example:8443/callback', 'https://bot.example/other'])).toBe(
      false,
    );
  });

  test('fits anywhere, as far as nothing is known', () => {
    expect([web, ip, name, app].filter((uri) => fits(uri, undefined))).toEqual([web, ip, name, app]);
  });

  test('that does not fit is named, with what would, and the provider’s own hint', () => {
    expect(() =>
      checkRedirectUri(ip, issuer, { redirectUris: ['https'], hints: { redirectUri: 'Use https.' } }),
    ).toThrow(
      expect.objectContaining({
        message: expect.stringMatching(
          /"http:\/\/127\.0\.0\.1:4000\/callback".*accepts only https/u,
        ) as unknown,
        hint: 'Use https.',
      }),
    );
  });
});
