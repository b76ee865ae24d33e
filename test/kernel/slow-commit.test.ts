import { describe, expect, test } from 'vitest';
import { createNamespace } from '../../src/namespace/namespace.ts';
import { Pendings } from '../../src/pending/pendings.ts';
import { Continuations } from '../../src/resume/continuations.ts';
import { HeldBackend } from './held-backend.ts';

const alice = createNamespace('client', 'alice');
const minutes = 60_000;

function setUp() {
  let nowMs = 1_800_000_000_000;
  const clock = (): number => nowMs;
  const storage = new HeldBackend({ clock });
  const pendings = new Pendings({ storage, clock, linkFor: (id) => `https://bot.example/${id}` });
  const heard: string[] = [];
  const continuations = new Continuations({ storage, clock });
  continuations.register('answer', {
    resume: async () => void heard.push('resumed'),
    abandon: async (_continuation, code) => void heard.push(code),
  });
  return { storage, pendings, continuations, heard, advance: (ms: number) => void (nowMs += ms) };
}

describe('a completion in time that becomes visible after the time of its pending', () => {
  test('is what 98 parked calls are told, which none of them is abandoned for', async () => {
    const { storage, pendings, continuations, heard, advance } = setUp();
    const pending = await pendings.create(alice, { kind: 'test', data: null });
    for (let index = 0; index < 98; index++) {
      await continuations.park(alice, { handler: 'answer', payload: index, waitingFor: pending.id });
    }
    advance(10 * minutes - 1);
    const { show, asked, contended } = storage.hold();
    const completing = pendings.in(alice).complete(pending.id);
    await asked;
    advance(1);
    const due = continuations.runDue({ sweep: true });
    await Promise.race([due, contended]);
    show();
    await expect(completing).resolves.toMatchObject({ status: 'completed' });
    await due;
    await continuations.runDue({ sweep: true });
    expect(heard).toEqual(Array.from({ length: 98 }, () => 'resumed'));
  });

  test('is what a waiter, a reader and the slot are told', async () => {
    const { storage, pendings, advance } = setUp();
    const { pending } = await pendings.createOnce(alice, ['slot'], async () => ({ kind: 'test', data: 1 }));
    advance(10 * minutes - 1);
    const { show, asked, contended } = storage.hold();
    const completing = pendings.in(alice).complete(pending.id);
    await asked;
    advance(1);
    const told = Promise.all([
      pendings.waitFor(pending, { timeoutMs: 20_000, pollMs: 10 }).then(({ status }) => status),
      pendings
        .in(alice)
        .get(pending.id)
        .then((read) => read?.status),
      pendings.findLive(alice, ['slot']),
    ]);
    await Promise.race([told, contended]);
    show();
    await expect(completing).resolves.toMatchObject({ status: 'completed' });
    await expect(told).resolves.toEqual(['completed', 'completed', undefined]);
  });

  test('is refused once anybody was told that time had ended it', async () => {
    const { pendings, advance } = setUp();
    const pending = await pendings.create(alice, { kind: 'test', data: 1 });
    advance(10 * minutes);
    await expect(pendings.waitFor(pending, { timeoutMs: 0 })).resolves.toMatchObject({ status: 'expired' });
    await expect(pendings.in(alice).complete(pending.id)).rejects.toMatchObject({
      code: 'ERR_POSTERN_PENDING_NOT_FOUND',
    });
  });

  test('counts although the time is over, as long as nobody was told so', async () => {
    const { pendings, advance } = setUp();
    const pending = await pendings.create(alice, { kind: 'test', data: 1 });
    advance(10 * minutes + 1);
    await expect(pendings.in(alice).complete(pending.id)).resolves.toMatchObject({
      status: 'completed',
      data: 1,
    });
    await expect(pendings.waitFor(pending, { timeoutMs: 0 })).resolves.toMatchObject({ status: 'completed' });
  });
});
