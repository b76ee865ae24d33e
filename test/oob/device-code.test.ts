import { describe, expect, test } from 'vitest';
import { deviceCode } from '../../src/oob/index.ts';
import { openFlowStage, planFor, titleOf } from '../support/flow-stage.ts';
import { acquire, codeOf, leaks, statusOf } from '../support/flow-visits.ts';

describe('a device code', () => {
  async function openDevice(processes = 1) {
    const stage = await openFlowStage({ processes });
    let state: 'waiting' | 'granted' = 'waiting';
    stage.as.on('device', () => ({
      body: {
        device_code: 'CNRYzsecretz-device',
        user_code: 'WDJB-MJHT',
        verification_uri: `${stage.as.origin}/enter`,
        expires_in: 600,
        interval: 0.05,
      },
    }));
    stage.as.on('token', () =>
      state === 'waiting'
        ? { status: 400, body: { error: 'authorization_pending' } }
        : {
            body: {
              access_token: 'CNRYzsecretz-token',
              token_type: 'Bearer',
              expires_in: 3600,
              refresh_token: 'CNRYzsecretz-refresh',
            },
          },
    );
    const flow = deviceCode({ http: stage.http, authorize: () => planFor(stage.as, '') });
    const [named] = stage.oobs.map((oob) => oob.flow('device', flow));
    return { stage, flow: named!, grant: () => void (state = 'granted') };
  }

  test('is shown to its person only, while one process of all polls, and what comes of it reaches all who wait', async () => {
    const { stage, flow, grant } = await openDevice(2);
    const principal = await stage.principal('alice');
    const waiting = stage.oobs.map(({ credentials }) =>
      credentials.acquire(principal, { resource: 'calendar.example', flow }, { waitMs: 10_000 }),
    );
    const { url, message } = await stage.linkOf('alice', flow);
    expect(message).not.toContain('WDJB');
    const mallory = await (await stage.host.openBrowser('mallory')).open(url);
    expect([mallory.status, mallory.html.includes('WDJB')]).toEqual([404, false]);
    const browser = await stage.host.openBrowser('alice');
    const page = await browser.open(url);
    expect(page.html).toContain('<strong class="code">WDJB-MJHT</strong>');
    expect(await statusOf(browser, url)).toEqual({ status: 'pending' });
    grant();
    const tokens = await Promise.all(waiting);
    expect(tokens.map(({ accessToken }) => accessToken)).toEqual([
      'CNRYzsecretz-token',
      'CNRYzsecretz-token',
    ]);
    expect(await statusOf(browser, url)).toEqual({ status: 'completed' });
    expect(titleOf(await browser.open(url))).toBe('You are signed in');
    expect([stage.as.count('device'), leaks(stage)]).toEqual([1, []]);
    const grants = stage.as.calls.filter(({ kind }) => kind === 'token').length;
    await new Promise((resolve) => setTimeout(resolve, 200));
    expect(stage.as.count('token')).toBe(grants);
  });

  test('that is declined here is polled for no longer', async () => {
    const { stage, flow } = await openDevice();
    const waiting = codeOf(acquire(stage, 'alice', flow, 10_000));
    const { url } = await stage.linkOf('alice', flow);
    const browser = await stage.host.openBrowser('alice');
    await browser.open(url);
    expect(titleOf(await browser.submit({}, 'Decline'))).toBe('Declined');
    expect(await waiting).toBe('ERR_POSTERN_AUTH_DENIED');
    const polls = stage.as.count('token');
    await new Promise((resolve) => setTimeout(resolve, 200));
    expect(stage.as.count('token')).toBeLessThanOrEqual(polls + 1);
  });

  test('of a hundred callers at once is asked for once', async () => {
    const { stage, flow } = await openDevice();
    const links = await Promise.all(Array.from({ length: 100 }, () => stage.linkOf('alice', flow)));
    expect([new Set(links.map(({ url }) => url)).size, stage.as.count('device')]).toEqual([1, 1]);
  });
});
