import { describe, expect, test } from 'vitest'
import { dayMs, hourMs, minuteMs } from '#gateway/kernel/clock.ts'
import {
  absoluteEndAt,
  appEndsAt,
  appExpiryOf,
  endsAt,
  expiryOf,
  type LifetimePolicy,
  touchEveryMs,
} from '#gateway/sessions/lifetime.ts'
import { cookieLifetimeSeconds } from '#gateway/sessions/registry.ts'
import { anAppSession, anSsoSession, noon } from './builders.ts'

const policy: LifetimePolicy = {
  idleMs: 8 * hourMs,
  absoluteMs: 24 * hourMs,
  rememberedAbsoluteMs: 14 * dayMs,
}
const usedAt = (hours: number, remembered = false) =>
  anSsoSession('laptop', { lastSeenAt: noon + hours * hourMs, remembered })

describe('how long a session lives', () => {
  test('to the millisecond: idle after its last use, and not before', () => {
    expect(expiryOf(usedAt(1), policy, noon + 9 * hourMs - 1)).toBeUndefined()
    expect(expiryOf(usedAt(1), policy, noon + 9 * hourMs)).toBe('idle')
  })

  test('never beyond its absolute end, however much it is used', () => {
    expect(expiryOf(usedAt(23), policy, noon + 24 * hourMs - 1)).toBeUndefined()
    expect(expiryOf(usedAt(23), policy, noon + 24 * hourMs)).toBe('absolute')
    expect(endsAt(usedAt(23), policy)).toBe(noon + 24 * hourMs)
  })

  test('long after both it is the absolute end that counts', () => {
    expect(expiryOf(usedAt(1), policy, noon + 48 * hourMs)).toBe('absolute')
  })

  test('one that was asked to stay rests for days and ends at a limit of its own', () => {
    expect(expiryOf(usedAt(0, true), policy, noon + 14 * dayMs - 1)).toBeUndefined()
    expect(expiryOf(usedAt(0, true), policy, noon + 14 * dayMs)).toBe('absolute')
    expect(absoluteEndAt(usedAt(0, true), policy)).toBe(noon + 14 * dayMs)
  })

  test('one that was asked to stay has the usual limits where nobody may stay any more', () => {
    const { rememberedAbsoluteMs: _, ...nobodyStays } = policy
    expect(expiryOf(usedAt(0, true), nobodyStays, noon + 8 * hourMs)).toBe('idle')
    expect(expiryOf(usedAt(23, true), nobodyStays, noon + 24 * hourMs)).toBe('absolute')
  })
})

describe("how long an app's session lives", () => {
  test('without limits of its own as long as the session it hangs on', () => {
    expect(appEndsAt(anAppSession(), {})).toBeUndefined()
    expect(appExpiryOf(anAppSession(), {}, noon + 99 * dayMs)).toBeUndefined()
  })

  test('by whichever of its limits comes first', () => {
    const limits = { idleMs: 30 * minuteMs, absoluteMs: hourMs }
    const used = anAppSession('wiki', 'laptop', { lastSeenAt: noon + 45 * minuteMs })
    expect(appEndsAt(anAppSession(), limits)).toBe(noon + 30 * minuteMs)
    expect(appEndsAt(used, limits)).toBe(noon + hourMs)
    expect(appExpiryOf(anAppSession(), limits, noon + 30 * minuteMs - 1)).toBeUndefined()
    expect(appExpiryOf(anAppSession(), limits, noon + 30 * minuteMs)).toBe('idle')
    expect(appExpiryOf(used, limits, noon + hourMs)).toBe('absolute')
  })
})

describe('how often use is written down', () => {
  test.for([
    [8 * hourMs, minuteMs],
    [2 * minuteMs, 30_000],
    [40, 10],
  ] as const)('an idle limit of %i ms: at most every %i ms', ([idleMs, every]) => {
    expect(touchEveryMs(idleMs)).toBe(every)
  })
})

describe('how long the cookie lives in the browser', () => {
  test('until it closes, unless the person asked to stay', () => {
    expect(cookieLifetimeSeconds(usedAt(0), policy, noon)).toBeUndefined()
    expect(cookieLifetimeSeconds(usedAt(0, true), policy, noon)).toBe(14 * 86_400)
    expect(cookieLifetimeSeconds(usedAt(0, true), policy, noon + 13 * dayMs)).toBe(86_400)
  })

  test('never for no time or less: that would delete it', () => {
    expect(cookieLifetimeSeconds(usedAt(0, true), policy, noon + 14 * dayMs - 1)).toBe(1)
  })
})
