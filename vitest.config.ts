import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';

// No test may let out a secret, by whatever way, nor a request by another way than the network's.
const setupFiles = ['watch-for-secrets', 'one-network'].map((name) =>
  fileURLToPath(new URL(`test/support/${name}.ts`, import.meta.url)),
);

export default defineConfig({
  test: {
    // One name for every reporter of every project: `unit` needs nothing but Node, `integration` starts real things.
    projects: [
      {
        test: {
          name: 'unit',
          include: ['src/**/*.test.ts'],
          setupFiles,
          // They replace no module and no global, so a process can serve them all.
          isolate: false,
          testTimeout: 10_000,
        },
      },
      {
        test: {
          name: 'integration',
          include: ['test/**/*.test.ts'],
          setupFiles,
          // Processes, sockets and fsyncs are slow on a shared machine; each wait inside a test has its own deadline.
          testTimeout: 60_000,
          hookTimeout: 60_000,
          pool: 'forks',
          // A file starts what it needs and closes it, so that the next can have its process: half of what a small file
          // cost was loading the same modules.
          isolate: false,
          // Hundreds of processes are started, and most of what one costs is compiling the same sources.
          env: {
            NODE_COMPILE_CACHE: fileURLToPath(new URL('node_modules/.cache/compiled', import.meta.url)),
          },
        },
      },
    ],
    maxWorkers: 2,
    // What is said by default, warnings of what tests do on purpose among it, helps where a test fails.
    silent: 'passed-only',
  },
});
