import { expect, test } from 'vitest';
import { errorIn, expose, readAnswer, sendModern, textIn } from './expose-stage.ts';

const call = (
  name: string,
  args: object = {},
  more: object = {},
): { method: string; params: Record<string, unknown> } => ({
  method: 'tools/call',
  params: { name, arguments: args, ...more },
});

test('a client of 2026-07-28 is served by a child of older revisions, which never sees the envelope', async () => {
  const { url } = await expose();
  const discovered = await readAnswer(await sendModern(url, { method: 'server/discover' }));
  expect(discovered.messages[0]?.['result']).toMatchObject({
    resultType: 'complete',
    supportedVersions: ['2026-07-28'],
    capabilities: { tools: {} },
    _meta: { 'io.modelcontextprotocol/serverInfo': { name: 'plain' } },
  });
  const listed = await readAnswer(await sendModern(url, { method: 'tools/list' }));
  expect(listed.messages[0]?.['result']).toMatchObject({
    resultType: 'complete',
    ttlMs: 0,
    cacheScope: 'private',
  });
  const pids = await Promise.all(
    [1, 2].map(async () => textIn(await readAnswer(await sendModern(url, call('pid'))))),
  );
  expect(pids[0]).toBe(pids[1]);
  expect(textIn(await readAnswer(await sendModern(url, call('echo', { a: 1 }))))).toBe('{"a":1}');
});

test('what both eras say alike comes byte for byte', async () => {
  const { url } = await expose();
  const line = '{"id" : "ID","jsonrpc":"2.0", "result":{"n":12345678901234567890.10,"u":"\\u00e9"}}';
  const { text } = await readAnswer(await sendModern(url, call('raw', { line }), {}));
  const added = '"resultType":"complete",';
  expect(text.replace(/"_meta":\{[^}]*\}\},/u, '').replace(added, '')).toBe(line.replace('"ID"', '1'));
  expect(text).toContain(added);
});

test.each(['ping', 'logging/setLevel', 'resources/subscribe', 'nonsense'])(
  '%s is a method that there is not',
  async (method) => {
    const { url } = await expose();
    const answer = await readAnswer(await sendModern(url, { method }));
    expect([answer.status, errorIn(answer).code]).toEqual([404, -32_601]);
  },
);

test('a resource that is not there is said as the new revision says it', async () => {
  const { url } = await expose();
  const line = '{"jsonrpc":"2.0","id":"ID","error":{"code":-32002,"message":"not there","data":{"uri":"x"}}}';
  expect(errorIn(await readAnswer(await sendModern(url, call('raw', { line }))))).toEqual({
    code: -32_602,
    message: 'not there',
    data: { uri: 'x' },
  });
});

test('a link that the child wants opened is input that is required, and the retry asks the child anew', async () => {
  const { url } = await expose();
  const elicitation = {
    mode: 'url',
    elicitationId: 'e',
    url: 'https://service.example/connect',
    message: 'Sign in',
  };
  const line = JSON.stringify({
    jsonrpc: '2.0',
    id: 'ID',
    error: { code: -32_042, message: 'sign in', data: { elicitations: [elicitation] } },
  });
  const meta = { 'io.modelcontextprotocol/clientCapabilities': { elicitation: { url: {} } } };
  const asked = await readAnswer(await sendModern(url, call('raw', { line }), { meta }));
  expect(asked.messages[0]?.['result']).toEqual({
    resultType: 'input_required',
    requestState: 'again',
    inputRequests: {
      'link-1': {
        method: 'elicitation/create',
        params: { mode: 'url', message: 'Sign in', url: elicitation.url },
      },
    },
  });
  const retry = { requestState: 'again', inputResponses: { 'link-1': { action: 'accept' } } };
  const again = await readAnswer(await sendModern(url, call('echo', { a: 1 }, retry), { meta }));
  expect(textIn(again)).toBe('{"a":1}');
  const declined = { requestState: 'again', inputResponses: { 'link-1': { action: 'decline' } } };
  expect(
    errorIn(await readAnswer(await sendModern(url, call('raw', { line }, declined), { meta }))).message,
  ).toContain('declined');
  // A client that shows no links has it in words.
  const inWords = await readAnswer(await sendModern(url, call('raw', { line })));
  expect(inWords.messages[0]?.['result']).toMatchObject({ isError: true });
  expect(textIn(inWords)).toContain(elicitation.url);
});

test('a subscription hears what it asked for of what the child says, and that its child has ended', async () => {
  const { url } = await expose();
  const notifications = { toolsListChanged: true, promptsListChanged: true, resourceSubscriptions: ['x:1'] };
  const response = await sendModern(url, {
    method: 'subscriptions/listen',
    id: 'mine',
    params: { notifications },
  });
  const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader();
  let text = '';
  const readUntil = async (sought: string): Promise<void> => {
    while (!text.includes(sought)) {
      const { value, done } = await reader.read();
      if (done) throw new Error(`ended without ${sought}: ${text}`);
      text += value;
    }
  };
  await readUntil('acknowledged');
  expect(text).toContain('"notifications":{"toolsListChanged":true,"resourceSubscriptions":["x:1"]}');
  for (const uri of ['x:2', 'x:1']) await sendModern(url, call('change', { uri }));
  await readUntil('"uri":"x:1"');
  expect(text).toContain('tools/list_changed');
  expect(text).not.toContain('x:2');
  expect(text.match(/"io.modelcontextprotocol\/subscriptionId":"mine"/gu)?.length).toBeGreaterThanOrEqual(4);
  await sendModern(url, call('die'));
  let ended = false;
  while (!ended) ended = (await reader.read()).done;
});

test('what a child of older revisions asks of such a client is answered for it', async () => {
  const { url } = await expose();
  expect(textIn(await readAnswer(await sendModern(url, call('ask'))))).toContain('-32601');
  expect(textIn(await readAnswer(await sendModern(url, call('ping'))))).toBe('{}');
});
