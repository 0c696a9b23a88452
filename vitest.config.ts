import { defineConfig } from 'vitest/config';

// Tests run on the built code, so that the processes they start are the very files that users run.
export default defineConfig({
  test: { include: ['dist/**/*.test.js'], testTimeout: 60_000, hookTimeout: 60_000, maxWorkers: 2 },
});
