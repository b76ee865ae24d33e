import fc from 'fast-check';
import { expect, test } from 'vitest';
import { errorText, readMessage, readMessageText, resultText } from './message.ts';

test.each([
  ['{', -32700],
  ['', -32700],
  ['[]', -32600],
  ['[{"jsonrpc":"2.0","id":1,"method":"ping"}]', -32600],
  ['null', -32600],
  ['7', -32600],
  ['{"jsonrpc":"1.0","id":1,"method":"ping"}', -32600],
  ['{"jsonrpc":"2.0"}', -32600],
  ['{"jsonrpc":"2.0","id":{},"method":"ping"}', -32600],
  ['{"jsonrpc":"2.0","id":null,"method":"ping"}', -32600],
  ['{"jsonrpc":"2.0","id":1.5,"method":"ping"}', -32600],
  ['{"jsonrpc":"2.0","id":1152921504606846976,"method":"ping"}', -32600],
  ['{"jsonrpc":"2.0","id":1,"method":7}', -32600],
  ['{"jsonrpc":"2.0","id":1,"method":"ping","params":[]}', -32600],
  ['{"jsonrpc":"2.0","id":1,"method":"ping","result":{}}', -32600],
  ['{"jsonrpc":"2.0","id":1,"result":{},"error":{"code":1,"message":""}}', -32600],
  ['{"jsonrpc":"2.0","result":{}}', -32600],
  ['{"jsonrpc":"2.0","id":1,"error":{"code":"x","message":""}}', -32600],
])('%s is refused', (text, code) => {
  expect(readMessageText(text)).toMatchObject({ kind: 'refused', code });
});

test.each([
  [
    '{"jsonrpc":"2.0","id":"__proto__","method":"ping"}',
    { kind: 'request', id: '__proto__', method: 'ping' },
  ],
  ['{"jsonrpc":"2.0","id":"","method":"ping"}', { kind: 'request', id: '' }],
  ['{"jsonrpc":"2.0","id":0,"method":"ping","params":{}}', { kind: 'request', id: 0, params: {} }],
  ['{"jsonrpc":"2.0","method":"x\u2028"}', { kind: 'notification', method: 'x\u2028' }],
  ['{"jsonrpc":"2.0","id":-3,"result":null}', { kind: 'result', id: -3, result: null }],
  ['{"jsonrpc":"2.0","id":4,"error":{"code":-1,"message":"m","data":[]}}', { kind: 'error', id: 4 }],
  ['{"jsonrpc":"2.0","id":null,"error":{"code":-32700,"message":"m"}}', { kind: 'error' }],
])('%s is a message', (text, expected) => {
  expect(readMessageText(text)).toMatchObject({ ...expected, text });
});

test('what is refused says whose call it would have ended', () => {
  expect(readMessageText('{"jsonrpc":"2.0","id":9,"error":"no"}')).toMatchObject({ kind: 'refused', id: 9 });
});

test('a member named __proto__ changes no object', () => {
  const message = readMessageText('{"jsonrpc":"2.0","__proto__":{"method":"ping"},"id":1,"result":{}}');
  expect(message.kind).toBe('result');
  expect(({} as Record<string, unknown>)['method']).toBeUndefined();
});

test('a message that was sent over several lines is kept as one', () => {
  const message = readMessageText('{\r\n  "jsonrpc": "2.0",\n  "method": "a\\nb"\n}\n');
  expect(message).toMatchObject({ kind: 'notification', method: 'a\nb' });
  expect((message as { text: string }).text).not.toMatch(/[\r\n]/u);
});

test('no value at all makes the reading throw', () => {
  fc.assert(fc.property(fc.anything(), (value) => void readMessage(value)));
  fc.assert(fc.property(fc.json(), (text) => void readMessageText(text)));
});

test('what is written as an answer is read as one', () => {
  expect(readMessageText(resultText('a', { b: 1 }))).toMatchObject({
    kind: 'result',
    id: 'a',
    result: { b: 1 },
  });
  expect(readMessageText(errorText(1, { code: -1, message: 'm' }))).toMatchObject({ kind: 'error', id: 1 });
  expect(readMessageText(errorText(null, { code: -1, message: 'm' }))).toMatchObject({ kind: 'error' });
});
