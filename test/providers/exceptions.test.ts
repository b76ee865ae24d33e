import { describe, expect, onTestFinished, test } from 'vitest';
import {
  ClientManager,
  RemoteAuthCoordinator,
  skipUserVerification,
  type OAuthConfig,
} from '../../src/client/index.ts';
import type { IssuerProfiles } from '../../src/oauth/index.ts';
import { findPosternError } from '../../src/core/postern-error.ts';
import { failureOf, textOf } from '../support/stage.ts';
import { openSurroundings } from '../support/surroundings.ts';
import type { FakeProvider } from './fake-provider.ts';
import { openProviderStage, type ProviderStage } from './provider-stage.ts';

// Field report R7, and rule 7: an escape hatch carries to the end of the flow that it was opened for.

const mcp = 'https://mcp.example/mcp';
const silent = { authorization_response_iss_parameter_supported: undefined };

/** Providers that are refused, and what lets each pass. As JSON, since that is how operators write it. */
const refused: Readonly<
  Record<string, { provider: FakeProvider; code: string; json: string; issuer: string; times: number }>
> = {
  allowPkceUnadvertised: {
    provider: {
      name: 'no PKCE',
      source: '',
      mcp,
      issuer: 'https://login.example',
      server: { metadata: { code_challenge_methods_supported: undefined } },
    },
    code: 'ERR_POSTERN_OAUTH_PKCE_UNSUPPORTED',
    json: '{ "allowPkceUnadvertised": true }',
    issuer: 'https://login.example',
    times: 1,
  },
  allowIssuerMismatch: {
    provider: {
      name: 'another name',
      source: '',
      mcp,
      issuer: 'https://login.example/tenant',
      server: { metadata: { ...silent, issuer: 'https://internal.example' } },
    },
    code: 'ERR_POSTERN_OAUTH_ISSUER_MISMATCH',
    json: '{ "allowIssuerMismatch": ["https://login.example/tenant"] }',
    issuer: 'https://login.example/tenant',
    times: 1,
  },
  allowPrivateNetwork: {
    provider: { name: 'inside', source: '', mcp, issuer: 'https://10.1.2.3/oauth' },
    code: 'ERR_POSTERN_OAUTH_URL_FORBIDDEN',
    json: '{ "allowPrivateNetwork": true }',
    issuer: '10.1.2.3',
    // Once for each of two processes, however many requests they make.
    times: 2,
  },
};

const decisions = ({ logger }: ProviderStage): string[] =>
  logger.lines.filter((line) => line.startsWith('warn a security exception has decided'));

const refusalOf = async (work: Promise<unknown>): Promise<{ code?: string; hint?: string }> => ({
  ...findPosternError(await failureOf(work))?.toJSON(),
});

describe.each(Object.keys(refused))('%s', (option) => {
  const { provider, code, json, issuer, times } = refused[option]!;

  test('is what the refusal without it names', async () => {
    const stage = await openProviderStage(provider);
    expect(await refusalOf(stage.call())).toMatchObject({
      code,
      hint: expect.stringContaining(`"${option}"`) as string,
    });
    expect([stage.as.count('authorize'), decisions(stage)]).toEqual([0, []]);
  });

  test('said in JSON lets a person in, and what it decides is logged with the issuer', async () => {
    const stage = await openProviderStage(provider, { auth: JSON.parse(json) as Partial<OAuthConfig> });
    expect((await stage.walk()).status).toBe(200);
    expect(await stage.call()).toBe('user-1');
    const told = decisions(stage);
    expect(told).toHaveLength(1);
    expect(told[0]).toContain(`"option":"${option}","by":"option"`);
    expect(told[0]).toContain(issuer);
  });

  test('holds for the refreshes and the logout of a process whose operator has not said it', async () => {
    const stage = await openProviderStage(provider, {
      auth: JSON.parse(json) as Partial<OAuthConfig>,
      others: [{ type: 'oauth' }],
    });
    expect((await stage.walk()).status).toBe(200);
    expect(await stage.call()).toBe('user-1');
    const other = await stage.managers[1]!.getClient('alice');
    stage.as.tokens.expireAccessTokens();
    expect(textOf(await other.callTool('whoami'))).toBe('user-1');
    expect(stage.as.count('refresh')).toBe(1);
    expect((await other.logout())['server']?.revoked).toBe(true);
    expect(decisions(stage)).toHaveLength(times);
  });
});

test('an issuer that is allowed another name for one server is not for another server at the same address', async () => {
  const { provider, json } = refused['allowIssuerMismatch']!;
  const stage = await openProviderStage(provider, { auth: JSON.parse(json) as Partial<OAuthConfig> });
  await stage.link();
  const strict = new ClientManager(
    { strict: { url: mcp } },
    { coordinator: stage.managers[0]!.coordinator, fetch: stage.fetch, clock: stage.time.clock },
  );
  const client = await strict.getClient('alice');
  onTestFinished(() => client.disconnect());
  expect(await refusalOf(client.callTool('whoami'))).toMatchObject({
    code: 'ERR_POSTERN_OAUTH_ISSUER_MISMATCH',
  });
});

