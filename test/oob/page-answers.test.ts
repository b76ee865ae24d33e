import { describe, expect, test } from 'vitest';
import { createCookieBrowser } from '../support/cookie-browser.ts';
import { openFlowStage, titleOf } from '../support/flow-stage.ts';
import { formFlow, leaks } from '../support/flow-visits.ts';

describe('the pages', () => {
  test('of a process that does not know the flow name no flow, and change nothing', async () => {
    const stage = await openFlowStage();
    const { url } = await stage.linkOf('alice', formFlow(stage));
    const strange = await openFlowStage({ oob: { storage: stage.storage, publicUrl: stage.host.publicUrl } });
    stage.host.handlers.splice(0, 1, strange.oob.fetch);
    const page = await (await stage.host.openBrowser('alice')).open(url);
    expect([page.status, titleOf(page), page.html.includes('login')]).toEqual([
      503,
      'This is finishing elsewhere',
      false,
    ]);
  });

  test('when the store is down say that nothing was saved', async () => {
    const stage = await openFlowStage();
    const { url } = await stage.linkOf('alice', formFlow(stage));
    const browser = await stage.host.openBrowser('alice');
    stage.storage.fault = () => 'fail';
    const page = await browser.open(url);
    expect([page.status, titleOf(page)]).toEqual([503, 'Not saved']);
  });

  test('when the host’s own check fails show nothing of why', async () => {
    const stage = await openFlowStage({
      oob: {
        verifyUser: () => {
          throw new Error('CNRY session store at 10.0.0.1');
        },
      },
    });
    const { url } = await stage.linkOf('alice', formFlow(stage));
    const page = await (await stage.host.openBrowser('alice')).open(url);
    expect([page.status, titleOf(page), leaks(stage)]).toEqual([503, 'Not just now', []]);
  });

  test('send a person who is not signed in where the host says', async () => {
    const signIn = 'http://127.0.0.1:1/login';
    const stage = await openFlowStage({ oob: { verifyUser: () => Response.redirect(signIn) } });
    const { url } = await stage.linkOf('alice', formFlow(stage));
    const page = await createCookieBrowser().open(url, { stopBefore: (next) => next.href === signIn });
    expect(page.url).toBe(signIn);
  });
});
