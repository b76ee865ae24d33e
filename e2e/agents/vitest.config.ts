import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';

const root = new URL('../../', import.meta.url);

export default defineConfig({
  root: fileURLToPath(root),
  test: {
    name: 'agents',
    include: ['e2e/agents/**/*.test.ts'],
    setupFiles: [fileURLToPath(new URL('test/support/watch-for-secrets.ts', root))],
    // No trace leaves this machine.
    env: { OPENAI_AGENTS_DISABLE_TRACING: '1' },
    testTimeout: 60_000,
    hookTimeout: 60_000,
    pool: 'forks',
    silent: 'passed-only',
  },
});
