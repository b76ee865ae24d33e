import { expect, test } from 'vitest';
import { CallClaims } from '../../src/agents/call-claims.ts';
import { systemClock } from '../../src/core/clock.ts';
import { createNamespace, storageOf } from '../../src/namespace/namespace.ts';
import type { StorageBackend } from '../../src/storage/contract.ts';
import { MemoryBackend } from '../../src/storage/memory-backend.ts';
import { losableStore, type LosableStore } from '../support/key-loss.ts';
import { textOf } from '../support/stage.ts';
import { openAgentStage } from './scripted-agent.ts';

test.each(['agent-run', 'agent-run-part'])(
  'of a run whose key was lost (%s) the host is told when it is given up, and others go on',
  async (table) => {
    let store: LosableStore | undefined;
    const failures: unknown[] = [];
    const stage = await openAgentStage({
      around: (storage: StorageBackend) => (store ??= losableStore(storage)).storage,
      coordinator: { resume: { backoffMs: 1, maxAttempts: 2 } },
      runs: { onFailure: (failure) => void failures.push(failure) },
    });
    const ask = { call: 'request_authentication', args: { service: 'calendar', reason: 'to see your day' } };
    await stage.runs[0]!.start('alice', [ask]);
    await stage.consent('alice');
    await store!.lose(table);
    for (let round = 0; round < 3; round++) {
      await stage.manager.runDue();
      stage.time.advance(60_000);
    }
    expect(failures).toMatchObject([{ contextId: 'alice', code: 'ERR_POSTERN_RESUME_GAVE_UP' }]);
    await stage.runs[0]!.start('bob', [ask]);
    await stage.consent('bob');
    await stage.manager.runDue();
    expect(stage.answers).toMatchObject([{ contextId: 'bob' }]);
  },
);

test('a call whose claim cannot be read is not made again: nobody knows how it ended', async () => {
  const store = losableStore(new MemoryBackend());
  const storage = storageOf(store.storage, createNamespace('client', 'alice'));
  const claims = (): CallClaims => new CallClaims(storage, systemClock);
  let made = 0;
  const make = async () => ({ content: [{ type: 'text' as const, text: `made ${++made}` }] });
  await claims().once('call', make);
  await store.lose('agent-call');
  const result = await claims().once('call', make);
  expect([made, result.isError]).toEqual([1, true]);
  expect(textOf(result)).toContain('not known whether this call was carried out');
});
