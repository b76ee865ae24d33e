import { describe, expect, test } from 'vitest';
import { randomId } from '../../../src/core/random.ts';
import { oauthRedirect, type NamedFlow, type OAuthCredential } from '../../../src/oob/index.ts';
import { openFlowStage, planFor, redirectFlow, titleOf, type FlowStage } from '../../support/flow-stage.ts';
import { cookiesOf, passwordFlow, post, requestAs, tokenOf } from './form-stage.ts';

/** Requests that a person's own navigation does not make. */
const notNavigations: readonly (readonly [what: string, headers: Readonly<Record<string, string>>])[] = [
  ['a prefetch', { 'sec-purpose': 'prefetch', 'sec-fetch-mode': 'no-cors', 'sec-fetch-dest': 'empty' }],
  ['a prerender', { 'sec-purpose': 'prefetch;prerender', 'sec-fetch-mode': 'navigate' }],
  ['an older prefetch', { purpose: 'prefetch', 'x-moz': 'prefetch' }],
  ['a frame', { 'sec-fetch-mode': 'navigate', 'sec-fetch-dest': 'iframe', 'sec-fetch-site': 'cross-site' }],
  ['an image', { 'sec-fetch-mode': 'no-cors', 'sec-fetch-dest': 'image', 'sec-fetch-site': 'cross-site' }],
  ['a preview bot', { 'user-agent': 'Slackbot-LinkExpanding 1.0' }],
];

/** A consent whose third party wants its requests pushed: each way out costs it one. */
function pushedFlow(stage: FlowStage): NamedFlow<OAuthCredential> {
  const flow = oauthRedirect({
    http: stage.http,
    authorize: ({ redirectUri }) => {
      const plan = planFor(stage.as, redirectUri);
      const server = {
        ...plan.discovery.server,
        pushed_authorization_request_endpoint: `${stage.as.issuer}/par`,
        require_pushed_authorization_requests: true,
      };
      return { ...plan, discovery: { ...plan.discovery, server } };
    },
  });
  return stage.oob.flow('consent', flow);
}

describe('a link that is only looked at', () => {
  test.each(notNavigations)('by %s begins nothing and writes nothing', async (_what, headers) => {
    const stage = await openFlowStage();
    for (const flow of [redirectFlow(stage), passwordFlow(stage)]) {
      const { url } = await stage.linkOf('alice', flow, { resource: flow.name });
      const written = stage.storage.written.length;
      const calls = stage.as.calls.length;
      for (let count = 0; count < 5; count++) {
        const response = await stage.oob.fetch(requestAs('alice', url, { headers }));
        expect(response.headers.get('location')).toBeNull();
        await response.body?.cancel();
      }
      expect([stage.storage.written.length, stage.as.calls.length]).toEqual([written, calls]);
    }
  });
});

test('a flow of one’s own that sends browsers out at once sends none that its person did not bring (issue 8.3)', async () => {
  const stage = await openFlowStage();
  const { origin } = stage.host;
  const flow = stage.oob.flow('hasty', {
    kind: 'errand',
    credential: { name: 'nothing', read: (stored) => stored },
    begin: async () => ({ data: undefined, message: 'Go there' }),
    visit: (visit) => visit.sendOut({ url: `${origin}/login?user=x`, state: randomId(), attempt: {} }),
  });
  const { url } = await stage.linkOf('alice', flow);
  const written = stage.storage.written.length;
  for (const [, headers] of notNavigations) {
    const answer = await stage.oob.fetch(requestAs('alice', url, { headers }));
    expect([answer.status, answer.headers.get('location')]).toEqual([500, null]);
  }
  expect(stage.storage.written.length).toBe(written);
  const browser = await stage.host.openBrowser('alice');
  expect((await browser.open(url)).html).toBe('signed in');
});

test('three hundred presses of one link’s button make neither three hundred requests nor three hundred records (issue 8.3)', async () => {
  const stage = await openFlowStage();
  const { url } = await stage.linkOf('alice', pushedFlow(stage));
  const browser = await stage.host.openBrowser('alice');
  const token = tokenOf(await browser.open(url));
  const cookie = cookiesOf(stage, browser, 'alice');
  const before = new Set(stage.storage.written.map(({ key }) => key)).size;
  for (let count = 0; count < 300; count++) {
    const sent = await post(url, { 'form-token': token, 'form-action': 'continue' }, { cookie });
    await sent.body?.cancel();
  }
  const records = new Set(stage.storage.written.map(({ key }) => key)).size - before;
  expect(stage.as.count('par')).toBeGreaterThan(0);
  expect(stage.as.count('par')).toBeLessThan(150);
  expect(records).toBeLessThan(300);
  // However it is bounded, the person is told something, and the link is not broken by it.
  expect(titleOf(await browser.open(url))).toBeDefined();
});
