import { describe, expect, test } from 'vitest'
import { parseDuration } from '#config/duration.ts'

describe('durations', () => {
  test.for([
    ['1s', 1_000],
    ['90s', 90_000],
    ['15m', 900_000],
    ['12h', 43_200_000],
    ['30d', 2_592_000_000],
  ] as const)('%s is %i ms', ([text, ms]) => {
    expect(parseDuration(text)).toBe(ms)
  })

  test.for(['0s', '', '15', 'm', '1.5h', '-1s', '1 h', '1h30m', '01h', '1w', '1H', '100000d', ' 1s', '1s\n'])(
    '%j is not one',
    (text) => {
      expect(parseDuration(text)).toBeUndefined()
    },
  )
})
