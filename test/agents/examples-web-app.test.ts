import { expect, test } from 'vitest';
import { selfCheck } from '../support/example-world.ts';

test('the example checks itself, and says so with its exit code', { timeout: 60_000 }, async () => {
  expect(await selfCheck('web-app', 50_000)).toContain('answered by itself, without a reload');
});
