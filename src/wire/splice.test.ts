import fc from 'fast-check';
import { expect, test } from 'vitest';
import { namesOnce, spliced } from './splice.ts';

test('every other character stays: order, escapes, spaces, and numbers that JavaScript cannot hold', () => {
  const text =
    '{ "result" : {"id":1,"n":12345678901234567890, "s":"\\u00e9\\"}"} ,"\\u0069d": 7 , "jsonrpc":"2.0"}';
  expect(spliced(text, ['id'], '"x"')).toBe(text.replace(': 7 ,', ': "x" ,'));
});

test('a value within is replaced, and one of the same name elsewhere is not', () => {
  const text = '{"id":1,"params":{"id":2,"_meta":{"other":"\\\\","progressToken":[1,{"a":"]"}]}}}';
  expect(spliced(text, ['params', '_meta', 'progressToken'], '5')).toBe(
    '{"id":1,"params":{"id":2,"_meta":{"other":"\\\\","progressToken":5}}}',
  );
});

test.each([
  ['{"id":1,"id":2}', ['id']],
  ['{"id":1,"\\u0069d":2}', ['id']],
  ['{"method":"a","method":"b","id":1}', ['id']],
  ['{"params":{"_meta":{},"_meta":{"progressToken":1}}}', ['params', '_meta', 'progressToken']],
  ['{"method":"a"}', ['id']],
  ['{"params":[1]}', ['params', 'id']],
  ['[{"id":1}]', ['id']],
])('%s is not spliced', (text, path) => {
  expect(spliced(text, path, '3')).toBeUndefined();
});

test('a text that names a member twice is known', () => {
  expect(namesOnce('{"a":1,"b":{"a":1,"a":2}}')).toBe(true);
  expect(namesOnce('{"a":1,"\\u0061":2}')).toBe(false);
});

test('for every object, splicing means what replacing the member means', () => {
  const objects = fc.dictionary(fc.string(), fc.jsonValue(), { minKeys: 1, noNullPrototype: true });
  fc.assert(
    fc.property(objects, fc.nat(), fc.jsonValue(), fc.constantFrom(0, 2), (object, at, value, indent) => {
      const names = Object.keys(object);
      const name = names[at % names.length] as string;
      const text = spliced(JSON.stringify(object, null, indent), [name], JSON.stringify(value));
      const expected = new Map(Object.entries(object)).set(name, value);
      expect(new Map(Object.entries(JSON.parse(text as string) as object))).toEqual(
        new Map([...expected].map(([key, member]) => [key, JSON.parse(JSON.stringify(member))])),
      );
    }),
  );
});
