import { describe, expect, test } from 'vitest';
import type { OobOptions } from '../../../src/oob/index.ts';
import { createRecordingLogger } from '../../support/recording-logger.ts';
import { openFlowStage, redirectFlow } from '../../support/flow-stage.ts';
import { walk } from '../walk.ts';
import { openForm, passwordFlow } from './form-stage.ts';

/** Where the last page of a form that was filled in leads back to. */
async function wayBack(oob: Partial<OobOptions>, action = 'save'): Promise<string | undefined> {
  const stage = await openFlowStage({ oob });
  const { url } = await stage.linkOf('alice', passwordFlow(stage));
  const { text } = await (await openForm(stage, url))({ password: 'x', 'form-action': action });
  return /<a class="act" href="([^"]*)"[^>]*>\s*Go back/u.exec(text)?.[1];
}

describe('the way back from the last page', () => {
  test('leads where the host says, for what was asked, whether it was done or declined', async () => {
    const returnTo: OobOptions['returnTo'] = ({ namespace, kind, resource }) =>
      `/done/${namespace}/${kind}/${resource}`;
    for (const action of ['save', 'decline'])
      expect(await wayBack({ returnTo }, action), action).toMatch(
        /^http:\/\/[^/]+\/done\/[^/]+\/secret_form\/calendar\.example$/u,
      );
  });

  test('leads to another origin only where that is allowed', async () => {
    const returnTo = (): string => 'https://chat.example/threads/7';
    expect(await wayBack({ returnTo })).toBeUndefined();
    expect(await wayBack({ returnTo, returnOrigins: ['https://chat.example'] })).toBe(
      'https://chat.example/threads/7',
    );
  });

  test.each([
    '//evil.example/x',
    '\\\\evil.example/x',
    'https://chat.example.evil.example/',
    'https://chat.example@evil.example/',
    'https://user@chat.example/',
    'http://chat.example/',
    'javascript:alert(1)',
    'data:text/html,x',
    'https://',
  ])('never leads to %s', async (address) => {
    const logger = createRecordingLogger();
    const returnOrigins = ['https://chat.example'];
    expect(await wayBack({ returnTo: () => address, returnOrigins, logger })).toBeUndefined();
    expect(logger.lines.join('\n')).toContain('a way back leads to an origin that is not allowed');
  });

  test.each(['chat.example', 'data:text/html,x', 'javascript:alert(1)', 'http://chat.example'])(
    'is allowed to no origin such as %s',
    async (origin) => {
      await expect(wayBack({ returnOrigins: [origin] })).rejects.toMatchObject({
        code: 'ERR_POSTERN_CONFIG_MISCONFIGURED',
      });
    },
  );

  test('is left out where the host fails to say it, and the interaction goes on', async () => {
    const logger = createRecordingLogger();
    const returnTo = (): never => {
      throw new RangeError('no thread');
    };
    expect(await wayBack({ returnTo, logger })).toBeUndefined();
    expect(logger.lines.join('\n')).toContain('no thread');
  });

  test('is there after a sign-in at a third party, and whenever the link is opened again', async () => {
    const stage = await openFlowStage({ oob: { returnTo: () => '/threads/7' } });
    const { url } = await stage.linkOf('alice', redirectFlow(stage));
    const browser = await stage.host.openBrowser('alice');
    const page = await walk(browser, url);
    expect(page.html).toContain(`href="${stage.host.origin}/threads/7"`);
    expect((await browser.open(url)).html).toContain(`href="${stage.host.origin}/threads/7"`);
  });
});
