import { describe, expect, test } from 'vitest';
import { createNamespace, isPosternError, MemoryBackend, Pendings } from '../../../src/kernel.ts';
import { PendingManager } from '../../../src/oob/index.ts';
import { openFlowStage } from '../../support/flow-stage.ts';

/** What a claim that is not there, or is no text, makes of an initiator. The types forbid some; JavaScript does not. */
const nobodies: readonly (readonly [what: string, initiator: unknown])[] = [
  ['the text of a claim that is not there', String(undefined)],
  ['the text of null', String(null)],
  ['the text of an object', '[object Object]'],
  ['the text of no number', String(Number.NaN)],
  ['empty text', ''],
  ['text that is not well-formed', 'al\uD800ice'],
  ['a number', 42],
  ['null', null],
  ['an object', { sub: 'alice' }],
  ['a list', ['alice']],
];

/** What making something for such an initiator came to. */
async function outcome(work: () => Promise<unknown>): Promise<'made' | 'refused' | 'broke'> {
  try {
    await work();
    return 'made';
  } catch (error) {
    return isPosternError(error) ? 'refused' : 'broke';
  }
}

describe('an initiator that names nobody', () => {
  test.each(nobodies)('is refused when a caller is resolved: %s (issue 8.6)', async (_what, initiator) => {
    const stage = await openFlowStage({ oob: { initiatorOf: () => initiator as string } });
    expect(await outcome(() => stage.principal('alice'))).toBe('refused');
  });

  test.each(nobodies)('is refused when a pending is made: %s (issue 8.6)', async (_what, initiator) => {
    const spec = { kind: 'approval', initiator: initiator as string, data: undefined };
    const namespace = createNamespace('user', 'alice');
    const storage = new MemoryBackend();
    const linkFor = (id: string): string => `https://app.example/approve/${id}`;
    const manager = new PendingManager({
      storage,
      namespaces: { resolve: async () => namespace },
      linkFor,
    });
    expect(await outcome(() => manager.create({}, spec))).toBe('refused');
    const pendings = new Pendings({ storage, linkFor });
    expect(await outcome(() => pendings.create(namespace, spec))).toBe('refused');
  });
});
