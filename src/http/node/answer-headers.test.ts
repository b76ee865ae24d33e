import { expect, test } from 'vitest';
import { AnswerHeaders } from './answer-headers.ts';

const raw = [
  'Content-Type',
  'text/plain',
  'Set-Cookie',
  'a=1',
  'X-Two',
  'one',
  'set-cookie',
  'b=2',
  'x-two',
  'two',
];

function asHeaders(): Headers {
  const headers = new Headers();
  for (let at = 0; at < raw.length; at += 2) headers.append(raw[at]!, raw[at + 1]!);
  return headers;
}

test('every header is what Headers makes of it, by whichever case it is asked for', () => {
  const own = new AnswerHeaders(raw);
  for (const name of ['content-type', 'Content-Type', 'X-TWO', 'set-cookie', 'absent'])
    expect([own.get(name), own.has(name)]).toEqual([asHeaders().get(name), asHeaders().has(name)]);
});

test('all of them are those of Headers, in its order', () => {
  const own = new AnswerHeaders(raw);
  expect([...own]).toEqual([...asHeaders()]);
  expect([...own.entries()]).toEqual([...asHeaders().entries()]);
  expect([...own.keys()]).toEqual([...asHeaders().keys()]);
  expect([...own.values()]).toEqual([...asHeaders().values()]);
  expect(own.getSetCookie()).toEqual(['a=1', 'b=2']);
  expect([...new Headers(own)]).toEqual([...asHeaders()]);
  const seen: string[] = [];
  own.forEach((value, name, headers) => seen.push(`${name}: ${value}`, String(headers === own)));
  expect(seen.slice(0, 2)).toEqual(['content-type: text/plain', 'true']);
});

test('what is changed is found changed', () => {
  const own = new AnswerHeaders(raw);
  own.delete('content-type');
  own.set('x-two', 'three');
  own.append('x-two', 'four');
  expect([own.get('content-type'), own.has('Content-Type'), own.get('X-Two')]).toEqual([
    null,
    false,
    'three, four',
  ]);
});
