import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    // Suites share nothing: each opens its own temporary folder, database and port.
    isolate: true,
    testTimeout: 30_000,
    hookTimeout: 60_000,
  },
})
