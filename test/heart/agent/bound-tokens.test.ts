import { calculateJwkThumbprint, EmbeddedJWK, jwtVerify, type JWK } from 'jose';
import { describe, expect, onTestFinished, test } from 'vitest';
import type { AuthConfig } from '../../../src/client/index.ts';
import { hashId } from '../../../src/core/random.ts';
import { answerMcp } from '../../support/minimal-mcp.ts';
import type { Call } from '../../support/programmable-authorization.ts';
import {
  startProgrammableAuthorizationServer,
  type ProgrammableAuthorizationServer,
} from '../../support/programmable-authorization-server.ts';
import { deviceGrant, ProgrammableDevices, withDeviceCodes } from '../../support/programmable-devices.ts';
import type { Reply } from '../../support/programmable-reply.ts';
import { openStage, textOf, type Stage } from '../../support/stage.ts';
import { openPage, paste } from '../set-ups/callback-answer.ts';
import { walk, walkToCallback } from '../walk.ts';

// RFC 9449 §8, §9 and §10.1, RFC 9126: every way in, at a server that takes bound tokens only, and wants a nonce everywhere.

interface BoundStage extends Stage {
  readonly devices: ProgrammableDevices;
  /** The keys that proofs were signed with, by their thumbprints, and where. */
  readonly proved: readonly { readonly kind: string; readonly jkt: string }[];
  /** How often each place wanted its nonce first. */
  readonly nonces: ReadonlyMap<string, number>;
}

/** Answers in the place of a server when a proof is missing, is not right, or has not the nonce that is wanted. */
async function refuse(
  call: Call,
  { proved, nonces }: { proved: { kind: string; jkt: string }[]; nonces: Map<string, number> },
  accessToken?: string,
): Promise<Reply | undefined> {
  const { dpop } = call.headers;
  const isAtResource = accessToken !== undefined;
  const error = (code: string): Reply => ({
    status: isAtResource ? 401 : 400,
    headers: {
      'dpop-nonce': `nonce-of-${call.kind}`,
      ...(isAtResource && { 'www-authenticate': `DPoP error="${code}"` }),
    },
    body: { error: code },
  });
  if (typeof dpop !== 'string') return error('invalid_dpop_proof');
  const { payload, protectedHeader } = await jwtVerify(dpop, EmbeddedJWK, { typ: 'dpop+jwt' });
  const isRight =
    payload['htm'] === call.method &&
    payload['htu'] === call.url.origin + call.url.pathname &&
    payload['ath'] === (isAtResource ? await hashId(accessToken) : undefined);
  if (!isRight) return error('invalid_dpop_proof');
  if (payload['nonce'] !== `nonce-of-${call.kind}`) {
    nonces.set(call.kind, (nonces.get(call.kind) ?? 0) + 1);
    return error('use_dpop_nonce');
  }
  proved.push({ kind: call.kind, jkt: await calculateJwkThumbprint(protectedHeader.jwk as JWK) });
  return undefined;
}

async function openBound(auth: AuthConfig, metadata: Record<string, unknown> = {}): Promise<BoundStage> {
  const stage = await openStage({
    as: {
      metadata: { ...withDeviceCodes, ...metadata },
      resourceMetadata: { dpop_bound_access_tokens_required: true },
      serve: (call, { subject }) =>
        answerMcp(call, { name: 'calendar', tools: [{ name: 'whoami' }], call: () => subject }),
    },
    servers: (_calendar, as) => ({ calendar: { url: as.resource, auth } }),
  });
  const seen = { proved: [] as { kind: string; jkt: string }[], nonces: new Map<string, number>() };
  const { as } = stage;
  const devices = new ProgrammableDevices(as);
  as.on('par', (call) => refuse(call, seen));
  as.on('token', async (call) => {
    const refusal = await refuse(call, seen);
    if (refusal !== undefined) return refusal;
    return call.form.get('grant_type') === deviceGrant ? devices.answer(call) : undefined;
  });
  as.on('resource', async (call) => {
    const [scheme, token] = call.headers.authorization?.split(' ') ?? [];
    // A bound token that is sent as a bearer's is nobody's.
    if (scheme === 'Bearer') return { status: 400 };
    return scheme === 'DPoP' ? refuse(call, seen, token) : undefined;
  });
  return { ...stage, ...seen, devices };
}

async function whoami({ manager }: Stage, user: string): Promise<string> {
  const client = await manager.getClient(user);
  return client.callTool('whoami').then(textOf, (error: Error) => error.message);
}

