import { check, checkEqual, checkRejects } from './check.ts';
import { defineCase, pause, until, type CaseContext, type ConformanceCase } from './conformance-case.ts';
import { hostileSegments } from './list-cases.ts';
import { put } from './subject-access.ts';
import { whatEscapes } from './what-escapes.ts';

/** How long a store may take to pass a signal on. */
const latestMs = 3_000;

/** Signals may be lost, so they are repeated until one is heard. */
async function signalUntil({ store }: CaseContext, channel: string, isHeard: () => boolean): Promise<void> {
  const deadline = performance.now() + latestMs;
  while (!isHeard() && performance.now() < deadline) {
    await store.signal(channel);
    await until(isHeard, 500);
  }
}

export const signalCases: readonly ConformanceCase[] = [
  defineCase('a signal wakes the listeners of its channel on every handle', async (context) => {
    const { store, other, partition } = context;
    let [here, there] = [0, 0];
    const unlistenHere = await store.listen(partition, () => here++);
    const unlistenThere = await other.listen(partition, () => there++);
    await signalUntil(context, partition, () => here > 0 && there > 0);
    check(here > 0, 'a listener on the same handle is woken');
    check(there > 0, 'a listener on another handle is woken');
    await unlistenHere();
    await unlistenThere();
  }),

  defineCase('a signal wakes nobody on another channel', async (context) => {
    const { other, partition } = context;
    let foreign = 0;
    let own = 0;
    const names = hostileSegments.map((segment) => `${partition}${segment}`);
    const unlisten = await Promise.all(names.map((name) => other.listen(name, () => foreign++)));
    const unlistenOwn = await other.listen(partition, () => own++);
    await signalUntil(context, partition, () => own > 0);
    await pause(100);
    check(own > 0, 'the channel itself is woken');
    checkEqual(foreign, 0, 'how often another channel was woken');
    for (const stop of [...unlisten, unlistenOwn]) await stop();
  }),

  defineCase('a listener that was removed is not called again, and others are', async (context) => {
    const { other, partition } = context;
    let [removed, kept] = [0, 0];
    const unlisten = await other.listen(partition, () => removed++);
    const unlistenKept = await other.listen(partition, () => kept++);
    await unlisten();
    await unlisten();
    await signalUntil(context, partition, () => kept > 0);
    check(kept > 0, 'the other listener is woken');
    checkEqual(removed, 0, 'how often the removed one was called');
    await unlistenKept();
  }),

  defineCase('one function that listens twice is removed once at a time', async (context) => {
    let calls = 0;
    const wake = (): void => void calls++;
    const first = await context.store.listen(context.partition, wake);
    const second = await context.store.listen(context.partition, wake);
    await first();
    await signalUntil(context, context.partition, () => calls > 0);
    check(calls > 0, 'the second one is still woken');
    await second();
  }),

  defineCase('a listener that throws keeps no other from being woken', async (context) => {
    const thrown = new Error('thrown by a listener');
    const escaped = await whatEscapes(thrown, async () => {
      let [bad, woken] = [0, 0];
      const unlistenBad = await context.other.listen(context.partition, () => {
        bad++;
        throw thrown;
      });
      const unlisten = await context.other.listen(context.partition, () => woken++);
      await signalUntil(context, context.partition, () => bad > 0 && woken > 0);
      check(bad > 0, 'the one that throws is woken');
      check(woken > 0, 'the other listener is woken');
      await unlistenBad();
      await unlisten();
    });
    checkEqual(escaped, 0, 'how often what it threw was left to end the process');
  }),

  defineCase('whoever is woken by a signal reads what was committed before it', async (context) => {
    const { store, other, partition, key } = context;
    for (let round = 0; round < 10; round++) {
      // A channel of its own: a late signal of the round before proves nothing about this one.
      const channel = `${partition}:${round}`;
      const seen: Promise<string | undefined>[] = [];
      const unlisten = await other.listen(channel, () => {
        seen.push(other.get(key('a')).then((entry) => entry?.version));
      });
      const version = await put(store, key('a'), `round ${round}`);
      await signalUntil(context, channel, () => seen.length > 0);
      checkEqual(await seen[0], version, `the version read in round ${round}`);
      await unlisten();
    }
  }),

  defineCase('many signals at once reach a listener, doubled or not', async (context) => {
    const { store, other, partition } = context;
    let calls = 0;
    const unlisten = await other.listen(partition, () => calls++);
    await Promise.all(Array.from({ length: 200 }, () => store.signal(partition)));
    await signalUntil(context, partition, () => calls > 0);
    check(calls > 0, 'it is woken');
    await unlisten();
  }),
];

export const closeCases: readonly ConformanceCase[] = [
  defineCase('a closed handle refuses everything with a typed error', async ({ store, key, partition }) => {
    const unlisten = await store.listen(partition, () => {});
    await store.close();
    const code = 'ERR_POSTERN_STORAGE_UNAVAILABLE';
    await checkRejects(store.get(key('a')), code, 'get');
    await checkRejects(store.list(key()), code, 'list');
    await checkRejects(store.commit([{ put: key('a'), value: Uint8Array.of(1) }]), code, 'put');
    await checkRejects(store.commit([{ delete: key('a') }]), code, 'delete');
    await checkRejects(store.signal(partition), code, 'signal');
    await checkRejects(
      store.listen(partition, () => {}),
      code,
      'listen',
    );
    await unlisten();
    await store.close();
  }),

  defineCase(
    'a write that was asked for before close ends before it',
    async ({ store, other, key }) => {
      const written = put(store, key('a'), 'x').catch((error: unknown) => error);
      await store.close();
      const outcome = await written;
      if (typeof outcome === 'string') {
        checkEqual((await other.get(key('a')))?.version, outcome, 'an acknowledged write is there');
      } else {
        await checkRejects(Promise.reject(outcome), 'ERR_POSTERN_STORAGE_UNAVAILABLE', 'a refused write');
      }
    },
    { needs: 'separateHandles' },
  ),

  defineCase(
    'closing one handle leaves the others and the entries alone',
    async ({ store, other, subject, key }) => {
      const version = await put(store, key('a'), 'x');
      await store.close();
      checkEqual((await other.get(key('a')))?.version, version, 'another handle');
      const third = await subject.open();
      try {
        checkEqual((await third.get(key('a')))?.version, version, 'a handle opened later');
      } finally {
        await third.close();
      }
    },
    { needs: 'separateHandles' },
  ),
];
