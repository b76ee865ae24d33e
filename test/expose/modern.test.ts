import { expect, test } from 'vitest';
import {
  errorIn,
  expose,
  jsonHeaders,
  modernMeta,
  readAnswer,
  sendModern,
  textIn,
  until,
} from './expose-stage.ts';

const call = (name: string, args: object = {}): { method: string; params: Record<string, unknown> } => ({
  method: 'tools/call',
  params: { name, arguments: args },
});

test('requests stand alone: one child answers all of a user, and no session is named', async () => {
  const { url, ...exposed } = await expose(['--modern']);
  const answers = await Promise.all(
    [1, 2, 3].map(async () => readAnswer(await sendModern(url, call('pid')))),
  );
  expect(new Set(answers.map(textIn)).size).toBe(1);
  for (const { headers } of answers) expect(headers.has('mcp-session-id')).toBe(false);
  expect(exposed.counts?.sessions ?? 0).toBe(0);
});

test('headers are compared with the body, and the child sees neither', async () => {
  const { url } = await expose(['--modern']);
  const cases: [headers: Record<string, string>, meta: object, status: number, code: number][] = [
    [{ 'mcp-protocol-version': '2025-11-25' }, {}, 400, -32_020],
    [{ 'mcp-method': 'tools/list' }, {}, 400, -32_020],
    [{ 'mcp-name': 'other' }, {}, 400, -32_020],
    [{ 'mcp-name': '=?base64?####?=' }, {}, 400, -32_020],
    [
      { 'mcp-protocol-version': '2099-01-01' },
      { 'io.modelcontextprotocol/protocolVersion': '2099-01-01' },
      400,
      -32_022,
    ],
    [{}, { 'io.modelcontextprotocol/clientCapabilities': 7 }, 400, -32_602],
  ];
  for (const [headers, meta, status, code] of cases) {
    const answer = await readAnswer(await sendModern(url, call('echo'), { headers, meta }));
    expect([answer.status, errorIn(answer).code]).toEqual([status, code]);
  }
  const encoded = await readAnswer(
    await sendModern(url, call('echo'), { headers: { 'mcp-name': '=?base64?ZWNobw==?=' } }),
  );
  expect(textIn(encoded)).toBe('{}');
});

test.each(['mcp-protocol-version', 'mcp-method', 'mcp-name'])(
  'a request without the header %s is refused',
  async (missing) => {
    const { url } = await expose(['--modern']);
    const headers: Record<string, string> = {
      ...jsonHeaders,
      'mcp-protocol-version': '2026-07-28',
      'mcp-method': 'tools/call',
      'mcp-name': 'echo',
    };
    delete headers[missing];
    const body = JSON.stringify({
      jsonrpc: '2.0',
      id: 1,
      method: 'tools/call',
      params: { name: 'echo', _meta: modernMeta },
    });
    const answer = await readAnswer(await fetch(url, { method: 'POST', headers, body }));
    expect([answer.status, errorIn(answer).code]).toEqual([400, -32_020]);
  },
);

test('arguments that a tool has repeated in headers are compared, too', async () => {
  const { url } = await expose(['--modern']);
  const send = async (region: string, header?: string) =>
    readAnswer(
      await sendModern(url, call('mirrored', { region }), {
        headers: header === undefined ? {} : { 'mcp-param-region': header },
      }),
    );
  expect(errorIn(await send('eu')).code).toBe(-32_020);
  expect(errorIn(await send('eu', 'us')).code).toBe(-32_020);
  expect(textIn(await send('eu', 'eu'))).toBe('{"region":"eu"}');
  expect(textIn(await send('é', '=?base64?w6k=?='))).toBe('{"region":"é"}');
});

test('an unknown method is HTTP 404', async () => {
  const { url } = await expose(['--modern']);
  const answer = await readAnswer(await sendModern(url, { method: 'nonsense/here' }));
  expect([answer.status, errorIn(answer).code]).toEqual([404, -32_601]);
});

test('whoever closes the connection cancels the request at the child', async () => {
  const { url } = await expose(['--modern'], { limits: { patienceMs: 10 } });
  const stop = new AbortController();
  const response = await sendModern(url, call('wait'), { signal: stop.signal });
  expect(response.status).toBe(200);
  stop.abort();
  await until(
    'the child was told',
    async () => textIn(await readAnswer(await sendModern(url, call('cancelled')))) === '1',
  );
});

test('a subscription’s notifications name it by the id that its client chose', async () => {
  const { url } = await expose(['--modern']);
  const stop = new AbortController();
  const response = await sendModern(
    url,
    { method: 'subscriptions/listen', id: 'mine' },
    { signal: stop.signal },
  );
  const { value } = await response.body!.pipeThrough(new TextDecoderStream()).getReader().read();
  expect(value).toContain('"io.modelcontextprotocol/subscriptionId":"mine"');
  stop.abort();
});

test('GET and DELETE are not allowed without a session', async () => {
  const { url } = await expose(['--modern']);
  for (const method of ['GET', 'DELETE']) expect((await fetch(url, { method })).status).toBe(405);
});
