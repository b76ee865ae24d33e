import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { Page } from 'playwright-core';
import { expect, onTestFinished, test } from 'vitest';
import { launchChromium } from '../../test/support/chromium.ts';
import { describeWithService } from '../../test/support/services.ts';
import { openSlackStage } from './stage.ts';

/** Says who somebody is wherever that is asked, and goes on, until there is nothing left to press. */
async function goThrough(tab: Page, name: string): Promise<void> {
  for (let pages = 0; pages < 8; pages++) {
    await tab.waitForLoadState();
    const asked = tab.locator('input[name=user]');
    const isAsked = (await asked.count()) > 0;
    const button = tab.locator(
      isAsked ? 'form button' : 'button[value=allow], form:has-text("Continue") button',
    );
    if ((await button.count()) === 0) return;
    if (isAsked) await asked.fill(name);
    const before = tab.url();
    await Promise.all([tab.waitForURL((url) => url.href !== before), button.first().click()]);
  }
}

await describeWithService('chromium', 'the screen of the stand-in, in Chromium', () => {
  test('shows alice a link that bob does not see, and both the answer', async () => {
    const stage = await openSlackStage();
    await stage.open();
    const chromium = await launchChromium();
    onTestFinished(() => chromium.close());
    const [alice, bob] = await Promise.all([chromium.newPage(), chromium.newPage()]);
    await alice.goto(`${stage.slack.origin}/alice`);
    await alice.getByRole('button', { name: 'Send' }).first().click();
    await alice.getByText('I am waiting for you to sign in').waitFor();
    const link = alice.getByRole('link', { name: 'Sign in to calendar' });
    await expect.poll(async () => (await alice.reload(), link.count()), { timeout: 20_000 }).toBe(1);
    await bob.goto(`${stage.slack.origin}/bob`);
    await bob.getByText('I am waiting for you to sign in').waitFor();
    expect(await bob.getByRole('link', { name: 'Sign in to calendar' }).count()).toBe(0);
    expect(await bob.getByText('Only visible to you').count()).toBe(0);

    const [tab] = await Promise.all([alice.context().waitForEvent('page'), link.click()]);
    await goThrough(tab, 'alice');
    await tab.getByRole('heading', { name: 'You are signed in' }).waitFor();
    for (const screen of [alice, bob])
      await expect
        .poll(async () => (await screen.reload(), screen.getByText('Alice: dentist').count()), {
          timeout: 20_000,
        })
        .toBe(1);

    await alice.getByRole('link', { name: 'home tab' }).click();
    await alice.getByText('calendar: connected').waitFor();
    const [inbox] = await Promise.all([
      alice.context().waitForEvent('page'),
      alice.getByRole('link', { name: 'Connect, disconnect, and what waits for you' }).click(),
    ]);
    await inbox.getByRole('heading', { name: 'Connected' }).waitFor();
    expect(chromium.blockedOrigins).toEqual([]);
  });
});

test('the example drives itself from end to end', async () => {
  const program = fileURLToPath(new URL('../../examples/slack-bot/main.ts', import.meta.url));
  const { stdout } = await promisify(execFile)(process.execPath, ['--no-warnings', program, '--self-check'], {
    timeout: 100_000,
  });
  expect(stdout).toContain('checked: no secret is in a log or a file');
});
