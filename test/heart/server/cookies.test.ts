import { describe, expect, test } from 'vitest';
import { consent, openFlowStage, redirectFlow } from '../../support/flow-stage.ts';
import { cookiesOf, passwordFlow } from './form-stage.ts';

const ours = /postern/u;

describe('the cookie of a link', () => {
  test('is gone from the browser when its form was kept (issue 8.8)', async () => {
    const stage = await openFlowStage();
    const { url } = await stage.linkOf('alice', passwordFlow(stage));
    const browser = await stage.host.openBrowser('alice');
    await browser.open(url);
    expect(cookiesOf(stage, browser, 'alice')).toMatch(ours);
    expect((await browser.submit({ password: 'x' }, 'save')).status).toBe(200);
    expect(cookiesOf(stage, browser, 'alice')).not.toMatch(ours);
  });

  test('is gone from the browser when its person declined (issue 8.8)', async () => {
    const stage = await openFlowStage();
    const { url } = await stage.linkOf('alice', passwordFlow(stage));
    const browser = await stage.host.openBrowser('alice');
    await browser.open(url);
    await browser.submit({}, 'decline');
    expect(cookiesOf(stage, browser, 'alice')).not.toMatch(ours);
  });

  test('is gone from the browser when a third party has consented (issue 8.8)', async () => {
    const stage = await openFlowStage();
    const { url } = await stage.linkOf('alice', redirectFlow(stage));
    const browser = await stage.host.openBrowser('alice');
    expect((await consent(browser, url)).status).toBe(200);
    expect(cookiesOf(stage, browser, 'alice')).not.toMatch(ours);
  });

  test('is gone from a browser that opens the link again after it has ended elsewhere (issue 8.8)', async () => {
    const stage = await openFlowStage();
    const { url } = await stage.linkOf('alice', passwordFlow(stage));
    const browser = await stage.host.openBrowser('alice');
    await browser.open(url);
    await stage.oob.credentials.withdraw(await stage.principal('alice'), 'calendar.example');
    await browser.open(url);
    expect(cookiesOf(stage, browser, 'alice')).not.toMatch(ours);
  });
});

test('three hundred interactions in one browser are all finished (issue 8.8)', async () => {
  const stage = await openFlowStage();
  const flow = passwordFlow(stage);
  const browser = await stage.host.openBrowser('alice');
  for (let count = 1; count <= 300; count++) {
    const { url } = await stage.linkOf('alice', flow, { resource: `db-${count}` });
    expect((await browser.open(url)).status, `opening the link ${count}`).toBe(200);
    expect((await browser.submit({ password: 'x' }, 'save')).status, `the form ${count}`).toBe(200);
  }
});
