import { describe, expect, test, vi } from 'vitest';
import { deviceCode } from '../../src/oob/index.ts';
import { walk } from '../heart/walk.ts';
import { openFlowStage, planFor, type FlowStage } from '../support/flow-stage.ts';
import { codeOf as codeOfRefusal } from '../support/flow-visits.ts';
import { codeOf, codeOn, openStage, type Stage } from '../support/stage.ts';

// Issue 9, "Refused for good is not try again", where no browser carries the error. RFC 9126 §2.3, RFC 8628 §3.5.

async function openPushing(): Promise<Stage> {
  const stage = await openStage();
  const { issuer } = stage.as;
  stage.as.on('metadata', () => ({
    body: {
      issuer,
      authorization_endpoint: `${issuer}/authorize`,
      token_endpoint: `${issuer}/token`,
      registration_endpoint: `${issuer}/register`,
      pushed_authorization_request_endpoint: `${issuer}/par`,
      require_pushed_authorization_requests: true,
      code_challenge_methods_supported: ['S256'],
    },
  }));
  return stage;
}

describe('a pushed authorization request', () => {
  test.each(['invalid_target', 'invalid_scope', 'invalid_request', 'an_error_of_its_own'])(
    'that is refused with %s ends the sign-in, for the person and for whoever waits',
    async (error) => {
      const stage = await openPushing();
      const { url } = await stage.linkOf('alice');
      stage.as.on('par', () => ({ status: 400, body: { error, error_description: 'No such resource' } }));
      const browser = await stage.host.openBrowser('alice');
      const page = await walk(browser, url);
      expect([page.status, codeOn(page)]).toEqual([502, 'ERR_POSTERN_OAUTH_REQUEST_REFUSED']);
      expect(page.html).not.toContain('Try again');
      const session = (await stage.manager.getClient('alice')).session('calendar');
      await vi.waitFor(() => expect(session.error?.code).toBe('ERR_POSTERN_OAUTH_REQUEST_REFUSED'));
      expect(stage.logger.lines.join('\n')).toContain('No such resource');
      expect((await stage.linkOf('alice')).url).not.toBe(url);
    },
  );

  test.each([
    ['temporarily_unavailable', 400],
    ['invalid_scope', 503],
  ] as const)('that is answered with %s and status %i leaves the link open', async (error, status) => {
    const stage = await openPushing();
    const { url } = await stage.linkOf('alice');
    stage.as.on('par', () => ({ status, body: { error } }));
    const browser = await stage.host.openBrowser('alice');
    expect((await walk(browser, url)).html).toContain('Try again');
    stage.as.on('par', undefined);
    expect((await walk(browser, url)).status).toBe(200);
  });
});

function deviceFlow(stage: FlowStage) {
  const flow = deviceCode({
    http: stage.http,
    authorize: () => planFor(stage.as, 'http://127.0.0.1/callback'),
  });
  return stage.oob.flow('device', flow);
}

describe('device authorization', () => {
  test.each(['invalid_scope', 'invalid_target', 'an_error_of_its_own'])(
    'that is refused with %s is told to the caller at once, and its reason to the log',
    async (error) => {
      const stage = await openFlowStage();
      stage.as.on('device', () => ({ status: 400, body: { error, error_description: 'Scope not offered' } }));
      const flow = deviceFlow(stage);
      const principal = await stage.principal('alice');
      const request = { resource: 'calendar.example', flow };
      const code = codeOfRefusal(stage.oob.credentials.acquire(principal, request, { waitMs: 600_000 }));
      expect(await code).toBe('ERR_POSTERN_OAUTH_REQUEST_REFUSED');
      expect(stage.logger.lines.join('\n')).toContain('Scope not offered');
    },
  );

  test.each(['invalid_target', 'an_error_of_its_own'])(
    'whose poll is refused with %s ends, for whoever waits and for the person',
    async (error) => {
      const stage = await openFlowStage();
      stage.as.on('device', () => ({
        body: {
          device_code: 'device-1',
          user_code: 'WDJB-MJHT',
          verification_uri: `${stage.as.issuer}/enter`,
          expires_in: 900,
          interval: 0.01,
        },
      }));
      stage.as.on('token', () => ({
        status: 400,
        body: { error, error_description: 'Not for this resource' },
      }));
      const flow = deviceFlow(stage);
      const { url } = await stage.linkOf('alice', flow);
      const principal = await stage.principal('alice');
      const request = { resource: 'calendar.example', flow };
      const code = codeOfRefusal(stage.oob.credentials.acquire(principal, request, { waitMs: 600_000 }));
      expect(await code).toBe('ERR_POSTERN_OAUTH_REQUEST_REFUSED');
      const page = await (await stage.host.openBrowser('alice')).open(url);
      expect(page.html).toContain('This cannot be finished');
      expect(stage.logger.lines.join('\n')).toContain('Not for this resource');
    },
  );
});

test('a registration that is refused says why in the operator’s log, and nowhere else', async () => {
  const stage = await openStage();
  stage.as.on('register', () => ({
    status: 403,
    body: { error: 'access_denied', error_description: 'Trusted Hosts policy rejected the request' },
  }));
  const client = await stage.manager.getClient('alice');
  expect(await codeOf(client.callTool('whoami'))).toBe('ERR_POSTERN_OAUTH_REGISTRATION_REJECTED');
  expect(stage.logger.lines.join('\n')).toContain('Trusted Hosts policy rejected the request');
  expect(JSON.stringify(client.session('calendar').error)).not.toContain('Trusted');
});
