import { expect, test } from 'vitest';
import { selfCheck } from '../support/example-world.ts';

test('the example checks itself, and says so with its exit code', { timeout: 120_000 }, async () => {
  expect(await selfCheck('login-tool', 110_000)).toContain('none of 12 tokens and keys');
});
