import { describe, expect, test } from 'vitest';

import { deviceCode, findInteractionRequired } from '../../../src/oob/index.ts';
import { consent, openFlowStage, planFor, redirectFlow, type FlowStage } from '../../support/flow-stage.ts';
import { isGood, passwordFlow } from './form-stage.ts';

const canary = 'CNRYzsecretz-7f3a';

/** Tokens that no `Authorization` header may carry. */
const unsendable: readonly (readonly [what: string, token: string])[] = [
  ['a NUL', `${canary}\u0000x`],
  ['a line feed', `${canary}\nx-evil: 1`],
  ['a carriage return and a line feed', `${canary}\r\nx-evil: 1`],
  ['an escape', `${canary}\u001B[2J`],
  ['a DEL', `${canary}\u007F`],
  ['a sign that is not Latin-1', `${canary}€`],
  ['an emoji', `${canary}😀`],
  ['half a surrogate pair', `${canary}\uD83D`],
  ['100 kB', `${canary}${'x'.repeat(100_000)}`],
];

/** All that was said anywhere: pages, headers, log lines, and an error with its causes. */
function said(stage: FlowStage, error?: unknown): string {
  const answers = stage.host.answers.map(({ headers, body }) => `${headers} ${body}`);
  const texts: string[] = [];
  for (let cause = error; cause instanceof Error; cause = cause.cause)
    texts.push(String(cause), cause.stack ?? '', JSON.stringify(cause));
  return [...answers, ...stage.logger.lines, ...texts].join('\n');
}

/** What asking once more gives: never the token. */
async function outcomeOf(acquiring: Promise<unknown>): Promise<{ credential?: unknown; error?: unknown }> {
  return acquiring.then(
    (credential) => ({ credential }),
    (error: unknown) => ({ error }),
  );
}

const reply = (access_token: string) => ({
  body: { access_token, token_type: 'Bearer', expires_in: 3600, refresh_token: 'fine' },
});

describe('a token that no header may carry', () => {
  test.each(unsendable)(
    'is not taken of a third party after a consent, and not quoted: %s (issue 8.9)',
    async (_what, token) => {
      const stage = await openFlowStage();
      const flow = redirectFlow(stage);
      stage.as.on('token', () => reply(token));
      const { url } = await stage.linkOf('alice', flow);
      const page = await consent(await stage.host.openBrowser('alice'), url);
      expect(isGood(page)).toBe(false);
      const principal = await stage.principal('alice');
      const { credential, error } = await outcomeOf(
        stage.oob.credentials.acquire(principal, { resource: 'calendar.example', flow }),
      );
      expect(credential).toBeUndefined();
      expect(said(stage, error)).not.toContain(canary);
    },
  );

  test.each(unsendable)(
    'is not taken for a device code, and not quoted: %s (issue 8.9)',
    async (_what, token) => {
      const stage = await openFlowStage();
      stage.as.on('device', () => ({
        body: {
          device_code: 'd',
          user_code: 'WDJB-MJHT',
          verification_uri: `${stage.as.origin}/enter`,
          expires_in: 600,
          interval: 0.05,
        },
      }));
      stage.as.on('token', () => reply(token));
      const flow = stage.oob.flow(
        'device',
        deviceCode({ http: stage.http, authorize: () => planFor(stage.as, '') }),
      );
      const { credential, error } = await outcomeOf(
        stage.oob.credentials.acquire(
          await stage.principal('alice'),
          { resource: 'calendar.example', flow },
          { waitMs: 2_000 },
        ),
      );
      expect(credential).toBeUndefined();
      expect(stage.as.count('token')).toBeGreaterThan(0);
      expect(said(stage, error)).not.toContain(canary);
    },
  );

  test.each(unsendable)(
    'does not take the place of another when it comes of a renewal, and is not quoted: %s (issue 8.9)',
    async (_what, token) => {
      const stage = await openFlowStage();
      const flow = redirectFlow(stage);
      const { url } = await stage.linkOf('alice', flow);
      await consent(await stage.host.openBrowser('alice'), url);
      stage.as.on('refresh', () => reply(token));
      stage.time.advance(3_600_000);
      const principal = await stage.principal('alice');
      const { credential, error } = await outcomeOf(
        stage.oob.credentials.acquire(principal, { resource: 'calendar.example', flow }),
      );
      expect(stage.as.count('refresh')).toBe(1);
      expect(credential).toBeUndefined();
      expect(said(stage, error)).not.toContain(canary);
    },
  );
});

