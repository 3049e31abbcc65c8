import { defineConfig } from 'vitest/config';

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
      {
        test: {
          name: 'suites',
          include: ['test/**/*.test.ts'],
          testTimeout: 120_000,
          hookTimeout: 240_000,
          fileParallelism: false,
          pool: 'forks',
        },
      },
    ],
  },
});
