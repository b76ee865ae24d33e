import { expect, onTestFinished, test, vi } from 'vitest';
import { fixedNamespace } from '../../src/namespace/fixed-namespace.ts';
import { Oob, secretForm, thisMachine } from '../../src/oob/index.ts';
import { MemoryBackend } from '../../src/storage/memory-backend.ts';
import { until } from '../support/tool-stage.ts';

/** Processes of a server, as far as their store can tell, each with a link that it has asked for. */
async function startBoth() {
  const heard: string[] = [];
  const storage = new MemoryBackend();
  const listen = storage.listen.bind(storage);
  storage.listen = (channel, wake) => {
    heard.push(channel);
    return listen(channel, wake);
  };
  const start = async (): Promise<{ oob: Oob; url: string }> => {
    const oob = new Oob({ storage, namespaces: fixedNamespace('me'), gate: thisMachine() });
    onTestFinished(() => oob.close());
    const properties = { key: { type: 'string', writeOnly: true } } as const;
    const flow = oob.flow('key', secretForm({ type: 'object', properties, required: ['key'] }));
    const { url } = await oob.credentials.ask(await oob.principal({}), { resource: 'disk', flow });
    return { oob, url };
  };
  const owner = await start();
  const other = await start();
  /** Whether both have looked who answers, and wait until they look again. */
  const areWaiting = (): boolean => heard.filter((channel) => channel.endsWith(':gate')).length >= 2;
  return { owner, other, areWaiting };
}

test('a process that leaves the port says so, and another answers its links at once', async () => {
  const { owner, other, areWaiting } = await startBoth();
  expect(other.url).toBe(owner.url);
  await until(areWaiting);
  const leftAt = performance.now();
  await owner.oob.close();
  const isAnswered = async (): Promise<void> => void (await fetch(new URL('/', owner.url)));
  await vi.waitFor(isAnswered, { timeout: 10_000, interval: 20 });
  // They look every two seconds by themselves.
  expect(performance.now() - leftAt).toBeLessThan(1_500);
});
