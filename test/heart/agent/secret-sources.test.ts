import { generateKeyPairSync } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { decodeProtectedHeader } from 'jose';
import { describe, expect, onTestFinished, test } from 'vitest';
import type { AuthConfig, Client } from '../../../src/client/index.ts';
import { codeOf, failureOf, openStage, textOf, type Stage } from '../../support/stage.ts';

// A configuration that says where its secrets are, and holds none, can be kept anywhere: all of them are read as JSON here.

function place(name: string, text: string): string {
  const folder = mkdtempSync(join(tmpdir(), 'postern-secrets-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const path = join(folder, name);
  writeFileSync(path, text, { mode: 0o600 });
  return path;
}

async function open(auth: object): Promise<[Stage, Client]> {
  const written = JSON.parse(JSON.stringify(auth)) as AuthConfig;
  const stage = await openStage({ servers: ({ url }) => ({ calendar: { url, auth: written } }) });
  return [stage, await stage.manager.getClient('bot')];
}

async function whoami(client: Client): Promise<string> {
  return client.callTool('whoami').then(textOf, (error: unknown) => codeOf(Promise.reject(error)));
}

function secretsSent({ as }: Stage): (string | null)[] {
  return as.calls
    .filter(({ kind }) => kind === 'token')
    .map(({ form, headers }) => {
      const [, basic] = /^Basic (.*)$/u.exec(headers['authorization'] ?? '') ?? [];
      return basic === undefined ? form.get('client_assertion') : (atob(basic).split(':')[1] ?? null);
    });
}

describe('the secret of a machine’s client', () => {
  test('is read from a file, and anew for each grant: a platform replaces it', async () => {
    const file = place('secret', 'CNRYzsecretz-first\n');
    const [stage, client] = await open({
      type: 'client_credentials',
      client: { clientId: 'bot', clientSecret: { file } },
    });
    expect(await whoami(client)).toBe('machine');
    writeFileSync(file, 'CNRYzsecretz-second\n');
    stage.as.tokens.expireAccessTokens();
    expect(await whoami(client)).toBe('machine');
    expect(secretsSent(stage)).toEqual(['CNRYzsecretz-first', 'CNRYzsecretz-second']);
  });

  test('is read from a variable of the environment', async () => {
    process.env['POSTERN_TEST_SECRET'] = 'CNRYzsecretz-variable';
    onTestFinished(() => void delete process.env['POSTERN_TEST_SECRET']);
    const [stage, client] = await open({
      type: 'client_credentials',
      client: { clientId: 'bot', clientSecret: { env: 'POSTERN_TEST_SECRET' } },
    });
    expect([await whoami(client), secretsSent(stage)]).toEqual(['machine', ['CNRYzsecretz-variable']]);
  });

  test.each([
    ['a variable that is not set', { env: 'POSTERN_TEST_NOTHING' }],
    ['a file that is not there', { file: join(tmpdir(), 'postern-nothing-here') }],
  ])('in %s is the operator’s mistake, and nothing is sent', async (_what, clientSecret) => {
    const [stage, client] = await open({
      type: 'client_credentials',
      client: { clientId: 'bot', clientSecret },
    });
    const error = await failureOf(client.callTool('whoami'));
    expect(error).toMatchObject({ code: 'ERR_POSTERN_CONFIG_MISCONFIGURED' });
    expect((error as { hint?: string }).hint).toContain('variable or the file');
    expect(stage.as.count('token')).toBe(0);
  });

  test('can be a key in PEM: it signs an assertion, and is not sent', async () => {
    const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const file = place('key.pem', privateKey.export({ type: 'pkcs8', format: 'pem' }) as string);
    const [stage, client] = await open({
      type: 'client_credentials',
      client: { clientId: 'bot', privateKey: { file } },
    });
    expect(await whoami(client)).toBe('machine');
    const [assertion] = secretsSent(stage);
    expect(decodeProtectedHeader(assertion ?? '')).toMatchObject({ alg: 'ES256' });
  });

  test('that is neither PEM nor JSON is quoted nowhere', async () => {
    const file = place('key.pem', 'CNRYzsecretz {');
    const [, client] = await open({
      type: 'client_credentials',
      client: { clientId: 'bot', privateKey: { file } },
    });
    expect(await whoami(client)).toBe('ERR_POSTERN_CONFIG_MISCONFIGURED');
  });
});

describe('a workload', () => {
  test('proves itself as a client by the JWT of its platform, read anew for each request', async () => {
    const file = place('token', 'CNRYzsecretz.one.x');
    const [stage, client] = await open({
      type: 'client_credentials',
      client: { clientId: 'bot', assertion: { file } },
    });
    expect(await whoami(client)).toBe('machine');
    writeFileSync(file, 'CNRYzsecretz.two.x');
    stage.as.tokens.expireAccessTokens();
    expect(await whoami(client)).toBe('machine');
    expect(secretsSent(stage)).toEqual(['CNRYzsecretz.one.x', 'CNRYzsecretz.two.x']);
  });

  test('presents that JWT as its grant', async () => {
    const file = place('token', 'CNRYzsecretz.grant.x');
    const [stage, client] = await open({
      type: 'jwt_bearer',
      client: { clientId: 'bot', clientSecret: 'CNRYzsecretz-secret' },
      assertion: { file },
    });
    expect(await whoami(client)).toBe('machine');
    const [call] = stage.as.calls.filter(({ kind }) => kind === 'token');
    expect(call?.form.get('assertion')).toBe('CNRYzsecretz.grant.x');
  });
});

test('a client that people sign in with has its secret read when it is needed', async () => {
  const file = place('secret', 'CNRYzsecretz-of-app');
  const [stage] = await open({
    type: 'oauth',
    client: { clientId: 'app', clientSecret: { file }, tokenEndpointAuthMethod: 'client_secret_basic' },
  });
  const client = await stage.manager.getClient('alice');
  await whoami(client);
  await stage.signIn('alice');
  expect([await whoami(client), secretsSent(stage)]).toEqual(['alice', ['CNRYzsecretz-of-app']]);
});
