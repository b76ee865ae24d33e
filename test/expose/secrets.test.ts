import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { addApiKey } from '../../src/expose/access/api-key-file.ts';
import type { Exposed, ExposeOptions } from '../../src/expose/index.ts';
import { forgetSecrets } from '../../src/expose/secrets/forget-secrets.ts';
import { MemoryBackend } from '../../src/storage/memory-backend.ts';
import { createCookieBrowser } from '../support/cookie-browser.ts';
import { createRecordingLogger } from '../support/recording-logger.ts';
import { expose, isAlive, LegacyClient, readAnswer, sendModern, textIn, until } from './expose-stage.ts';

const key = 'good-weather-key';
const canary = 'good-CNRYzsecretz';

async function exposeWithSecret(
  flags: readonly string[] = [],
  options: Partial<ExposeOptions> = {},
): Promise<Exposed> {
  const storage = new MemoryBackend();
  onTestFinished(() => storage.close());
  return expose(['--needs-key', ...flags], {
    secrets: [{ name: 'SERVICE_KEY' }],
    storage,
    name: 'weather',
    ...options,
  });
}

/** Enters a value on the page of a link, as its person does. */
async function enter(url: string, value: string): Promise<{ status: number; html: string }> {
  const browser = createCookieBrowser();
  await browser.open(url);
  return browser.submit({ SERVICE_KEY: value }, 'save');
}

const linkIn = (text: string): string => /https?:\/\/[^\s"\\]+\/connect\/[\w-]+/u.exec(text)?.[0] ?? '';

test('a child that needs a secret of its user starts once they have entered it, and the call goes on', async () => {
  const exposed = await exposeWithSecret();
  const client = await LegacyClient.begin(exposed.url);
  const listed = await client.send({ id: 'l', method: 'tools/list' });
  expect(listed.text).toContain('"connect"');
  const asked = await client.call('env', { name: 'SERVICE_KEY' });
  const link = linkIn(asked.text);
  expect(link).not.toBe('');
  const browser = createCookieBrowser();
  await browser.open(link);
  expect((await browser.submit({ SERVICE_KEY: 'bad' }, 'save')).status).toBe(422);
  expect((await browser.submit({ SERVICE_KEY: key }, 'save')).status).toBe(200);
  expect(await client.text('env', { name: 'SERVICE_KEY' })).toBe(JSON.stringify(key));
  const after = await client.send({ id: 'l2', method: 'tools/list' });
  expect(after.text).toContain('"echo"');
});

test('a client of an older session that shows links is asked in it, and its call waits', async () => {
  const { url } = await exposeWithSecret();
  const client = await LegacyClient.begin(url, { capabilities: { elicitation: { url: {} } } });
  const response = await client.post(
    JSON.stringify({
      jsonrpc: '2.0',
      id: 'c',
      method: 'tools/call',
      params: { name: 'env', arguments: { name: 'SERVICE_KEY' } },
    }),
  );
  const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader();
  let text = '';
  while (!text.includes('elicitation/create')) text += (await reader.read()).value ?? '';
  const question = JSON.parse(/^data: (.*elicitation\/create.*)$/mu.exec(text)?.[1] ?? '') as {
    id: number;
    params: { url: string };
  };
  await client.send({ id: question.id, result: { action: 'accept' } });
  await enter(question.params.url, key);
  for (let read = await reader.read(); !read.done; read = await reader.read()) text += read.value;
  expect(text).toContain(JSON.stringify(JSON.stringify(key)));
});

test.each([
  ['of the same revision', ['--modern']],
  ['of an older one', []],
])(
  'a client of the new revision is told that input is required, and its retry is answered by a child %s',
  async (_what, flags) => {
    const { url } = await exposeWithSecret(flags);
    const meta = { 'io.modelcontextprotocol/clientCapabilities': { elicitation: { url: {} } } };
    const params = { name: 'env', arguments: { name: 'SERVICE_KEY' } };
    const first = await readAnswer(await sendModern(url, { method: 'tools/call', params }, { meta }));
    const result = first.messages[0]?.['result'] as {
      resultType: string;
      requestState: string;
      inputRequests: Record<string, unknown>;
    };
    expect(result.resultType).toBe('input_required');
    await enter(linkIn(first.text), key);
    const inputResponses = Object.fromEntries(
      Object.keys(result.inputRequests).map((name) => [name, { action: 'accept' }]),
    );
    const retry = { ...params, requestState: result.requestState, inputResponses };
    const second = await readAnswer(
      await sendModern(url, { method: 'tools/call', params: retry, id: 2 }, { meta }),
    );
    expect(textIn(second)).toBe(JSON.stringify(key));
  },
);

test('what a user has entered is in no answer of ours, in no log, and in no other user’s child', async () => {
  const logger = createRecordingLogger();
  const file = join(mkdtempSync(join(tmpdir(), 'postern-keys-')), 'keys.txt');
  const [al, bo] = [await addApiKey(file, 'al'), await addApiKey(file, 'bo')];
  const { url } = await exposeWithSecret([], { access: { by: 'api-keys', file }, logger });
  const begin = (held: string): Promise<LegacyClient> =>
    LegacyClient.begin(url, { headers: { authorization: `Bearer ${held}` } });
  const [alice, bob] = [await begin(al), await begin(bo)];
  const link = linkIn((await alice.call('connect')).text);
  // Whoever opens the link says who they are, and Bob is not whom it is for.
  const browserOf = async (held: string) => {
    const browser = createCookieBrowser();
    const page = await browser.open(link);
    expect(page.html).toContain('API key');
    return { browser, opened: await browser.submit({ key: held }) };
  };
  expect((await browserOf(bo)).opened.status).toBe(404);
  const { browser, opened } = await browserOf(al);
  expect(opened.html).toContain('SERVICE_KEY');
  await browser.submit({ SERVICE_KEY: 'bad-weather-key' }, 'save');
  await browser.submit({ SERVICE_KEY: canary }, 'save');
  expect(await alice.text('echo')).toBe('{}');
  expect((await bob.call('echo')).text).toContain('/connect/');
  expect(JSON.stringify(logger.lines)).not.toMatch(/CNRYzsecretz|weather-key/u);
  expect(JSON.stringify(logger.lines)).toContain('no such key: [configured]');
});

test('a secret that is forgotten ends the child, and its user is asked again', async () => {
  const storage = new MemoryBackend();
  const { url } = await exposeWithSecret([], { storage });
  const client = await LegacyClient.begin(url);
  await enter(linkIn((await client.call('connect')).text), key);
  const pid = Number(await client.text('pid'));
  await forgetSecrets({ storage, name: 'weather' });
  await until('its child is gone', () => !isAlive(pid));
  const link = linkIn((await client.call('pid')).text);
  await enter(link, `${key}-2`);
  expect(await client.text('env', { name: 'SERVICE_KEY' })).toBe(JSON.stringify(`${key}-2`));
});
