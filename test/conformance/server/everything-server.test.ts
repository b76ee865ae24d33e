import { afterAll, beforeAll, expect, test } from 'vitest';
import { createCookieBrowser } from '../../../demo/browser.ts';
import { startEverythingServer, type EverythingServer } from './start-everything-server.ts';

// What the suite does not ask of a server: that a state is good for one effect of one tool, and a link in a browser.

const revision = '2026-07-28';
let server: EverythingServer;
let nextId = 1;

beforeAll(async () => {
  server = await startEverythingServer();
});
afterAll(() => server.close());

interface Answer {
  readonly error?: { readonly code: number; readonly data?: unknown };
  readonly result?: {
    readonly resultType: string;
    readonly requestState?: string;
    readonly inputRequests?: Readonly<Record<string, { readonly params: { readonly url?: string } }>>;
    readonly isError?: boolean;
    readonly content?: readonly { readonly text: string }[];
  };
}

/** One `tools/call` of the revision 2026-07-28. */
async function callTool(name: string, more: Readonly<Record<string, unknown>> = {}): Promise<Answer> {
  const response = await fetch(server.url, {
    method: 'POST',
    signal: AbortSignal.timeout(20_000),
    headers: {
      'content-type': 'application/json',
      accept: 'application/json, text/event-stream',
      'mcp-protocol-version': revision,
      'mcp-method': 'tools/call',
      'mcp-name': name,
    },
    body: JSON.stringify({
      jsonrpc: '2.0',
      id: nextId++,
      method: 'tools/call',
      params: {
        name,
        arguments: {},
        ...more,
        _meta: {
          'io.modelcontextprotocol/protocolVersion': revision,
          'io.modelcontextprotocol/clientCapabilities': { elicitation: { form: {}, url: {} } },
        },
      },
    }),
  });
  return (await response.json()) as Answer;
}

const stateful = 'test_input_required_result_request_state';
const confirmed = { confirm: { action: 'accept', content: { ok: true } } };
const refused = { code: -32602, data: { reason: 'invalid_request_state' } };

test('a request state confirms once, of twenty replays at the same time and one after them', async () => {
  const requestState = (await callTool(stateful)).result?.requestState;
  const retry = (): Promise<Answer> => callTool(stateful, { requestState, inputResponses: confirmed });
  const answers = await Promise.all(Array.from({ length: 20 }, retry));
  const done = answers.filter(({ result }) => result?.content?.[0]?.text.startsWith('state-ok') === true);
  expect(done).toHaveLength(1);
  expect((await retry()).error).toMatchObject(refused);
});

test('a request state of one tool is no answer to another', async () => {
  const requestState = (await callTool(stateful)).result?.requestState;
  const elsewhere = await callTool('test_input_required_result_tampered_state', {
    requestState,
    inputResponses: confirmed,
  });
  expect(elsewhere.result).toMatchObject({ isError: true });
  const home = await callTool(stateful, { requestState, inputResponses: confirmed });
  expect(home.result?.content?.[0]?.text).toBe('state-ok, confirmed: true');
});

test('a request state with one character changed is refused before the tool sees it', async () => {
  const { requestState = '' } = (await callTool(stateful)).result ?? {};
  expect(requestState).not.toBe('');
  const middle = requestState.length >> 1;
  const other = requestState[middle] === 'A' ? 'B' : 'A';
  const changed = requestState.slice(0, middle) + other + requestState.slice(middle + 1);
  expect(
    (await callTool(stateful, { requestState: changed, inputResponses: confirmed })).error,
  ).toMatchObject(refused);
});

test('a key entered behind the link finishes the call that asked for it, and is in no answer', async () => {
  const key = 'k3y-of-the-vault';
  const asked = await callTool('test_secret');
  const [[name, request] = []] = Object.entries(asked.result?.inputRequests ?? {});
  if (name === undefined || request?.params.url === undefined) throw new Error('no link was given');
  const browser = createCookieBrowser();
  expect((await browser.open(request.params.url)).status).toBe(200);
  expect((await browser.submit({ key })).status).toBe(200);
  const done = await callTool('test_secret', {
    requestState: asked.result?.requestState,
    inputResponses: { [name]: { action: 'accept' } },
  });
  expect(done.result?.content?.[0]?.text).toBe(`The key has ${key.length} characters.`);
  expect(JSON.stringify([asked, done])).not.toContain(key);
});
