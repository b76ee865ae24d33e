import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';

const root = new URL('../../', import.meta.url);

export default defineConfig({
  root: fileURLToPath(root),
  test: {
    name: 'runtimes',
    include: ['e2e/runtimes/**/*.test.ts'],
    setupFiles: [fileURLToPath(new URL('test/support/watch-for-secrets.ts', root))],
    globalSetup: [fileURLToPath(new URL('unpack.setup.ts', import.meta.url))],
    testTimeout: 180_000,
    hookTimeout: 120_000,
    pool: 'forks',
    fileParallelism: false,
    silent: 'passed-only',
  },
});
