import { describe, expect, test } from 'vitest'
import { toText } from '#views/html.ts'
import { agoTime, agoWords, clockTime, clockWords, dateWords, durationWords } from '#views/time.ts'

const now = Date.UTC(2026, 2, 12, 17, 20)
const minuteMs = 60_000
const hourMs = 60 * minuteMs
const dayMs = 24 * hourMs

describe('words for a wait', () => {
  test.for([
    [0, '1 s'],
    [1, '1 s'],
    [19_001, '20 s'],
    [59_000, '59 s'],
    [minuteMs, '1 min'],
    [minuteMs + 1, '2 min'],
    [hourMs, '1 h'],
    [47 * hourMs, '47 h'],
    [72 * hourMs, '3 days'],
  ] as const)('%i ms are never said shorter than they are: %s', ([durationMs, words]) => {
    expect(durationWords(durationMs)).toBe(words)
  })
})

describe('words for what was', () => {
  test.for([
    [-5 * minuteMs, 'just now'],
    [59_999, 'just now'],
    [minuteMs, '1 minute ago'],
    [59 * minuteMs, '59 minutes ago'],
    [hourMs, '1 hour ago'],
    [dayMs, '1 day ago'],
    [29 * dayMs, '29 days ago'],
    [30 * dayMs, '10 Feb 2026'],
  ] as const)('%i ms before now is %s', ([elapsedMs, words]) => {
    expect(agoWords(now - elapsedMs, now)).toBe(words)
  })

  test('carry the exact moment for machines and for a pointer', () => {
    expect(toText(agoTime(now - hourMs, now))).toBe(
      '<time datetime="2026-03-12T16:20:00.000Z" title="12 Mar 2026, 16:20 UTC">1 hour ago</time>',
    )
  })
})

describe('words for a moment', () => {
  test.for([
    [now + 40 * minuteMs, '18:00 UTC'],
    [Date.UTC(2026, 2, 12, 0, 5), '00:05 UTC'],
    [now + 7 * hourMs, '13 Mar, 00:20 UTC'],
    [Date.UTC(2027, 0, 1), '1 Jan 2027, 00:00 UTC'],
  ] as const)('%i is %s', ([at, words]) => {
    expect(clockWords(at, now)).toBe(words)
  })

  test('name the year of a date', () => {
    expect(dateWords(now)).toBe('12 Mar 2026')
  })

  test('are marked for the script that knows the reader’s time zone', () => {
    expect(toText(clockTime(now, now))).toBe(
      '<time datetime="2026-03-12T17:20:00.000Z" data-clock>17:20 UTC</time>',
    )
  })
})
