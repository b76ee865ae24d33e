import { expect, test } from 'vitest';
import { encrypted } from '../../storage/encrypted.ts';
import { createKeyring } from '../../storage/keyring.ts';
import { MemoryBackend } from '../../storage/memory-backend.ts';
import { createSurroundings } from '../../sync/surroundings.ts';
import { createRecordingLogger } from '../../../test/support/recording-logger.ts';
import { MachineStore } from './machine-record.ts';

test('a machine whose port and key are sealed with a key that is lost agrees on another, and says so', async () => {
  const raw = new MemoryBackend();
  const logger = createRecordingLogger();
  const under = (fill: number, id: string) =>
    createSurroundings({
      storage: encrypted(raw, createKeyring([{ id, key: new Uint8Array(32).fill(fill) }])),
      logger,
    });
  const before = new MachineStore(under(1, 'before'));
  const key = await before.key();
  await before.move(await before.port(), 4_711);
  await before.noteLink('link', Date.now() + 60_000);

  const [one, other] = [new MachineStore(under(2, 'after')), new MachineStore(under(2, 'after'))];
  const port = await one.port();
  expect(port.port).toBe(0);
  expect(await one.move(port, 4_712)).toBe(true);
  expect((await other.port()).port).toBe(4_712);
  const [found, again] = await Promise.all([one.key(), other.key()]);
  expect(found).toEqual(again);
  expect(found).not.toEqual(key);
  // Its end says so, although nothing else of it can be read.
  expect(await one.liveUntilMs()).toBeGreaterThan(Date.now());
  expect(logger.lines.filter((line) => line.includes('"table":"machine","'))).not.toEqual([]);
  for (const line of logger.lines) expect(line).toContain('"sealedWith":"before"');
});
