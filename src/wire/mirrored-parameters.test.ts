import { expect, test } from 'vitest';
import { headerText } from './header-text.ts';
import { mirroredHeaders, mirroredParameters } from './mirrored-parameters.ts';

const text = (header: unknown, more: object = {}): object => ({
  type: 'string',
  'x-mcp-header': header,
  ...more,
});

test('arguments are mirrored from where they lie open, however deep', () => {
  const schema = {
    properties: {
      region: text('Region'),
      to: { type: 'object', properties: { id: { type: 'integer', 'x-mcp-header': 'Id' } } },
    },
  };
  const mirrored = mirroredParameters(schema) ?? [];
  expect(mirroredHeaders(mirrored, { region: 'é', to: { id: 7 } })).toEqual({
    'mcp-param-region': '=?base64?w6k=?=',
    'mcp-param-id': '7',
  });
  expect(mirroredHeaders(mirrored, { region: null, to: { id: 2 ** 60 } })).toEqual({});
  expect(mirroredHeaders(mirrored, undefined)).toEqual({});
});

test.each<[string, object]>([
  ['on the schema itself', text('A')],
  ['in an item', { properties: { list: { items: text('A') } } }],
  ['in one of several schemas', { anyOf: [{ properties: { a: text('A') } }] }],
  ['in a definition', { $defs: { a: text('A') } }],
  ['of no type', { properties: { a: { 'x-mcp-header': 'A' } } }],
  ['of a number', { properties: { a: { type: 'number', 'x-mcp-header': 'A' } } }],
  ['under a name that is no header’s', { properties: { a: text('A\r\nB') } }],
  ['under no name', { properties: { a: text('') } }],
  ['under one name twice', { properties: { a: text('A'), b: text('a') } }],
])('a tool that declares a header %s is one that must not be offered', (_where, schema) => {
  expect(mirroredParameters(schema)).toBeUndefined();
});

test('a schema that is deeper than anybody reads is not followed', () => {
  let schema: object = {};
  for (let depth = 0; depth < 10_000; depth++) schema = { properties: { a: schema } };
  expect(mirroredParameters(schema)).toBeUndefined();
});

test.each([
  ['plain', 'plain'],
  ['with spaces inside', 'with spaces inside'],
  ['', '=?base64??='],
  [' before', '=?base64?IGJlZm9yZQ==?='],
  ['=?base64?eA==?=', '=?base64?PT9iYXNlNjQ/ZUE9PT89?='],
  ['a\nb', '=?base64?YQpi?='],
])('%j is the header %j', (value, header) => {
  expect(headerText(value)).toBe(header);
});
