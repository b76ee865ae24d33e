import { describe, expect, test } from 'vitest';
import { openStage, type Stage } from '../support/stage.ts';
import { consent, openFlowStage, redirectFlow } from '../support/flow-stage.ts';
import type { Call } from '../support/programmable-authorization.ts';
import type { Reply } from '../support/programmable-reply.ts';

// Issue 9: `logout()` says `revoked` only of what the issuer confirmed. oidc-provider answers `unsupported_token_type` for
// an access token that is a JWT, which goes on until it expires. RFC 7009 §2.2.

async function logoutWith(
  answer: (kind: string, call: Call) => Reply | undefined,
): Promise<{ stage: Stage; result: unknown }> {
  const stage = await openStage();
  await stage.signIn('alice');
  stage.as.on('revoke', (call) => answer(call.form.get('token_type_hint') ?? '', call));
  const { calendar: result } = await (await stage.manager.getClient('alice')).logout();
  return { stage, result };
}

const refusal = (error: string, status = 400): Reply => ({ status, body: { error } });

describe('a logout', () => {
  test('is confirmed by a 200 for each token, and by nothing less', async () => {
    const { result, stage } = await logoutWith(() => undefined);
    expect(result).toEqual({ revoked: true });
    expect(stage.as.count('revoke')).toBe(2);
  });

  test('says that the refresh token is dead and the access token is not, where the issuer ends no such token', async () => {
    const { result } = await logoutWith((kind) =>
      kind === 'access_token' ? refusal('unsupported_token_type') : undefined,
    );
    expect(result).toEqual({
      revoked: false,
      tokens: { refreshToken: 'confirmed', accessToken: 'unsupported' },
      reason: expect.stringMatching(/refresh token is dead.*access token is good until it expires/u),
    });
  });

  test('says which token the issuer refused to end, and tries to end the other', async () => {
    const { result, stage } = await logoutWith((kind) =>
      kind === 'refresh_token' ? refusal('invalid_request') : undefined,
    );
    expect(result).toMatchObject({
      revoked: false,
      tokens: { refreshToken: 'refused', accessToken: 'confirmed' },
    });
    expect(stage.as.count('revoke')).toBe(2);
  });

  test('is not said to be done where the issuer ends no token at all', async () => {
    const { result } = await logoutWith(() => refusal('unsupported_token_type'));
    expect(result).toMatchObject({ revoked: false, reason: expect.stringContaining('no way to end it') });
  });

  test.each([
    ['busy', { status: 503 }],
    ['no answer', { cut: 'now' }],
    ['a client it does not know', refusal('invalid_client', 401)],
  ] satisfies [string, Reply][])('is not said to be done when the answer is %s', async (_, reply) => {
    const { result } = await logoutWith(() => reply);
    expect(result).toEqual({ revoked: false, reason: expect.stringContaining('did not confirm') });
  });

  test('that a later sweep finishes is not said to be whole, where a token lives on', async () => {
    const { stage } = await logoutWith(() => ({ status: 503 }));
    stage.as.on('revoke', ({ form }) =>
      form.get('token_type_hint') === 'access_token' ? refusal('unsupported_token_type') : undefined,
    );
    stage.time.advance(120_000);
    await stage.coordinator.interactions.finishForgetting();
    const line = stage.logger.lines.find((text) => text.includes('not ended all')) ?? '';
    expect(line).toContain('"refreshToken":"confirmed"');
    expect(line).toContain('"accessToken":"unsupported"');
    // It has been asked, and is not asked again.
    const asked = stage.as.count('revoke');
    await stage.coordinator.interactions.finishForgetting();
    expect(stage.as.count('revoke')).toBe(asked);
  });
});

test('a server that forgets a credential learns what became of each token', async () => {
  const stage = await openFlowStage();
  const flow = redirectFlow(stage);
  await consent(await stage.host.openBrowser('alice'), (await stage.linkOf('alice', flow)).url);
  stage.as.on('revoke', ({ form }) =>
    form.get('token_type_hint') === 'access_token' ? refusal('unsupported_token_type') : undefined,
  );
  const forgotten = await stage.oob.credentials.forget(await stage.principal('alice'), 'calendar.example');
  expect(forgotten).toEqual({
    revocation: 'unsupported',
    parts: { refreshToken: 'confirmed', accessToken: 'unsupported' },
  });
});
