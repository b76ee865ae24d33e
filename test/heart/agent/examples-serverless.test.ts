import { expect, test } from 'vitest';
import { selfCheck } from '../../support/example-world.ts';

test('the function asks, comes back and answers in processes that share nothing but a store', async () => {
  expect(await selfCheck('serverless', 290_000)).toContain('had a process of its own');
}, 300_000);