const pushed = (as: Pick<ProgrammableAuthorizationServer, 'issuer'>): Record<string, unknown> => ({
  pushed_authorization_request_endpoint: `${as.issuer}/par`,
  require_pushed_authorization_requests: true,
});

/** Has a server whose address is known only by now push. */
function push(stage: BoundStage): void {
  stage.as.on('metadata', async (_call, standard) => {
    const reply = await standard();
    if (!('body' in reply) || reply.body === undefined) return reply;
    return { ...reply, body: { ...(reply.body as object), ...pushed(stage.as) } };
  });
}

const bot = { clientId: 'bot', clientSecret: 'CNRYzsecretz-bot' };

describe('a server that takes bound tokens only, and wants a nonce in each proof', () => {
  const people: readonly {
    readonly way: string;
    readonly isPushed: boolean;
    readonly signIn: (stage: BoundStage, link: string) => Promise<unknown>;
  }[] = [
    {
      way: 'a redirect',
      isPushed: false,
      signIn: async ({ host }, link) => walk(await host.openBrowser('alice'), link),
    },
    {
      way: 'a redirect whose request was pushed',
      isPushed: true,
      signIn: async ({ host }, link) => walk(await host.openBrowser('alice'), link),
    },
    {
      way: 'a pasted address',
      isPushed: true,
      signIn: async ({ host }, link) => {
        const browser = await host.openBrowser('alice');
        return paste(browser, link, (await walkToCallback(browser, link)).href);
      },
    },
    {
      way: 'a code on another device',
      isPushed: true,
      signIn: async ({ host, devices }, link) => {
        const browser = await host.openBrowser('alice');
        await openPage(browser, link);
        await browser.submit({ 'form-action': 'code' });
        devices.approve('alice');
      },
    },
    {
      way: 'an address that is carried by hand',
      isPushed: true,
      signIn: async ({ as, coordinator, manager }) => {
        const [challenge] = await (await manager.getClient('alice')).getAuthChallenges();
        const url = await coordinator.authorizationUrl(challenge!, { person: 'alice' });
        await coordinator.complete((await as.approve(url)).href, { person: 'alice' });
      },
    },
  ];
  for (const { way, isPushed, signIn } of people) {
    test(`is signed in to by ${way}, with one key`, async () => {
      const stage = await openBound({ type: 'oauth' });
      if (isPushed) push(stage);
      stage.as.approveAs('alice');
      const { url } = await stage.linkOf('alice');
      await signIn(stage, url);
      await expect.poll(() => whoami(stage, 'alice'), { timeout: 10_000 }).toBe('alice');
      // Whoever is sent out on the way leaves a key of that attempt behind; what was redeemed is what is used.
      const at = (kind: string): string[] =>
        stage.proved.filter((proof) => proof.kind === kind).map(({ jkt }) => jkt);
      expect(new Set(at('resource')).size).toBe(1);
      expect(at('token')).toContain(at('resource')[0]);
      if (isPushed && stage.as.count('par') > 0)
        expect(stage.nonces.get('par')).toBe(stage.as.count('par') / 2);
      expect(stage.as.tokens.families.map(({ jkt }) => jkt)).toEqual([at('resource')[0]]);
    });
  }

  const machines: readonly [string, (idp: ProgrammableAuthorizationServer) => AuthConfig][] = [
    ['client credentials', () => ({ type: 'client_credentials', client: bot })],
    [
      'client credentials of a workload',
      () => ({
        type: 'client_credentials',
        client: { clientId: 'bot', assertion: () => 'CNRYzsecretz.a.b' },
      }),
    ],
    [
      'a workload’s assertion',
      () => ({ type: 'jwt_bearer', client: bot, assertion: () => 'CNRYzsecretz.c.d' }),
    ],
    [
      'what an employer says',
      ({ issuer }) => ({
        type: 'enterprise_managed',
        client: bot,
        identityProvider: {
          issuer,
          clientId: 'at-the-employer',
          clientSecret: 'CNRYzsecretz-idp',
          subjectToken: () => 'CNRYzsecretz.id.token',
        },
      }),
    ],
  ];
  for (const [way, authOf] of machines) {
    test(`is signed in to by ${way}, with one key`, async () => {
      const idp = await openEmployer();
      const stage = await openBound(authOf(idp));
      expect(await whoami(stage, 'bot')).toBe('machine');
      expect(stage.nonces.get('token')).toBe(1);
      expect([new Set(stage.proved.map(({ jkt }) => jkt)).size, stage.nonces.get('resource')]).toEqual([
        1, 1,
      ]);
      expect(stage.as.tokens.families.map(({ jkt }) => jkt)).toEqual([stage.proved[0]?.jkt]);
    });
  }
});

