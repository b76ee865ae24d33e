import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { storageConformance, type ConformanceSubject } from './conformance/index.ts';
import { encrypted } from './encrypted.ts';
import { createKeyring } from './keyring.ts';
import { MemoryBackend } from './memory-backend.ts';
import { openSqlite } from './sqlite/index.ts';

const directory = mkdtempSync(join(tmpdir(), 'postern-storage-kit-'));
afterAll(() => rmSync(directory, { recursive: true, force: true }));

function manualClock(): { now: () => number; advance: (ms: number) => void } {
  let nowMs = 1_800_000_000_000;
  return { now: () => nowMs, advance: (ms) => void (nowMs += ms) };
}

const keyring = createKeyring([{ id: 'k1', key: new Uint8Array(32).fill(1) }]);

/** Each case gets a store of its own. */
const stores: Record<string, (name: string) => ConformanceSubject> = {
  MemoryBackend: () => {
    const clock = manualClock();
    const store = new MemoryBackend({ clock: clock.now });
    return { clock, open: async () => store };
  },
  'encrypted(MemoryBackend)': () => {
    const clock = manualClock();
    const store = encrypted(new MemoryBackend({ clock: clock.now }), keyring);
    return { clock, open: async () => store };
  },
  'openSqlite in memory': () => {
    const clock = manualClock();
    const store = openSqlite(':memory:', { clock: clock.now });
    return { clock, open: async () => store };
  },
  openSqlite: (name) => {
    const clock = manualClock();
    const path = join(directory, `${name}.db`);
    return { clock, separateHandles: true, open: async () => openSqlite(path, { clock: clock.now }) };
  },
  'encrypted(openSqlite)': (name) => {
    const clock = manualClock();
    const path = join(directory, `sealed-${name}.db`);
    return {
      clock,
      separateHandles: true,
      open: async () => encrypted(openSqlite(path, { clock: clock.now }), keyring),
    };
  },
  'openSqlite by the real clock': (name) => {
    const path = join(directory, `real-${name}.db`);
    return { separateHandles: true, open: async () => openSqlite(path) };
  },
};

describe.each(Object.keys(stores))('%s', (store) => {
  const { separateHandles = false } = stores[store]!('probe');
  const operations = store.includes('Memory') ? 20_000 : 1_000;
  const cases = storageConformance({ operations }).filter(
    ({ needs }) => needs === undefined || separateHandles,
  );
  test.concurrent.each(cases.map((each, index) => ({ ...each, index })))(
    '$title',
    async ({ run, index }) => {
      await expect(run(stores[store]!(String(index)))).resolves.toBeUndefined();
    },
    60_000,
  );
});
