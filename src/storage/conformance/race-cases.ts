import { absent } from '../contract.ts';
import { checkEqual } from './check.ts';
import { defineCase, pause, type ConformanceCase } from './conformance-case.ts';
import { put, take, textOf, versionOf } from './subject-access.ts';

export const raceCases: readonly ConformanceCase[] = [
  defineCase(
    'of 100 concurrent takes of one entry, one gets it',
    async ({ store, other, key }) => {
      for (let round = 0; round < 5; round++) {
        await put(store, key('a'), `round ${round}`);
        const takes = Array.from({ length: 100 }, (_, index) => take(index % 2 ? store : other, key('a')));
        const taken = (await Promise.all(takes)).filter((value) => value !== undefined);
        checkEqual(taken, [`round ${round}`], `what was taken in round ${round}`);
      }
    },
    { timeoutMs: 60_000 },
  ),

  defineCase('of 100 concurrent deletes of one version, one succeeds', async ({ store, other, key }) => {
    const expect = await put(store, key('a'), 'x');
    const outcomes = await Promise.all(
      Array.from({ length: 100 }, (_, index) =>
        (index % 2 ? store : other).commit([{ delete: key('a'), expect }]),
      ),
    );
    checkEqual(
      outcomes.filter((outcome) => outcome !== undefined),
      [['']],
      'the successes',
    );
  }),

  defineCase(
    'of 100 concurrent puts that expect absence, one succeeds, and its value stands',
    async (context) => {
      const { store, other, key } = context;
      const outcomes = await Promise.all(
        Array.from({ length: 100 }, (_, index) =>
          put(index % 2 ? store : other, key('a'), String(index), { expect: absent }),
        ),
      );
      const winners = outcomes.flatMap((version, index) =>
        version === undefined ? [] : [{ version, index }],
      );
      checkEqual(winners.length, 1, 'how many succeeded');
      const entry = await store.get(key('a'));
      checkEqual(entry?.version, winners[0]?.version, 'the version that stands');
      checkEqual(textOf(entry?.value), String(winners[0]?.index), 'the value that stands');
    },
  ),

  defineCase(
    'concurrent increments by version lose none',
    async ({ store, other, key }) => {
      await put(store, key('counter'), '0');
      const increment = async (index: number): Promise<void> => {
        const handle = index % 2 ? store : other;
        for (;;) {
          const entry = await handle.get(key('counter'));
          const next = String(Number(textOf(entry?.value)) + 1);
          if (await put(handle, key('counter'), next, { expect: entry?.version })) return;
        }
      };
      const workers = Array.from({ length: 10 }, async (_, index) => {
        for (let turn = 0; turn < 10; turn++) await increment(index);
      });
      await Promise.all(workers);
      checkEqual(textOf((await store.get(key('counter')))?.value), '100', 'the counter');
    },
    { timeoutMs: 60_000 },
  ),

  defineCase(
    'whoever was told of a version, or lost against one, reads that one or a later one',
    async ({ store, other, key }) => {
      for (let round = 0; round < 30; round++) {
        const path = key(`${round % 3}`);
        const before = await versionOf(store, path);
        const expect = before ?? absent;
        const told = await Promise.all(
          [store, other].map(async (handle) => {
            const won = await put(handle, path, `round ${round}`, { expect });
            return { won, read: await versionOf(handle, path), elsewhere: await versionOf(store, path) };
          }),
        );
        const winner = told.find(({ won }) => won !== undefined)?.won;
        for (const { read, elsewhere } of told) {
          checkEqual([read, elsewhere], [winner, winner], `what was read in round ${round}`);
        }
      }
    },
  ),

  defineCase(
    'a commit is never seen half done',
    async ({ store, other, key }) => {
      await store.commit([
        { put: key('pair', 'left'), value: Uint8Array.of(0) },
        { put: key('pair', 'right'), value: Uint8Array.of(0) },
      ]);
      const write = async (): Promise<void> => {
        for (let round = 1; round <= 50; round++) {
          const value = Uint8Array.of(round);
          await store.commit([
            { put: key('pair', 'left'), value },
            { put: key('pair', 'right'), value },
          ]);
        }
      };
      const read = async (): Promise<void> => {
        for (let last = 0; last < 50;) {
          const [left, right] = await other.list(key('pair'));
          last = left?.value[0] ?? 50;
          checkEqual(left?.value, right?.value, 'both halves of a pair');
          // A driver that answers at once must still leave the writer its turn.
          await pause(0);
        }
      };
      await Promise.all([write(), read(), read()]);
    },
    { timeoutMs: 60_000 },
  ),
];
