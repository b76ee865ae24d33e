import { describe, expect, test } from 'vitest';
import { MemoryBackend } from '../../../src/index.ts';
import { PendingManager, readForm, withPending } from '../../../src/oob/index.ts';
import { userOf } from '../../support/page-host.ts';
import { namespaces } from '../../support/process-world.ts';
import { requestAs } from './form-stage.ts';

const origin = 'https://app.example';

/** A page of one's own that ends its pending with a form, as the documentation shows it. */
async function openApproval(beforeEnd: () => Promise<void> = async () => {}) {
  const manager = new PendingManager({
    storage: new MemoryBackend(),
    namespaces,
    linkFor: (id) => `${origin}/approve/${id}`,
  });
  const page = withPending(
    manager,
    (request) => new URL(request.url).pathname.split('/').at(-1),
    async (pending, request) => {
      const form = await readForm(request, origin);
      await beforeEnd();
      await (form.has('yes') ? manager.complete(pending.id) : manager.cancel(pending.id));
      return new Response('Thank you.');
    },
    { verifyUser: userOf },
  );
  const { url, id } = await manager.create({ token: 'alice' }, { kind: 'approval', data: undefined });
  const send = async (headers: Readonly<Record<string, string>> = {}, body = 'yes='): Promise<number> => {
    const type = { 'content-type': 'application/x-www-form-urlencoded' };
    const init = { method: 'POST', body, headers: { origin, ...type, ...headers } };
    return (await page(requestAs('alice', url, init))).status;
  };
  return { manager, id, send };
}

describe('a form of a page of one’s own', () => {
  test('that is sent twice at once is answered 409 the second time (issue 8.21)', async () => {
    let entered = 0;
    let go = (): void => {};
    const both = new Promise<void>((resolve) => (go = resolve));
    const { manager, id, send } = await openApproval(async () => {
      if (++entered === 2) go();
      await both;
    });
    const statuses = await Promise.all([send(), send()]);
    expect(statuses.toSorted((a, b) => a - b)).toEqual([200, 409]);
    expect((await manager.get(id)).status).toBe('completed');
  });

  test.each([
    ['from another site', { origin: 'https://evil.example' }, 'yes=', 403],
    ['from an opaque origin', { origin: 'null' }, 'yes=', 403],
    ['of another site, by fetch metadata', { 'sec-fetch-site': 'cross-site' }, 'yes=', 403],
    ['of 70 kB', {}, `yes=${'x'.repeat(70_000)}`, 413],
    ['that is none', { 'content-type': 'application/json' }, '{"yes":""}', 415],
    ['that is compressed', { 'content-encoding': 'gzip' }, 'yes=', 415],
    ['that repeats a field', {}, 'yes=&yes=', 400],
  ])(
    '%s is answered with its own status, and changes nothing (issue 8.21)',
    async (_what, headers, body, status) => {
      const { manager, id, send } = await openApproval();
      expect(await send(headers as Record<string, string>, body)).toBe(status);
      expect((await manager.get(id)).status).toBe('pending');
    },
  );
});
