import { secondMs } from '../kernel/clock.ts'
import type { Ephemeral } from '../kernel/ephemeral.ts'
import type { SsoSession } from '../sessions/sso-session.ts'

/** What the next page says of what was just done, once. */
export interface Notices<Notice extends string> {
  put(session: SsoSession, notice: Notice): Promise<void>
  take(session: SsoSession): Promise<Notice | undefined>
}

/** The browser asks for the next page at once; a notice that waits longer belongs to nothing any more. */
const noticeMs = 30 * secondMs

/**
 * Kept by us and not in the address, so that no link makes a page claim that something was done (N-184), and a reload does not
 * claim it twice. `space` separates the pages; `known` is the closed set of what may be said.
 */
export function createNotices<Notice extends string>(
  ephemeral: Ephemeral,
  space: string,
  known: readonly Notice[],
): Notices<Notice> {
  return {
    put: (session, notice) => ephemeral.put(space, session.id, notice, noticeMs),
    take: async (session) => {
      const stored = await ephemeral.take(space, session.id)
      return known.find((notice) => notice === stored)
    },
  }
}
