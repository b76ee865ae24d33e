import type { CallToolResult } from '@modelcontextprotocol/client';
import { describe, expect, test } from 'vitest';
import { CallClaims, NotCarriedOut } from '../../src/agents/call-claims.ts';
import { systemClock } from '../../src/core/clock.ts';
import { createNamespace, storageOf } from '../../src/namespace/namespace.ts';
import { MemoryBackend } from '../../src/storage/memory-backend.ts';

const said = (text: string): CallToolResult => ({ content: [{ type: 'text', text }] });

function open(clock = systemClock): () => CallClaims {
  const storage = storageOf(new MemoryBackend({ clock }), createNamespace('client', 'alice'));
  return () => new CallClaims(storage, clock);
}

describe('a call that is claimed', () => {
  test('is made once by ten who come at once, and all have its result', async () => {
    const process = open();
    let made = 0;
    const results = await Promise.all(
      Array.from({ length: 10 }, () => process().once('call', async () => said(`made ${++made}`))),
    );
    expect(results).toEqual(Array.from({ length: 10 }, () => said('made 1')));
  });

  test('is another than one with another key', async () => {
    const process = open();
    await process().once('a', async () => said('a'));
    expect(await process().once('b', async () => said('b'))).toEqual(said('b'));
  });

  test('is not made again when whoever made it died: nobody knows whether it was carried out', async () => {
    let nowMs = Date.now();
    const clock = (): number => nowMs;
    const process = open(clock);
    const dies = new AbortController();
    void process()
      .once('call', () => new Promise<never>((_, reject) => dies.signal.addEventListener('abort', reject)))
      .catch(() => {});
    await new Promise((resolve) => setImmediate(resolve));
    dies.abort();
    nowMs += 60_000;
    const result = await process().once('call', async () => said('again'));
    expect(result).toMatchObject({ isError: true });
    expect(JSON.stringify(result)).toContain('not known whether this call was carried out');
  });

  test('and was certainly not carried out can be made later', async () => {
    const process = open();
    const refused = process().once('call', () => Promise.reject(new NotCarriedOut(said('sign in'))));
    await expect(refused).rejects.toBeInstanceOf(NotCarriedOut);
    expect(await process().once('call', async () => said('made'))).toEqual(said('made'));
  });

  test('whose result is too long to keep is not made again either', async () => {
    const process = open();
    const long = said('x'.repeat(300_000));
    expect(await process().once('call', async () => long)).toEqual(long);
    expect(JSON.stringify(await process().once('call', async () => said('again')))).toContain('too long');
  });

  test('is waited for no longer than the caller wants', async () => {
    const storage = storageOf(new MemoryBackend(), createNamespace('client', 'alice'));
    const claims = new CallClaims(storage, systemClock);
    const stop = new AbortController();
    let reached = (): void => {};
    const busy = new Promise<void>((resolve) => (reached = resolve));
    let finish = (_: CallToolResult): void => {};
    const first = claims.once('call', () => {
      reached();
      return new Promise((resolve) => (finish = resolve));
    });
    await busy;
    const second = claims.once('call', async () => said('again'), stop.signal);
    stop.abort(new Error('the host stops'));
    await expect(second).rejects.toThrow('the host stops');
    finish(said('made'));
    expect(await first).toEqual(said('made'));
  });
});
