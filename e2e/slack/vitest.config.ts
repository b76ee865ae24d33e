import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';

const root = new URL('../../', import.meta.url);

export default defineConfig({
  root: fileURLToPath(root),
  test: {
    name: 'slack',
    include: ['e2e/slack/**/*.test.ts'],
    setupFiles: [fileURLToPath(new URL('test/support/watch-for-secrets.ts', root))],
    // They start processes, of which two cores bear few at once.
    fileParallelism: false,
    testTimeout: 300_000,
    hookTimeout: 60_000,
    pool: 'forks',
    silent: 'passed-only',
  },
});
