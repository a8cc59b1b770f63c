import { secondMs } from '../kernel/clock.ts'
import type { AppId } from '../kernel/ids.ts'
import type { Cause } from '../sessions/cause.ts'

/** An app hears of so many background endings at once before the rest is spread: what it is told in two seconds anyway. */
const burst = 40

/** Where nobody waits for the app to hear of it, so that it may hear a little later than those who do. */
const inBackground: ReadonlySet<Cause> = new Set(['bulk', 'restore', 'idle', 'absolute'])

/** True when a person or an app acted and waits: they come before everything that is paced. */
export function isUrgent(cause: Cause): boolean {
  return !inBackground.has(cause)
}

/**
 * Spreads what one app is told over time, so that 100,000 sessions that end at once do not flood it, and a person's own sign-out,
 * due at once, overtakes them.
 */
export interface Pacer {
  /** When the next background delivery to this app is due, at `now` at the earliest. Each call takes a place. */
  dueAt(appId: AppId, now: number): number
}

/**
 * Creates a pacer: a bucket per app that holds `burst` and refills at `perSecond`. It lives in the memory of one process: after a
 * restart, or beside a second process, an app gets up to twice as much for a while, which is still bounded by the dispatcher.
 */
export function createPacer(perSecond: number): Pacer {
  const everyMs = secondMs / perSecond
  const next = new Map<AppId, number>()
  return {
    dueAt: (appId, now) => {
      const place = Math.max(next.get(appId) ?? 0, now - (burst - 1) * everyMs)
      next.set(appId, place + everyMs)
      return Math.max(now, Math.ceil(place))
    },
  }
}
