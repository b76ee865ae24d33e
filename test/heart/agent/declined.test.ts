import { requireScopes } from '@modelcontextprotocol/server';
import { describe, expect, test, vi } from 'vitest';
import { explain, type Client } from '../../../src/client/index.ts';
import {
  challengeOf,
  codeOf,
  openStage,
  textOf,
  withParams,
  type Stage,
  type StageOptions,
} from '../../support/stage.ts';
import { walk, walkToCallback } from '../walk.ts';

const share = ['share_calendar', { with: 'bob' }] as const;
const add = ['add_event', { title: 'tea', time: '16:00' }] as const;

/** Has alice say no at the authorization server. */
async function decline(stage: Stage, link: string): Promise<void> {
  const browser = await stage.host.openBrowser('alice');
  const callback = await walkToCallback(browser, link);
  await browser.open(withParams(callback, { code: undefined, error: 'access_denied' }));
}

/** A stage on which alice has declined to sign in a moment ago. */
async function openDeclined(): Promise<{ stage: Stage; client: Client }> {
  const stage = await openStage();
  await decline(stage, (await stage.linkOf('alice')).url);
  const client = await stage.manager.getClient('alice');
  expect(await codeOf(client.callTool('whoami'))).toBe('ERR_POSTERN_AUTH_DENIED');
  return { stage, client };
}

/** A stage on which alice is signed in, and has declined a moment ago to grant more. */
async function openStepUpDeclined(options?: StageOptions): Promise<{ stage: Stage; client: Client }> {
  const stage = await openStage(options);
  stage.as.approveAs('alice');
  await walk(await stage.host.openBrowser('alice'), (await stage.linkOf('alice')).url);
  const client = await stage.manager.getClient('alice');
  await decline(stage, (await challengeOf(client.callTool(...share))).url);
  expect(await codeOf(client.callTool(...share))).toBe('ERR_POSTERN_AUTH_DENIED');
  expect(textOf(await client.callTool('whoami'))).toBe('alice');
  return { stage, client };
}

describe('somebody who declined to sign in', () => {
  test('and logs out is asked again at the next call (issue 8.19)', async () => {
    const { client } = await openDeclined();
    await client.logout();
    expect(await codeOf(client.callTool('whoami'))).toBe('ERR_POSTERN_AUTH_REQUIRED');
  });

  test('is asked again for a server that was removed and added anew (issue 8.19)', async () => {
    const { stage, client } = await openDeclined();
    await client.removeServer('calendar');
    client.addServer('calendar', { url: stage.calendar.url });
    expect(await codeOf(client.callTool('whoami'))).toBe('ERR_POSTERN_AUTH_REQUIRED');
  });

  test('is asked at once for another resource that has the server’s name by now (issue 8.19)', async () => {
    const { stage, client } = await openDeclined();
    await client.removeServer('calendar');
    client.addServer('calendar', { url: stage.as.resource });
    expect(await codeOf(client.callTool('whoami'))).toBe('ERR_POSTERN_AUTH_REQUIRED');
  });

  test('is told so, and for how long: by the error of the end, by that of the next call, and by the condition', async () => {
    const stage = await openStage();
    const client = await stage.manager.getClient('alice');
    const { url } = await challengeOf(client.callTool('whoami'));
    const askedAtMs = stage.time.clock();
    await decline(stage, url);
    const session = client.session('calendar');
    await vi.waitFor(() => expect(session.isFailed).toBe(true), { timeout: 15_000 });
    const untilMs = session.error?.evidence?.retryAtMs ?? 0;
    expect(untilMs).toBeGreaterThanOrEqual(askedAtMs + 60_000);
    expect(untilMs).toBeLessThanOrEqual(stage.time.clock() + 60_000);
    const error = await client.callTool('whoami').catch((reason: unknown) => reason);
    expect(error).toMatchObject({ code: 'ERR_POSTERN_AUTH_DENIED', evidence: { retryAtMs: untilMs } });
    expect(explain(error, { for: 'person', nowMs: untilMs - 40_000 })).toMatch(/again in 40 seconds\.$/u);
    expect(session.condition).toMatchObject({ condition: 'denied-by-person', retryAtMs: untilMs });
  });

  test('is asked at once after askAgain()', async () => {
    const { client } = await openDeclined();
    await client.session('calendar').askAgain();
    expect(await codeOf(client.callTool('whoami'))).toBe('ERR_POSTERN_AUTH_REQUIRED');
  });

  test('is nothing that a log warns of', async () => {
    const { stage } = await openDeclined();
    expect(
      stage.logger.lines.filter((line) => /^(?:warn|error) .*ERR_POSTERN_AUTH_DENIED/u.test(line)),
    ).toEqual([]);
    expect(stage.logger.lines.join('\n')).toMatch(/^info .*ERR_POSTERN_AUTH_DENIED/mu);
  });

  test('is not asked again by itself within the cooldown, and is afterwards', async () => {
    const { stage, client } = await openDeclined();
    expect(await codeOf(client.callTool('whoami'))).toBe('ERR_POSTERN_AUTH_DENIED');
    stage.time.advance(61_000);
    expect(await codeOf(client.callTool('whoami'))).toBe('ERR_POSTERN_AUTH_REQUIRED');
  });
});

describe('somebody who declined to grant more', () => {
  test('is asked to sign in when the server no longer takes their token (issue 8.19)', async () => {
    const { stage, client } = await openStepUpDeclined();
    stage.as.tokens.revokeAll();
    expect(await codeOf(client.callTool('whoami'))).toBe('ERR_POSTERN_AUTH_REQUIRED');
  });

  test('is asked to sign in after a logout (issue 8.19)', async () => {
    const { client } = await openStepUpDeclined();
    await client.logout();
    expect(await codeOf(client.callTool('whoami'))).toBe('ERR_POSTERN_AUTH_REQUIRED');
  });

  test('is asked for something else that was never declined (issue 8.19)', async () => {
    const { client } = await openStepUpDeclined({ calendar: { requiredScopes: ['calendar:read'] } });
    expect(await codeOf(client.callTool(...add))).toBe('ERR_POSTERN_AUTH_REQUIRED');
  });

  test('is not asked for the same again, nor for more than that', async () => {
    const { client } = await openStepUpDeclined({
      calendar: {
        requiredScopes: ['calendar:read'],
        extraTools: (server) => {
          const scopeChallenge = requireScopes('calendar:share', 'calendar:write');
          server.registerTool('share_and_add', { scopeChallenge }, () => ({ content: [] }));
        },
      },
    });
    expect(await codeOf(client.callTool(...share))).toBe('ERR_POSTERN_AUTH_DENIED');
    expect(await codeOf(client.callTool('share_and_add'))).toBe('ERR_POSTERN_AUTH_DENIED');
  });

  test('is nobody else: other people are asked as ever', async () => {
    const { stage } = await openStepUpDeclined();
    const bob = await stage.manager.getClient('bob');
    expect(await codeOf(bob.callTool('whoami'))).toBe('ERR_POSTERN_AUTH_REQUIRED');
  });
});
