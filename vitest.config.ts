import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    // One name for every reporter of every project: `unit` needs nothing but Node, `integration` starts real things.
    projects: [
      {
        test: {
          name: 'unit',
          include: ['src/**/*.test.ts'],
          testTimeout: 10_000,
        },
      },
      {
        test: {
          name: 'integration',
          include: ['test/**/*.test.ts'],
          // Processes, sockets and fsyncs are slow on a shared machine; each wait inside a test has its own deadline.
          testTimeout: 60_000,
          hookTimeout: 60_000,
          pool: 'forks',
        },
      },
    ],
    maxWorkers: 2,
  },
});
