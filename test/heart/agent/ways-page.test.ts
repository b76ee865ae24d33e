import type { Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openStage, textOf, type Stage } from '../../support/stage.ts';
import { launchChromium, type ChromiumBrowser } from '../../support/chromium.ts';
import { ProgrammableDevices, withDeviceCodes } from '../../support/programmable-devices.ts';
import { describeWithService } from '../../support/services.ts';

await describeWithService('chromium', 'the page of a sign-in in a real browser', () => {
  let chromium: ChromiumBrowser;
  beforeAll(async () => {
    chromium = await launchChromium();
  });
  afterAll(() => chromium.close());

  /** Alice's browser at her link, on a phone of the smallest kind, where no script runs. */
  async function openAtLink(options: { width: number; script: boolean }): Promise<{
    stage: Stage;
    devices: ProgrammableDevices;
    page: Page;
    link: string;
    callback: () => string;
  }> {
    const stage = await openStage({ as: { metadata: withDeviceCodes } });
    const devices = new ProgrammableDevices(stage.as);
    stage.as.approveAs('alice');
    const { url: link } = await stage.linkOf('alice');
    const page = await chromium.newPage({
      viewport: { width: options.width, height: 800 },
      javaScriptEnabled: options.script,
    });
    await page.goto(`${stage.host.origin}/login?user=alice`);
    // Where the issuer sends the browser to, nobody answers it.
    let callback = '';
    stage.as.on('authorize', async (_call, standard) => {
      const reply = await standard();
      callback = ('headers' in reply ? reply.headers?.['location'] : undefined) ?? '';
      return { status: 200, headers: { 'content-type': 'text/html' }, body: 'This site cannot be reached' };
    });
    await page.goto(link);
    await page.getByText('This site cannot be reached').waitFor();
    await page.goto(link);
    return { stage, devices, page, link, callback: () => callback };
  }

  async function whoami(stage: Stage): Promise<string> {
    const client = await stage.manager.getClient('alice');
    return client.callTool('whoami').then(textOf, () => 'nobody');
  }

  const overflow = (page: Page): Promise<number> =>
    page.locator('html').evaluate((html) => html.scrollWidth - html.clientWidth);

  for (const width of [1_280, 320]) {
    test(`has a pasted address finish it, ${width} pixels wide, without a script`, async () => {
      const { stage, page, link, callback } = await openAtLink({ width, script: false });
      await page.getByText('My browser cannot come back here').click();
      expect(await overflow(page)).toBe(0);
      await page.getByRole('button', { name: 'Continue' }).click();
      await page.getByText('This site cannot be reached').waitFor();
      await page.goto(link);
      await page.getByText('My browser cannot come back here').click();
      await page.getByLabel('The address it shows').fill(callback().replace('state=', 'state=x'));
      await page.getByRole('button', { name: 'Finish with it' }).click();
      await page.getByText('That address belongs to another sign-in').waitFor();
      expect(await overflow(page)).toBe(0);
      // The field is there at once: nobody has to look for it again.
      await page.getByLabel('The address it shows').fill(callback());
      await page.getByRole('button', { name: 'Finish with it' }).click();
      await page.getByText('You are signed in').waitFor();
      expect(await whoami(stage)).toBe('alice');
    });

    test(`shows a code that fits, ${width} pixels wide, without a script`, async () => {
      const { stage, devices, page } = await openAtLink({ width, script: false });
      await page.getByText('Use another device').click();
      await page.getByRole('button', { name: 'Get a code' }).click();
      await page.getByText('WDJB-0001').waitFor();
      expect(await overflow(page)).toBe(0);
      devices.approve('alice');
      await expect.poll(() => whoami(stage), { timeout: 10_000 }).toBe('alice');
      await page.getByRole('link', { name: 'Look now' }).click();
      await page.getByText('You are signed in').waitFor();
    });
  }

  test('notices by itself that the code was entered, where scripts run', async () => {
    const { devices, page } = await openAtLink({ width: 1_280, script: true });
    await page.getByText('Use another device').click();
    await page.getByRole('button', { name: 'Get a code' }).click();
    await page.getByText('WDJB-0001').waitFor();
    devices.approve('alice');
    const end = page.getByText('You are signed in');
    await end.waitFor();
    expect(await end.count()).toBe(1);
  });
});