const idJag = 'urn:ietf:params:oauth:token-type:id-jag';

/** An identity provider that exchanges an employee's token for what it says of them to others. */
async function openEmployer(): Promise<ProgrammableAuthorizationServer> {
  const idp = await startProgrammableAuthorizationServer();
  onTestFinished(() => idp.close());
  idp.on('token', ({ form }) => ({
    body: {
      access_token: `CNRYzsecretz.jag-for-${form.get('subject_token')}`,
      issued_token_type: form.get('requested_token_type') ?? idJag,
      token_type: 'N_A',
      expires_in: 300,
    },
  }));
  return idp;
}

describe('what an employer says of its user', () => {
  async function openEnterprise(
    more: Partial<Extract<AuthConfig, { type: 'enterprise_managed' }>['identityProvider']> = {},
  ): Promise<{ stage: Stage; idp: ProgrammableAuthorizationServer }> {
    const idp = await openEmployer();
    const stage = await openStage({
      servers: ({ url }) => ({
        calendar: {
          url,
          auth: {
            type: 'enterprise_managed',
            client: bot,
            identityProvider: {
              issuer: idp.issuer,
              clientId: 'at-the-employer',
              clientSecret: 'CNRYzsecretz-idp',
              subjectToken: () => 'CNRYzsecretz.id.token',
              ...more,
            },
          },
        },
      }),
    });
    return { stage, idp };
  }

  test('is had from the provider’s own metadata, for this server’s issuer and resource, and is the grant there', async () => {
    const { stage, idp } = await openEnterprise();
    expect(await whoami(stage, 'bot')).toBe('machine');
    const [exchange] = idp.calls.filter(({ kind }) => kind === 'token');
    expect(Object.fromEntries(exchange?.form ?? [])).toMatchObject({
      grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange',
      requested_token_type: idJag,
      subject_token: 'CNRYzsecretz.id.token',
      subject_token_type: 'urn:ietf:params:oauth:token-type:id_token',
      audience: stage.as.issuer,
      resource: stage.calendar.url,
    });
    const [grant] = stage.as.calls.filter(({ kind }) => kind === 'token');
    expect(Object.fromEntries(grant?.form ?? [])).toMatchObject({
      grant_type: 'urn:ietf:params:oauth:grant-type:jwt-bearer',
      assertion: 'CNRYzsecretz.jag-for-CNRYzsecretz.id.token',
    });
  });

  test('asks nobody where it is when the operator has written that down', async () => {
    const idp = await openEmployer();
    const { stage } = await openEnterprise({
      issuer: idp.issuer,
      tokenEndpoint: `${idp.issuer}/token`,
      subjectTokenType: 'urn:ietf:params:oauth:token-type:saml2',
    });
    expect([await whoami(stage, 'bot'), idp.count('metadata')]).toEqual(['machine', 0]);
    const [exchange] = idp.calls.filter(({ kind }) => kind === 'token');
    expect(exchange?.form.get('subject_token_type')).toBe('urn:ietf:params:oauth:token-type:saml2');
  });

  test('is asked for anew with the token as it is by then, for each grant', async () => {
    const tokens = ['CNRYzsecretz.first.t', 'CNRYzsecretz.second.t'];
    const { stage, idp } = await openEnterprise({ subjectToken: () => tokens.shift() ?? 'none' });
    expect(await whoami(stage, 'bot')).toBe('machine');
    stage.as.tokens.revokeAll();
    stage.time.advance(120_000);
    expect(await whoami(stage, 'bot')).toBe('machine');
    const shown = idp.calls
      .filter(({ kind }) => kind === 'token')
      .map(({ form }) => form.get('subject_token'));
    expect(shown).toEqual(['CNRYzsecretz.first.t', 'CNRYzsecretz.second.t']);
  });

  test('that is another sort of token than was asked for goes nowhere', async () => {
    const { stage, idp } = await openEnterprise();
    idp.on('token', () => ({
      body: {
        access_token: 'CNRYzsecretz-access',
        issued_token_type: 'urn:ietf:params:oauth:token-type:access_token',
        token_type: 'Bearer',
      },
    }));
    expect(await whoami(stage, 'bot')).toContain('something other than an ID-JAG');
    expect(stage.as.count('token')).toBe(0);
  });
});
