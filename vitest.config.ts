import { defineConfig } from 'vitest/config';

/** Suites that mostly wait for processes of their own: leases, silence, restarts. They run beside the others. */
const waitingSuites = [
  'test/e2e/cluster/**/*.test.ts',
  'test/e2e/{failed-starts,lifecycle,lost-engine,pages,verify-through}.test.ts',
  'test/integration/{bus,decoder,gateway,kv}/**/*.test.ts',
];

const suite = { testTimeout: 120_000, hookTimeout: 240_000, fileParallelism: false, pool: 'forks' } as const;

// Cross-package imports resolve to built code, so `npm run build` comes first; `npm test` does it.
export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: 'unit',
          include: ['packages/*/src/**/*.spec.ts', 'services/*/src/**/*.spec.ts', 'scripts/**/*.spec.mjs'],
        },
      },
      { test: { ...suite, name: 'suites', include: ['test/**/*.test.ts'], exclude: waitingSuites } },
      { test: { ...suite, name: 'waiting-suites', include: waitingSuites } },
    ],
  },
});
