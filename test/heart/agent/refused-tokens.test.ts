import { SignJWT } from 'jose';
import { describe, expect, test } from 'vitest';
import { codeOf, codeOn, openStage, textOf, type Stage } from '../../support/stage.ts';
import { walk } from '../walk.ts';

/** What may be wrong with tokens that an authorization server has given out. */
const faults: Readonly<Record<string, Record<string, unknown>>> = {
  'are bound to a key, unasked': { token_type: 'DPoP' },
  'are of a sort that nobody knows': { token_type: 'mac' },
  'come with an identity that cannot be read, which was asked for': { id_token: 'not-a-token' },
};

/** Has the server's own answers changed. */
function spoil(stage: Stage, kind: 'token' | 'refresh', more: () => Promise<Record<string, unknown>>): void {
  stage.as.on(kind, async (_call, standard) => {
    const reply = await standard();
    if (!('body' in reply)) throw new Error('the server does not answer');
    return { ...reply, body: { ...(reply.body as object), ...(await more()) } };
  });
}

function openIdStage(): Promise<Stage> {
  return openStage({
    servers: ({ url }) => ({
      calendar: {
        url,
        auth: { type: 'oauth' as const, scopes: ['openid', 'calendar:read', 'calendar:write'] },
      },
    }),
  });
}

/** Whether each grant that was given out has been revoked. */
const revoked = ({ as }: Stage): boolean[] => as.tokens.families.map((family) => family.revoked);

describe('tokens that are refused when they come', () => {
  for (const [what, fault] of Object.entries(faults)) {
    test(`since they ${what}, are revoked where they came from (issue 8.13)`, async () => {
      const stage = await openIdStage();
      const { url } = await stage.linkOf('alice');
      spoil(stage, 'token', async () => fault);
      const page = await walk(await stage.host.openBrowser('alice'), url);
      expect([codeOn(page), revoked(stage)]).toEqual(['ERR_POSTERN_OAUTH_RESPONSE_INVALID', [true]]);
    });
  }

  test('since they are another person’s, in answer to a refresh, are revoked where they came from (issue 8.13)', async () => {
    const stage = await openIdStage();
    await stage.signIn('alice');
    const client = await stage.manager.getClient('alice');
    expect(textOf(await client.callTool('whoami'))).toBe('alice');
    stage.as.tokens.expireAccessTokens();
    const { issuer } = stage.as;
    spoil(stage, 'refresh', async () => {
      const clientId = stage.as.tokens.families[0]?.clientId ?? '';
      const token = new SignJWT({}).setProtectedHeader({ alg: 'HS256' }).setSubject('mallory');
      const claims = token.setIssuer(issuer).setAudience(clientId).setIssuedAt().setExpirationTime('5m');
      return { id_token: await claims.sign(new TextEncoder().encode('x'.repeat(32))) };
    });
    expect(await codeOf(client.callTool('whoami'))).toBe('ERR_POSTERN_OAUTH_RESPONSE_INVALID');
    expect(revoked(stage)).toEqual([true]);
  });
});
