import { expect, expectTypeOf, test } from 'vitest';
import { z } from 'zod';
import { secretForm } from '../../../src/oob/index.ts';
import { openFlowStage } from '../../support/flow-stage.ts';
import { openForm } from './form-stage.ts';

test('a form of a zod schema checks what is entered on its page, and gives what the schema makes of it', async () => {
  const stage = await openFlowStage();
  const login = z.object({
    user: z.string().transform((text) => text.toLowerCase()),
    password: z
      .string()
      .refine((text) => /\d/u.test(text), 'A digit is needed.')
      .meta({ writeOnly: true }),
  });
  const flow = stage.oob.flow('login', secretForm(login));
  const send = await openForm(stage, (await stage.linkOf('alice', flow)).url);
  const refused = await send({ user: 'Al', password: 'letters' });
  expect([refused.good, refused.text.includes('A digit is needed.')]).toEqual([false, true]);
  expect(refused.text).not.toContain('letters');
  expect((await send({ user: 'Al', password: 'letters1' })).good).toBe(true);
  const principal = await stage.principal('alice');
  const kept = await stage.oob.credentials.acquire(principal, { resource: 'calendar.example', flow });
  expectTypeOf(kept).toEqualTypeOf<{ user: string; password: string }>();
  expect(kept).toEqual({ user: 'al', password: 'letters1' });
});

test('the values of a JSON Schema have its types', () => {
  const flow = secretForm(
    {
      type: 'object',
      properties: {
        key: { type: 'string', writeOnly: true },
        region: { type: 'string', enum: ['eu', 'us'] },
        port: { type: 'integer' },
        tls: { type: 'boolean' },
      },
      required: ['key', 'region'],
    },
    {
      test: async (values) => {
        expectTypeOf(values.key).toEqualTypeOf<string>();
        return 'accepted';
      },
    },
  );
  type Values = NonNullable<ReturnType<typeof flow.credential.read>>;
  expectTypeOf<Values['region']>().toEqualTypeOf<'eu' | 'us'>();
  expectTypeOf<Values['port']>().toEqualTypeOf<number | undefined>();
  expectTypeOf<Values['tls']>().toEqualTypeOf<boolean>();
});
