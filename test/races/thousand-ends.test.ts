import { describe, test } from 'vitest'
import { expectEndsToWin } from './ended-meanwhile.ts'

describe('N-010 a session that ends while requests of it are in flight', () => {
  test(
    'stays ended, and its apps are refused or told, in 1,000 interleavings (statements that await at random)',
    {
      timeout: 180_000,
    },
    () => expectEndsToWin(1_000, 10),
  )
})
