import { describe, expect, onTestFinished, test, vi } from 'vitest';
import type { SecretVerdict } from '../../../src/oob/index.ts';
import { openFlowStage } from '../../support/flow-stage.ts';
import { codeOf, openForm, passwordFlow } from './form-stage.ts';

/** A form whose test is held back until it is let go, in two processes behind one address. */
async function openSlowForm(verdict: SecretVerdict = 'accepted', maxTries?: number) {
  const stage = await openFlowStage({ processes: 2 });
  let letGo = (): void => {};
  const held = new Promise<void>((resolve) => (letGo = resolve));
  onTestFinished(() => letGo());
  let tried = 0;
  let isTried = (): void => {};
  const trying = new Promise<void>((resolve) => (isTried = resolve));
  const flow = passwordFlow(stage, {
    maxTries,
    test: async () => {
      tried++;
      isTried();
      await held;
      return verdict;
    },
  });
  const { url } = await stage.linkOf('alice', flow);
  const press = await openForm(stage, url);
  let arrived = 0;
  for (const [index, handler] of stage.host.handlers.entries()) {
    stage.host.handlers[index] = (request) => {
      if (request.method === 'POST') arrived++;
      return handler(request);
    };
  }
  /** Lets the test go on when it has begun and so many forms have arrived. */
  const letGoAfter = async (forms: number): Promise<void> => {
    await trying;
    await vi.waitFor(() => expect(arrived).toBe(forms), { timeout: 20_000 });
    await new Promise((resolve) => setTimeout(resolve, 50));
    letGo();
  };
  const acquire = async () =>
    stage.oob.credentials.acquire(await stage.principal('alice'), { resource: 'calendar.example', flow });
  return { press, trying, letGoAfter, tried: () => tried, acquire };
}

describe('a form that is sent again', () => {
  test('while its first is being tried is kept once, and both are told that it was (issue 8.17)', async () => {
    const form = await openSlowForm();
    const first = form.press({ password: 'right' });
    await form.trying;
    const second = form.press({ password: 'right' });
    await form.letGoAfter(2);
    const pages = await Promise.all([first, second]);
    expect(pages.map(({ status, good }) => `${status} ${good}`)).toEqual(['200 true', '200 true']);
    expect(form.tried()).toBe(1);
    expect(await form.acquire()).toEqual({ password: 'right' });
  });

  test('twelve times with the right secret is one try, and kept (issue 8.17)', async () => {
    const form = await openSlowForm('accepted', 10);
    const presses = Array.from({ length: 12 }, () => form.press({ password: 'right' }));
    await form.letGoAfter(12);
    const pages = await Promise.all(presses);
    expect(await codeOf(form.acquire())).toBeUndefined();
    expect(pages.map(({ status, good }) => `${status} ${good}`)).toEqual(Array(12).fill('200 true'));
    expect(form.tried()).toBe(1);
  });

  test('while its first is being refused is one try, and both are told that it was refused (issue 8.17)', async () => {
    const form = await openSlowForm('rejected', 2);
    const presses = Array.from({ length: 4 }, () => form.press({ password: 'wrong' }));
    await form.letGoAfter(4);
    expect((await Promise.all(presses)).map(({ status }) => status)).toEqual([422, 422, 422, 422]);
    expect(form.tried()).toBe(1);
    // The link is not used up: one form was one try of two.
    expect((await form.press({ password: 'other' })).status).toBe(422);
  });

  test('after it was kept is told that it was (issue 8.17)', async () => {
    const stage = await openFlowStage({ processes: 2 });
    const { url } = await stage.linkOf('alice', passwordFlow(stage));
    const press = await openForm(stage, url);
    const [first, second] = [await press({ password: 'right' }), await press({ password: 'right' })];
    expect([first.good, second.good]).toEqual([true, true]);
  });

  test('to decline is told each time that it was declined (issue 8.17)', async () => {
    const stage = await openFlowStage({ processes: 2 });
    const { url } = await stage.linkOf('alice', passwordFlow(stage));
    const press = await openForm(stage, url);
    const pages = [await press({ 'form-action': 'decline' }), await press({ 'form-action': 'decline' })];
    expect(pages.map(({ title }) => title)).toEqual(['Declined', 'Declined']);
  });
});
