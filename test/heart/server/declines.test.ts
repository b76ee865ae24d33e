import { describe, expect, test } from 'vitest';
import type { CredentialRequest, FormValues } from '../../../src/oob/index.ts';
import { openFlowStage, type FlowStage } from '../../support/flow-stage.ts';
import { codeOf, passwordFlow } from './form-stage.ts';

type Request = CredentialRequest<FormValues>;

const resource = 'calendar.example';
const asked = 'ERR_POSTERN_OOB_INTERACTION_REQUIRED';
const declined = 'ERR_POSTERN_AUTH_DENIED';

async function openDeclines() {
  const stage = await openFlowStage();
  const flow = passwordFlow(stage);
  const principal = await stage.principal('alice');
  const { credentials } = stage.oob;
  const wanting = (scopes: readonly string[], more: Partial<Request> = {}): Request => ({
    resource,
    flow,
    scopes,
    ...more,
  });
  return {
    principal,
    flow,
    credentials,
    wanting,
    /** What asking for these scopes comes to; withdrawn at once, so that one question does not stand for the next. */
    outcomeOf: async (scopes: readonly string[], more: Partial<Request> = {}) => {
      const request = wanting(scopes, more);
      const code = await codeOf(credentials.acquire(principal, request));
      await credentials.withdraw(principal, request.resource, request.alias);
      return code;
    },
    decline: async (scopes: readonly string[]) => {
      const { url } = await stage.linkOf('alice', flow, { scopes });
      await press(stage, url, 'decline');
    },
    give: async (scopes: readonly string[]) => {
      const { url } = await stage.linkOf('alice', flow, { scopes });
      await press(stage, url, 'save');
    },
  };
}

async function press(stage: FlowStage, url: string, button: 'save' | 'decline'): Promise<void> {
  const browser = await stage.host.openBrowser('alice');
  await browser.open(url);
  await browser.submit({ password: 'x' }, button);
}

describe('what was declined', () => {
  test('is not asked for again at once, nor is anything that includes it', async () => {
    const { decline, outcomeOf } = await openDeclines();
    await decline(['read']);
    expect([await outcomeOf(['read']), await outcomeOf(['read', 'write'])]).toEqual([declined, declined]);
  });

  test('does not keep anything else from being asked for: another alias, resource or person', async () => {
    const { decline, outcomeOf } = await openDeclines();
    await decline(['read']);
    expect([
      await outcomeOf(['read'], { alias: 'work' }),
      await outcomeOf(['read'], { resource: 'mail.example' }),
    ]).toEqual([asked, asked]);
  });

  test('as a step-up does not keep the sign-in with less from being asked for (issue 8.19)', async () => {
    const { decline, outcomeOf } = await openDeclines();
    await decline(['read', 'write']);
    expect([await outcomeOf(['read']), await outcomeOf([]), await outcomeOf(['other'])]).toEqual([
      asked,
      asked,
      asked,
    ]);
    expect(await outcomeOf(['read', 'write', 'admin'])).toBe(declined);
  });

  test('as a step-up leaves what is held, and can be asked for again when that was forgotten (issue 8.19)', async () => {
    const { decline, give, outcomeOf, credentials, principal } = await openDeclines();
    await give(['read']);
    await decline(['read', 'write']);
    expect([await outcomeOf(['read']), await outcomeOf(['read', 'write'])]).toEqual([undefined, declined]);
    await credentials.forget(principal, resource);
    expect([await outcomeOf(['read']), await outcomeOf(['read', 'write'])]).toEqual([asked, asked]);
  });

  test('can be asked for again when the service has refused what was held (issue 8.19)', async () => {
    const { decline, give, outcomeOf, credentials, principal, wanting } = await openDeclines();
    await give(['read']);
    await decline(['read', 'write']);
    const held = await credentials.acquire(principal, wanting(['read']));
    await credentials.reject(principal, wanting(['read']), held);
    expect([await outcomeOf(['read']), await outcomeOf(['read', 'write'])]).toEqual([asked, asked]);
  });

  test('can be asked for again when the host has stored a credential itself (issue 8.19)', async () => {
    const { decline, outcomeOf, credentials, principal, flow } = await openDeclines();
    await decline(['read', 'write']);
    await credentials.put(principal, { resource, flow, scopes: ['read'] }, { password: 'new' });
    expect([await outcomeOf(['read']), await outcomeOf(['read', 'write'])]).toEqual([undefined, asked]);
  });
});
