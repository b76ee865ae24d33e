import { describe, expect, test } from 'vitest';
import { callbackOf, openFlowStage, redirectFlow } from '../../support/flow-stage.ts';
import { cookiesOf, isGood, passwordFlow, post, requestAs } from './form-stage.ts';

/** A consent that has come back as far as the callback, which nobody has asked for yet. */
async function openCallback() {
  const stage = await openFlowStage();
  const { url } = await stage.linkOf('alice', redirectFlow(stage));
  const browser = await stage.host.openBrowser('alice');
  const callback = await callbackOf(browser, url);
  return { stage, url, browser, callback, cookie: cookiesOf(stage, browser, 'alice') };
}

describe('the routes of the pages', () => {
  test('a code that is posted to a link is exchanged for nothing (issue 8.5)', async () => {
    const { stage, url, browser, callback, cookie } = await openCallback();
    const statuses: number[] = [];
    for (const fields of [{}, { 'form-action': 'continue' }]) {
      const sent = await post(`${url}/callback${callback.search}`, fields, { cookie });
      statuses.push(sent.status);
    }
    expect(stage.as.count('token')).toBe(0);
    expect(statuses.every((status) => [403, 404, 405].includes(status))).toBe(true);
    expect(isGood(await browser.open(callback.href))).toBe(true);
  });

  test('a callback is answered at its one address, and at none that ends like it (issue 8.5)', async () => {
    const { stage, browser, callback, cookie } = await openCallback();
    const { origin } = stage.host;
    const statuses: [string, number][] = [];
    for (const path of [
      '//callback',
      '/x/callback',
      '/x/postern/callback',
      '/postern//callback',
      '/postern/x/callback',
      '/postern/connect/callback',
      '/postern/callback/callback',
      '/POSTERN/callback',
    ]) {
      const asked = new Request(`${origin}${path}${callback.search}`, { headers: { cookie } });
      statuses.push([path, (await stage.oob.fetch(asked)).status]);
    }
    expect(statuses.filter(([, status]) => status !== 404)).toEqual([]);
    expect(stage.as.count('token')).toBe(0);
    expect(isGood(await browser.open(callback.href))).toBe(true);
  });

  test('a link is answered at its one address, and at none that ends like it (issue 8.5)', async () => {
    const stage = await openFlowStage();
    const { url, pendingId } = await stage.linkOf('alice', passwordFlow(stage));
    const statuses: [string, number][] = [];
    for (const path of [
      `//connect/${pendingId}`,
      `/x/y/connect/${pendingId}`,
      `/x/postern/connect/${pendingId}`,
      `/postern//connect/${pendingId}`,
      `/postern/x/connect/${pendingId}`,
      `/postern/connect/connect/${pendingId}`,
      `/POSTERN/connect/${pendingId}`,
    ]) {
      const answer = await stage.oob.fetch(requestAs('alice', `${stage.host.origin}${path}`));
      statuses.push([path, answer.status]);
    }
    expect(statuses.filter(([, status]) => status !== 404)).toEqual([]);
    expect((await stage.oob.fetch(requestAs('alice', url))).status).toBe(200);
  });

  test('each route answers its own methods, and says which those are (issue 8.5)', async () => {
    const stage = await openFlowStage();
    const { url } = await stage.linkOf('alice', passwordFlow(stage));
    const answers: [string, string, number, string | null][] = [];
    for (const [method, address] of [
      ['POST', `${url}/status`],
      ['POST', `${stage.host.publicUrl}/callback`],
      ['PUT', url],
      ['DELETE', url],
    ] as const) {
      const { status, headers } = await stage.oob.fetch(requestAs('alice', address, { method }));
      answers.push([method, address, status, headers.get('allow')]);
    }
    expect(answers.filter(([, , status]) => status !== 405)).toEqual([]);
    expect(answers.filter(([method, , , allow]) => allow === null || allow.includes(method))).toEqual([]);
  });
});
