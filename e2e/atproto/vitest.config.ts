import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';

const root = new URL('../../', import.meta.url);

export default defineConfig({
  root: fileURLToPath(root),
  test: {
    name: 'atproto',
    include: ['e2e/atproto/**/*.test.ts'],
    setupFiles: [fileURLToPath(new URL('test/support/watch-for-secrets.ts', root))],
    testTimeout: 60_000,
    hookTimeout: 60_000,
    pool: 'forks',
    // Each file has a network of its own, of some 400 MB.
    fileParallelism: false,
    silent: 'passed-only',
  },
});
