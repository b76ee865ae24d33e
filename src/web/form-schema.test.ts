import { english } from './texts/english.ts';
import { speak } from './texts/texts.ts';
import { describe, expect, test } from 'vitest';
import {
  checkFormSchema,
  readFormValues,
  readStoredValues,
  type FormField,
  type FormSchema,
} from './form-schema.ts';

const schema = (properties: Record<string, FormField>, required: string[] = []): FormSchema => {
  return { type: 'object', properties, required };
};
const read = (properties: Record<string, FormField>, sent: Record<string, string>, required: string[] = []) =>
  readFormValues(schema(properties, required), new URLSearchParams(sent), speak(english));
const text: FormField = { type: 'string' };

describe('checkFormSchema', () => {
  test.each([
    ['no fields', schema({})],
    ['another type', { type: 'array' } as unknown as FormSchema],
    ['nothing at all', undefined as unknown as FormSchema],
    ['a nested object', schema({ a: { type: 'object' } as unknown as FormField })],
    ['the name of the form’s own token', schema({ 'form-token': text })],
    ['the name of the form’s own buttons', schema({ 'form-action': text })],
    ['a name every object has', schema({ constructor: text })],
    ['a name with markup', schema({ '"><b': text })],
    ['a required field that is not there', schema({ a: text }, ['b'])],
    ['a list of values for a number', schema({ a: { type: 'number', enum: ['1'] } })],
    ['a list of values for a secret', schema({ a: { type: 'string', writeOnly: true, enum: ['x'] } })],
    [
      'a secret that is filled in already',
      schema({ a: { type: 'string', format: 'password', default: 'x' } }),
    ],
    ['a secret that is yes or no', schema({ a: { type: 'boolean', writeOnly: true } })],
  ])('refuses %s', (_what, wrong) => {
    expect(() => checkFormSchema(wrong)).toThrow(
      expect.objectContaining({ code: 'ERR_POSTERN_CONFIG_MISCONFIGURED' }),
    );
  });

  test('refuses the prototype as a field, however it got there', () => {
    const wrong = JSON.parse('{"type":"object","properties":{"__proto__":{"type":"string"}}}') as FormSchema;
    expect(() => checkFormSchema(wrong)).toThrow(
      expect.objectContaining({ code: 'ERR_POSTERN_CONFIG_MISCONFIGURED' }),
    );
  });
});

describe('readFormValues', () => {
  test.each([
    ['spaces around it', '  pass word  '],
    ['an emoji and a combining accent', 'pa😀ss e\u0301'],
    ['a tab', 'b\tc'],
    ['markup', '<script>&amp;"\''],
    ['as many characters as there may be', 'x'.repeat(16_384)],
  ])('keeps a secret with %s as it was entered', (_what, secret) => {
    expect(read({ password: { type: 'string', writeOnly: true } }, { password: secret }).values).toEqual({
      password: secret,
    });
  });

  test.each(['\u0000', '\u000B', '\u001B', '\u007F'])('refuses what nobody can type: %j', (control) => {
    for (const format of ['password', 'multiline', 'header']) {
      const { values, problems } = read({ a: { type: 'string', format } }, { a: `x${control}` });
      expect([values, Object.keys(problems)]).toEqual([{}, ['a']]);
    }
  });

  test('takes for a header only what a header can carry', () => {
    const key = { a: { type: 'string', format: 'header' } } as const;
    expect(read(key, { a: 'sk-é/+= 1' }).values).toEqual({ a: 'sk-é/+= 1' });
    expect(Object.keys(read(key, { a: 'sk-€' }).problems)).toEqual(['a']);
    expect(readStoredValues({ type: 'object', properties: key }, { a: 'sk-€' })).toBeUndefined();
  });

  test('keeps the lines of a key, with the line ends it was pasted with', () => {
    const key = '-----BEGIN KEY-----\nabc\n\n-----END KEY-----\n';
    const { values } = read(
      { key: { type: 'string', format: 'multiline' } },
      { key: key.replaceAll('\n', '\r\n') },
    );
    expect(values).toEqual({ key });
  });

  test.each([
    ['two lines where one is meant', { a: text }, { a: 'x\ny' }, 'One line only.'],
    ['a character too many', { a: text }, { a: 'x'.repeat(16_385) }, 'At most 16384 characters.'],
    ['too little', { a: { type: 'string', minLength: 3 } }, { a: 'xy' }, 'At least 3 characters.'],
    [
      'a value beside the list',
      { a: { type: 'string', enum: ['x', 'y'] } },
      { a: 'z' },
      'Choose one of the list.',
    ],
    ['text with a number in it', { a: { type: 'integer' } }, { a: '123abc' }, 'A whole number.'],
    ['a fraction', { a: { type: 'integer' } }, { a: '1.5' }, 'A whole number.'],
    ['an exponent', { a: { type: 'number' } }, { a: '1e400' }, 'A number.'],
    ['infinity', { a: { type: 'number' } }, { a: 'Infinity' }, 'A number.'],
    ['too large a number', { a: { type: 'integer', maximum: 65_535 } }, { a: '65536' }, 'At most 65535.'],
  ] as [string, Record<string, FormField>, Record<string, string>, string][])(
    'refuses %s',
    (_what, fields, sent, problem) => {
      expect(read(fields, sent)).toEqual({ values: {}, problems: { a: problem } });
    },
  );

  test('wants what is required, and leaves out what is not there', () => {
    expect(read({ a: text, b: text, c: { type: 'integer' } }, { b: '' }, ['a'])).toEqual({
      values: {},
      problems: { a: 'This is needed.' },
    });
  });

  test('takes no field that is not in the schema', () => {
    expect(read({ a: text }, { a: '1', admin: 'true', toString: 'x' }).values).toEqual({ a: '1' });
  });

  test('reads a box as ticked when the browser sends it', () => {
    expect(read({ a: { type: 'boolean' }, b: { type: 'boolean' } }, { a: 'true' }).values).toEqual({
      a: true,
      b: false,
    });
  });
});

describe('readStoredValues', () => {
  const now = schema({ host: text, port: { type: 'integer' } }, ['host']);

  test('gives back what still answers the schema', () => {
    expect(readStoredValues(now, { host: 'h', port: 1 })).toEqual({ host: 'h', port: 1 });
    expect(readStoredValues(now, { host: 'h' })).toEqual({ host: 'h' });
  });

  test.each([[{ port: 1 }], [{ host: 'h', port: '1' }], [null], ['text'], [{ host: null }]])(
    'gives back nothing for %j',
    (stored) => {
      expect(readStoredValues(now, stored)).toBeUndefined();
    },
  );
});
