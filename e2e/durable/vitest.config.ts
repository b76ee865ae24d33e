import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';

const root = new URL('../../', import.meta.url);

export default defineConfig({
  root: fileURLToPath(root),
  test: {
    name: 'durable',
    include: ['e2e/durable/**/*.test.ts'],
    setupFiles: [fileURLToPath(new URL('test/support/watch-for-secrets.ts', root))],
    testTimeout: 120_000,
    hookTimeout: 120_000,
    pool: 'forks',
    silent: 'passed-only',
  },
});
