import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { expect, onTestFinished, test } from 'vitest';
import { startWebApp } from '../../examples/web-app/start-web-app.ts';
import { launchChromium } from '../../test/support/chromium.ts';
import { createRecordingLogger } from '../../test/support/recording-logger.ts';
import { describeWithService } from '../../test/support/services.ts';

/** On the provider's pages: signs in where that is asked, and allows. */
async function allow(page: Page, user: string): Promise<void> {
  for (let pages = 0; pages < 4 && new URL(page.url()).pathname.startsWith('/interaction/'); pages++) {
    const name = page.locator('input[name=user]');
    const isAsked = (await name.count()) > 0;
    if (isAsked) await name.fill(user);
    const at = page.url();
    const left = page.waitForURL((url) => url.href !== at);
    await (isAsked ? page.locator('form button').first() : page.locator('button[value=allow]')).click();
    await left;
  }
}

await describeWithService('chromium', 'the web application, in Chromium', () => {
  test('has an answer arrive after a sign-in in another tab, in the page as it stands', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'postern-web-app-'));
    onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
    const app = await startWebApp({ directory, logger: createRecordingLogger() });
    onTestFinished(() => app[Symbol.asyncDispose]());
    const chromium = await launchChromium();
    onTestFinished(() => chromium.close());

    const page = await chromium.newPage();
    await page.goto(app.url);
    await allow(page, 'alice');
    await page.waitForURL(`${app.url}/`);
    let loads = 0;
    page.on('load', () => loads++);
    await page.locator('button').click();
    const [tab] = await Promise.all([
      page.context().waitForEvent('page'),
      page.getByRole('link', { name: 'Connect', exact: true }).click(),
    ]);
    await tab.waitForLoadState();
    const go = tab.locator('form button').first();
    if (tab.url().startsWith(app.url)) await go.click();
    await tab.waitForURL((url) => url.pathname.startsWith('/interaction/'));
    await allow(tab, 'alice');
    await page.getByText('Alice: dentist').waitFor();
    expect(loads).toBe(0);
  });
});
