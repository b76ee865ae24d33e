import { describe, expect, test } from 'vitest';
import { walk } from '../heart/walk.ts';
import { codeOn } from '../support/stage.ts';
import { faces } from './two-faces.ts';

// Issue 9: better-auth's default resource rule answers `invalid_target`, which left a person pressing "Try again" and the
// caller blocked for ten minutes. RFC 6749 §4.1.2.1, RFC 8707 §2, OpenID Connect Core §3.1.2.6.
const final: Readonly<Record<string, string>> = {
  invalid_target: 'ERR_POSTERN_OAUTH_REQUEST_REFUSED',
  invalid_scope: 'ERR_POSTERN_OAUTH_REQUEST_REFUSED',
  invalid_request: 'ERR_POSTERN_OAUTH_REQUEST_REFUSED',
  invalid_request_object: 'ERR_POSTERN_OAUTH_REQUEST_REFUSED',
  unsupported_response_type: 'ERR_POSTERN_OAUTH_REQUEST_REFUSED',
  login_required: 'ERR_POSTERN_OAUTH_REQUEST_REFUSED',
  unauthorized_client: 'ERR_POSTERN_OAUTH_CLIENT_REJECTED',
  invalid_client: 'ERR_POSTERN_OAUTH_CLIENT_REJECTED',
  an_error_of_its_own: 'ERR_POSTERN_OAUTH_REQUEST_REFUSED',
};
const passing = ['server_error', 'temporarily_unavailable'] as const;

describe.each(Object.keys(faces))('at the callback of the %s’s face', (face) => {
  const open = faces[face]!;

  test.each(Object.keys(final))(
    '%s ends the sign-in at once, for the person and for whoever waits',
    async (error) => {
      const waiting = await open();
      const page = await waiting.refuse({ error });
      expect([page.status, codeOn(page)]).toEqual([502, final[error]]);
      expect(page.html).toContain('This cannot be finished');
      expect(page.html).toContain('whoever runs the application');
      expect(page.html).not.toContain('Try again');
      expect(await waiting.told()).toBe(final[error]);
      expect(codeOn(await waiting.browser.open(waiting.link))).toBe(final[error]);
      expect(await waiting.next()).toMatch(/_REQUIRED$/u);
    },
  );

  test.each(passing)('%s leaves the link open, and the second try ends well', async (error) => {
    const waiting = await open();
    const page = await waiting.refuse({ error });
    expect(page.html).toContain('Try again');
    expect((await walk(waiting.browser, waiting.link)).status).toBe(200);
    expect(waiting.as.count('token')).toBe(1);
  });

  test('the log names the server’s own error and what it said, without what could be a secret', async () => {
    const waiting = await open();
    const description = `The requested resource is not allowed here. <b>https://x.example/?t=aB3dE5gH7jK9 Hj4kL8mN2pQ6 AADSTS500113 ${'x '.repeat(900)}`;
    await waiting.refuse({ error: 'invalid_target', error_description: description });
    const line = waiting.logger.lines.find((text) => text.includes('invalid_target')) ?? '';
    expect(line).toContain('The requested resource is not allowed here');
    expect(line).toContain('AADSTS500113');
    expect(line.length).toBeLessThan(600);
    for (const text of ['<b>', 'x.example', 'aB3dE5gH7jK9', 'Hj4kL8mN2pQ6']) expect(line).not.toContain(text);
  });
});

describe.each(Object.keys(faces))('at the token endpoint, after the code, of the %s’s face', (face) => {
  test.each(['invalid_target', 'invalid_scope', 'unsupported_grant_type', 'an_error_of_its_own'])(
    '%s ends the sign-in at once',
    async (error) => {
      const waiting = await faces[face]!();
      waiting.as.on('token', () => ({
        status: 400,
        body: { error, error_description: 'Not for this resource' },
      }));
      const page = await walk(waiting.browser, waiting.link);
      expect([page.status, codeOn(page)]).toEqual([502, 'ERR_POSTERN_OAUTH_REQUEST_REFUSED']);
      expect(await waiting.told()).toBe('ERR_POSTERN_OAUTH_REQUEST_REFUSED');
      expect(waiting.logger.lines.join('\n')).toContain('Not for this resource');
    },
  );

  test.each([
    ['temporarily_unavailable', 400],
    ['invalid_scope', 503],
  ] as const)('%s with status %i leaves the link open', async (error, status) => {
    const waiting = await faces[face]!();
    waiting.as.on('token', () => ({ status, body: { error } }));
    expect((await walk(waiting.browser, waiting.link)).html).toContain('Try again');
    waiting.as.on('token', undefined);
    expect((await walk(waiting.browser, waiting.link)).status).toBe(200);
  });
});