describe('a token that no header may carry, and that an earlier version has kept', () => {
  test('is given to nobody: its person is asked anew (issue 8.9)', async () => {
    const stage = await openFlowStage();
    const flow = redirectFlow(stage);
    const { url } = await stage.linkOf('alice', flow);
    await consent(await stage.host.openBrowser('alice'), url);
    const principal = await stage.principal('alice');
    const request = { resource: 'calendar.example', flow };
    const { namespace, initiator } = principal;
    const place = { namespace, initiator, resource: request.resource, alias: 'default' };
    const lenient = { name: 'oauth_grant', read: (stored: unknown) => stored };
    const held = await stage.oob.interactions.credentials.peek(place, lenient);
    const bad = { ...(held?.credential as object), accessToken: `${canary}\n`, refreshToken: undefined };
    await stage.oob.interactions.put(
      place,
      { name: flow.name, flow: { ...flow.flow, credential: lenient } },
      bad,
    );
    const { credential, error } = await outcomeOf(stage.oob.credentials.acquire(principal, request));
    expect([credential, findInteractionRequired(error)?.code]).toEqual([
      undefined,
      'ERR_POSTERN_OOB_INTERACTION_REQUIRED',
    ]);
    await expect(stage.oob.credentials.put(principal, request, bad)).rejects.toThrow(TypeError);
    expect(said(stage, error)).not.toContain(canary);
  });
});

describe('a refused token', () => {
  test('is revoked, with the refresh token that came with it (issue 8.9)', async () => {
    const stage = await openFlowStage();
    const flow = redirectFlow(stage);
    stage.as.on('token', () => reply(`${canary}€`));
    const { url } = await stage.linkOf('alice', flow);
    await consent(await stage.host.openBrowser('alice'), url);
    expect(stage.as.count('revoke')).toBe(2);
  });

  test('of a renewal is revoked, without the refresh token that is still held (issue 8.9)', async () => {
    const stage = await openFlowStage();
    const flow = redirectFlow(stage);
    stage.as.on('token', () => reply('good'));
    const { url } = await stage.linkOf('alice', flow);
    await consent(await stage.host.openBrowser('alice'), url);
    stage.as.on('refresh', () => reply(`${canary}€`));
    stage.time.advance(3_600_000);
    const principal = await stage.principal('alice');
    await outcomeOf(stage.oob.credentials.acquire(principal, { resource: 'calendar.example', flow }));
    expect(stage.as.count('revoke')).toBe(1);
  });
});

describe('a secret of one line', () => {
  test.each([
    ['a NUL', '\u0000'],
    ['an escape', '\u001B'],
    ['a DEL', '\u007F'],
  ])(
    'that holds %s, which nobody can type, is refused at its field, and not kept (issue 8.9)',
    async (_what, control) => {
      const stage = await openFlowStage();
      const { url } = await stage.linkOf('alice', passwordFlow(stage));
      const browser = await stage.host.openBrowser('alice');
      await browser.open(url);
      const page = await browser.submit({ password: `${canary}${control}x` }, 'save');
      expect([page.status, page.html.includes('aria-invalid')]).toEqual([422, true]);
      expect(await stage.oob.credentials.list(await stage.principal('alice'))).toEqual([]);
      expect(said(stage)).not.toContain(canary);
    },
  );
});