test('a grant without a person takes the same exceptions and profile, and refreshes by them', async () => {
  const stage = await openProviderStage({
    name: 'machines inside',
    source: '',
    mcp,
    issuer: 'https://10.1.2.3/oauth',
    server: { metadata: { ...silent, issuer: 'https://internal.example' } },
  });
  const auth = {
    type: 'client_credentials',
    client: { clientId: 'machine', clientSecret: 'CNRYzsecretz-secret' },
    profile: { tokenParams: { audience: 'calendar' } },
    allowIssuerMismatch: ['https://10.1.2.3/oauth'],
    allowPrivateNetwork: true,
  } as const;
  const manager = new ClientManager(
    { machine: { url: mcp, auth } },
    { coordinator: stage.managers[0]!.coordinator, fetch: stage.fetch, clock: stage.time.clock },
  );
  const client = await manager.getClient('robot');
  onTestFinished(() => client.disconnect());
  expect(textOf(await client.callTool('whoami'))).toBe('machine');
  const [asked] = stage.as.calls.filter(({ kind }) => kind === 'token');
  expect(asked?.form.get('audience')).toBe('calendar');
  const options = decisions(stage).map((line) => /"option":"(\w+)"/u.exec(line)?.[1]);
  expect(new Set(options)).toEqual(new Set(['allowIssuerMismatch', 'allowPrivateNetwork']));
  expect(options).toHaveLength(2);
  expect(stage.logger.lines.join('\n')).not.toContain('CNRY');
});

test('what a built-in profile lets pass is logged, too', async () => {
  const { fakes } = await import('./fakes.ts');
  const decided = async (name: string): Promise<string[]> => {
    const stage = await openProviderStage(fakes[name]!());
    expect((await stage.walk()).status).toBe(200);
    return decisions(stage).map((line) => /"option":"\w+","by":"\w+"/u.exec(line)?.[0] ?? line);
  };
  expect(await decided('monday.com')).toEqual(['"option":"allowIssuerMismatch","by":"profile"']);
  expect(await decided('Salesforce')).toEqual([
    '"option":"allowIssuerMismatch","by":"profile"',
    '"option":"allowPkceUnadvertised","by":"profile"',
  ]);
});

test('a deployment that asks nobody who is there says so when it is made', async () => {
  const { storage, logger } = await openSurroundings();
  const coordinator = new RemoteAuthCoordinator({
    storage,
    logger,
    publicUrl: 'http://127.0.0.1:1/postern',
    [skipUserVerification]: true,
  });
  await coordinator.close();
  expect(logger.lines.filter((line) => line.includes('"skipUserVerification"'))).toHaveLength(1);
});

describe('profiles of an operator', () => {
  // An Auth0 tenant under a name of its own, which nobody can recognise.
  const custom: FakeProvider = {
    name: 'custom',
    source: 'danny-avila/LibreChat#13401',
    mcp,
    issuer: 'https://acme.login.example',
    replies: {
      authorize: (call) =>
        call.url.searchParams.get('audience') === mcp ? undefined : { status: 400, body: 'no audience' },
    },
  };

  test('are found by host for every server of a program, and JSON is all they need', async () => {
    const profiles = JSON.parse(
      '{ "*.login.example": { "renameParams": { "resource": "audience" } } }',
    ) as IssuerProfiles;
    const stage = await openProviderStage(custom, { coordinator: { profiles } });
    expect((await stage.walk()).status).toBe(200);
    expect(await stage.call()).toBe('user-1');
    stage.as.tokens.expireAccessTokens();
    expect(await stage.call()).toBe('user-1');
    const renamed = stage.as.calls.filter(({ kind }) => kind === 'token' || kind === 'refresh');
    expect(renamed.map(({ form }) => [form.get('audience'), form.has('resource')])).toEqual([
      [mcp, false],
      [mcp, false],
    ]);
  });

  test('that are not right are refused when the coordinator is made, with their place', async () => {
    const { storage } = await openSurroundings();
    const make = (profiles: IssuerProfiles): RemoteAuthCoordinator =>
      new RemoteAuthCoordinator({
        storage,
        publicUrl: 'https://bot.example/postern',
        verifyUser: () => 'a',
        profiles,
      });
    expect(() => make({ 'login.example': { tokenParams: { code_verifier: 'CNRY' } } })).toThrow(
      expect.objectContaining({
        code: 'ERR_POSTERN_CONFIG_MISCONFIGURED',
        message:
          'the profiles are not right: login.example.tokenParams.code_verifier is set by the sign-in itself',
      }),
    );
    expect(() => make({ '*.com': {} })).toThrow('*.com');
  });
});
