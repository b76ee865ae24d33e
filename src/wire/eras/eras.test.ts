import { expect, test } from 'vitest';
import { readMessageText, type RequestMessage } from '../message.ts';
import { enveloped, envelopeOf, unveloped, withId } from './envelope.ts';
import { isModernOnly, toDiscoverResult, toInitializeResult } from './greetings.ts';
import { answered, inputRequired, inputRequiredResult } from './input-required.ts';

const read = (text: string): RequestMessage => readMessageText(text) as RequestMessage;
const envelope = { capabilities: { roots: {} }, clientInfo: { name: 'h' }, logLevel: 'info' };

test.each([
  '{"jsonrpc":"2.0","id":1,"method":"tools/list"}',
  '{"id":1,"params":{},"jsonrpc":"2.0","method":"tools/list"}',
  '{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"a","arguments":{"n":12345678901234567890,"x":1.0},"_meta":{"progressToken":3}}}',
])('an envelope goes around %s and comes off again, and the rest stays as it stands', (text) => {
  const inside = enveloped(read(text), envelope);
  const again = read(inside.text ?? '');
  expect(envelopeOf(again)).toEqual(envelope);
  expect(again.params).toEqual(inside.params);
  if (text.includes('arguments'))
    expect(inside.text).toContain('"arguments":{"n":12345678901234567890,"x":1.0}');
  const { _meta, ...params } = unveloped(again).params ?? {};
  const { _meta: meta = {}, ...before } = read(text).params ?? {};
  expect(params).toEqual(before);
  expect(_meta).toEqual(meta);
});

test('a message that names a member twice is written anew, as it was read', () => {
  const changed = withId(read('{"jsonrpc":"2.0","id":1,"id":2,"method":"a"}'), 'x');
  expect(changed).toEqual({ kind: 'request', id: 'x', method: 'a' });
});

test('the state of a server goes back to the last character, and what was answered with it', () => {
  const state = '\u0000é"\\\u2028 12';
  const again = answered(read('{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"a"}}'), 'r', {
    responses: { k: { action: 'accept' } },
    requestState: state,
  });
  expect(JSON.parse(again.text ?? '')).toMatchObject({
    id: 'r',
    params: { name: 'a', requestState: state, inputResponses: { k: { action: 'accept' } } },
  });
});

test.each<[string, unknown, unknown]>([
  ['a result', { resultType: 'complete' }, undefined],
  ['a result of before', { content: [] }, undefined],
  ['nothing to do and nothing to wait for', { resultType: 'input_required' }, 'invalid'],
  ['a state that is no text', { resultType: 'input_required', requestState: 1 }, 'invalid'],
  ['a request without a method', { resultType: 'input_required', inputRequests: { a: {} } }, 'invalid'],
  [
    'parameters that are none',
    { resultType: 'input_required', inputRequests: { a: { method: 'm', params: [] } } },
    'invalid',
  ],
  ['waiting', { resultType: 'input_required', requestState: 's' }, { requests: [], requestState: 's' }],
])('of %s it is known what is asked', (_what, result, asked) => {
  expect(inputRequired(result)).toEqual(asked);
});

test('what is asked is asked the same in both directions', () => {
  const asked = {
    requests: [
      { key: '__proto__', method: 'roots/list' },
      { key: 'b', method: 'm', params: { x: 1 } },
    ],
    requestState: 's',
  };
  expect(inputRequired(JSON.parse(JSON.stringify(inputRequiredResult(asked))))).toEqual(asked);
});

test('a greeting of one era says what that of the other says', () => {
  const initialized = {
    protocolVersion: '2025-11-25',
    capabilities: { tools: {} },
    serverInfo: { name: 's' },
    instructions: 'i',
  };
  const discovered = toDiscoverResult(initialized);
  expect(toInitializeResult(discovered, '2025-11-25')).toEqual(initialized);
  expect(toInitializeResult(discovered, '2099-01-01')['protocolVersion']).toBe('2025-11-25');
  expect(toInitializeResult(undefined, undefined)).toMatchObject({
    capabilities: {},
    serverInfo: { name: 'unknown' },
  });
});

test.each<[boolean, { code: number; data?: unknown }]>([
  [true, { code: -32_022, data: { supported: ['2026-07-28'] } }],
  [false, { code: -32_022, data: { supported: ['2024-11-05'] } }],
  [true, { code: -32_601 }],
  [false, { code: -32_000 }],
])('that a server may be of the modern era alone is %s of %j', (is, error) => {
  expect(isModernOnly(error)).toBe(is);
});
