import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';

/** For the fixture beside this file, of which every test must fail. */
export default defineConfig({
  test: {
    include: ['test/secrets/leaks.fixture.ts'],
    root: fileURLToPath(new URL('../..', import.meta.url)),
    setupFiles: [fileURLToPath(new URL('../support/watch-for-secrets.ts', import.meta.url))],
    testTimeout: 60_000,
  },
});
