import { toStandardJsonSchema } from '@valibot/to-json-schema';
import { type } from 'arktype';
import * as v from 'valibot';
import { describe, expect, test } from 'vitest';
import * as z from 'zod';
import { formShape, type StandardFormSchema } from './standard-schema.ts';

const schemas: Record<string, StandardFormSchema> = {
  zod: z.object({ user: z.string().min(2), port: z.int().min(1), tls: z.boolean().optional() }),
  valibot: toStandardJsonSchema(
    v.object({
      user: v.pipe(v.string(), v.minLength(2)),
      port: v.pipe(v.number(), v.integer(), v.minValue(1)),
      tls: v.optional(v.boolean()),
    }),
  ),
  arktype: type({ user: 'string >= 2', port: 'number.integer >= 1', 'tls?': 'boolean' }),
};

describe.each(Object.entries(schemas))('a form of a schema of %s', (_, schema) => {
  const shape = formShape(schema);

  test('has its fields', () => {
    const { properties, required } = shape.fields;
    expect(Object.entries(properties).map(([name, field]) => [name, field.type])).toEqual(
      expect.arrayContaining([
        ['user', 'string'],
        ['port', 'integer'],
        ['tls', 'boolean'],
      ]),
    );
    expect([...(required ?? [])].toSorted()).toEqual(['port', 'user']);
    expect(properties['user']?.minLength).toBe(2);
  });

  test('reads what fits, and says of each other field what is wrong', () => {
    expect(shape.read({ user: 'al', port: 5432, tls: true })).toEqual({
      value: { user: 'al', port: 5432, tls: true },
    });
    const read = shape.read({ user: 'a', port: 0.5, tls: true });
    expect(Object.keys('problems' in read ? read.problems : {}).toSorted()).toEqual(['port', 'user']);
  });
});

test('what is wrong with the whole stands by itself', () => {
  const schema = z
    .object({ password: z.string(), again: z.string() })
    .refine(({ password, again }) => password === again, 'The two are not the same.');
  expect(formShape(schema).read({ password: 'a', again: 'b' })).toEqual({
    problems: { '': 'The two are not the same.' },
  });
});

test.each<[string, () => unknown]>([
  ['has no JSON Schema', () => formShape(v.object({ a: v.string() }) as unknown as StandardFormSchema)],
  ['asks for a list', () => formShape(z.object({ tags: z.array(z.string()) }))],
  ['asks for what can be left empty on purpose', () => formShape(z.object({ a: z.string().nullable() }))],
  ['is no object', () => formShape(z.string())],
  ['takes its time', () => formShape(z.object({ a: z.string() }).refine(async () => true)).read({ a: 'x' })],
])('a schema that %s is refused', (_, make) => {
  expect(make).toThrow(expect.objectContaining({ code: 'ERR_POSTERN_CONFIG_MISCONFIGURED' }));
});
