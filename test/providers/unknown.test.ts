import { describe, expect, test } from 'vitest';
import { findPosternError } from '../../src/core/postern-error.ts';
import type { Reply } from '../support/programmable-reply.ts';
import { failureOf } from '../support/stage.ts';
import { sendBack, type FakeProvider } from './fake-provider.ts';
import { openProviderStage, type ProviderStage } from './provider-stage.ts';

const nobody: FakeProvider = {
  name: 'nobody has heard of it',
  source: '',
  mcp: 'https://mcp.example/mcp',
  issuer: 'https://login.example',
};

/** Errors of a refresh that no standard has a meaning for, or that mean something else than that the grant is dead. */
const unknownErrors: Readonly<Record<string, Reply>> = {
  'a 400 with an error of its own': { status: 400, body: { error: 'CNRY_gone', error_description: 'CNRY' } },
  'a 400 with no error': { status: 400, body: { message: 'CNRY' } },
  'a 400 with an error that is a number': { status: 400, body: { error: 17, error_description: 'CNRY' } },
  'a 400 with an error that is an object': {
    status: 400,
    body: { error: { code: 'invalid_grant', hint: 'CNRY' } },
  },
  'a 400 that says invalid_grant in words': { status: 400, body: 'CNRY invalid_grant' },
  'a 401 with an empty body': { status: 401 },
  'a 403 with a page': { status: 403, headers: { 'content-type': 'text/html' }, body: '<h1>CNRY</h1>' },
  'a 404': { status: 404, body: { error: 'CNRY_not_found' } },
  'a 409 under the name another provider has for a dead grant': {
    status: 409,
    body: { error: 'bad_refresh_token', error_code: 'refresh_token_not_found' },
  },
  'a 418': { status: 418, body: 'CNRY' },
  'a 200 with an error of its own': { body: { error: 'CNRY_gone' } },
  'a 200 that says `ok: false`': { body: { ok: false, reason: 'CNRY' } },
  'a 200 with nothing': { body: {} },
  'a 200 with the token under another name': { body: { token: 'CNRY', token_type: 'Bearer' } },
  'a 200 with the token a level deeper': { body: { data: { access_token: 'CNRY', token_type: 'Bearer' } } },
  'a 200 with the person’s token where Slack has it': {
    body: { authed_user: { access_token: 'CNRY', token_type: 'user' } },
  },
  'a 200 with a token of a type of its own': { body: { access_token: 'CNRY', token_type: 'magic' } },
  'a 200 with a list': { body: ['CNRY'] },
  'a 503 that says invalid_grant': { status: 503, body: { error: 'invalid_grant' } },
};

async function openSignedIn(): Promise<ProviderStage> {
  const stage = await openProviderStage(nobody);
  expect((await stage.walk()).status).toBe(200);
  expect(await stage.call()).toBe('user-1');
  return stage;
}

/** All that anybody but the operator, in the log, is told of a failure. */
function saidBy(error: unknown): string {
  const found = findPosternError(error);
  const causes: string[] = [];
  for (let at: unknown = error; at instanceof Error; at = at.cause)
    causes.push(String(at), JSON.stringify(at));
  return [String(found), JSON.stringify(found), ...causes].join('\n');
}

describe('a provider nobody has heard of, that answers a refresh with', () => {
  test.each(Object.keys(unknownErrors))(
    '%s, has not ended the grant, and nothing of it is stored or repeated',
    async (kind) => {
      const stage = await openSignedIn();
      stage.as.on('refresh', () => unknownErrors[kind]);
      stage.as.tokens.expireAccessTokens();
      expect(saidBy(await failureOf(stage.call()))).not.toMatch(/CNRY|magic|bad_refresh/u);
      stage.as.on('refresh', undefined);
      stage.time.advance(10 * 60_000);
      expect(await stage.call()).toBe('user-1');
      expect(stage.as.count('authorize')).toBe(1);
    },
  );
});

/** Replies to the code that carry no token as the standard has it. */
const unusable = Object.keys(unknownErrors).filter((kind) => kind.startsWith('a 200'));

describe('one that answers the code with', () => {
  test.each(unusable)('%s, has not signed anybody in, and its words are on no page', async (kind) => {
    const stage = await openProviderStage(nobody);
    stage.as.on('token', () => unknownErrors[kind]);
    const page = await stage.walk();
    expect(page.status).toBeGreaterThanOrEqual(400);
    expect(page.html).not.toMatch(/CNRY|magic/u);
    stage.as.on('token', undefined);
    // Nobody is taken for signed in: whoever calls is asked.
    expect((await stage.link()).url).toContain('/connect/');
  });
});

describe('one that sends a person back with', () => {
  test.each([
    ['an error of its own', 'CNRY_policy', 'ERR_POSTERN_OAUTH_REQUEST_REFUSED'],
    ['an error that is markup', '<img src=CNRY>', 'ERR_POSTERN_OAUTH_REQUEST_REFUSED'],
    [
      'what means a dead client elsewhere',
      'incorrect_client_credentials',
      'ERR_POSTERN_OAUTH_REQUEST_REFUSED',
    ],
  ])('%s, ends the sign-in without repeating it', async (_what, error, code) => {
    const stage = await openProviderStage({
      ...nobody,
      server: { metadata: { authorization_response_iss_parameter_supported: undefined } },
    });
    stage.as.on('authorize', (call) => sendBack(call, error, 'CNRY <b>words</b>'));
    const { html } = await stage.walk();
    expect(html).toContain(code);
    expect(html).not.toMatch(/CNRY|incorrect_client|words/u);
  });
});
