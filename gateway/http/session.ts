import type { IncomingMessage } from 'node:http'
import type { Context } from 'koa'
import type { Cookies } from './cookies.ts'
import { factsOf } from './request.ts'

/** What a cookie's value opens. `Session` is the caller's record: this file knows how a cookie travels, not what it means. */
export type Resolved<Session> =
  | { readonly kind: 'live'; readonly session: Session; readonly rotated?: string }
  | { readonly kind: 'none'; readonly why: string }

/** The live session of the browser that makes a request; asked for as often as wanted, looked up once. */
export type SessionReader<Session> = (ctx: Context) => Promise<Session | undefined>

/**
 * Looks the session up when a page first asks, so that requests which need none cost nothing, and hands the browser its next
 * secret when the clock has rotated it. A store that fails throws: that is an error, never "no session" (invariant 8, N-018).
 *
 * The cookie is never cleared here. A request that was on its way while its secret was replaced finds none, and clearing would
 * throw away the new cookie that another tab has just been given.
 */
export function createSessionReader<Session>(deps: {
  readonly cookies: Cookies
  readonly resolve: (secret: string, seen: { readonly address: string }) => Promise<Resolved<Session>>
  readonly lifetimeSeconds: (session: Session) => number | undefined
  /** Hears of a well-formed cookie that nobody issued (N-002). */
  readonly onUnknown: (address: string) => void
}): SessionReader<Session> {
  const asked = new WeakMap<IncomingMessage, Promise<Session | undefined>>()

  async function look(ctx: Context): Promise<Session | undefined> {
    const secret = deps.cookies.readSession(ctx)
    if (secret === undefined) return undefined
    const { address } = factsOf(ctx.req)
    const resolved = await deps.resolve(secret, { address })
    if (resolved.kind === 'none') {
      if (resolved.why === 'unknown') deps.onUnknown(address)
      return undefined
    }
    const { session, rotated } = resolved
    if (rotated !== undefined) deps.cookies.setSession(ctx, rotated, deps.lifetimeSeconds(session))
    return session
  }

  return (ctx) => {
    const before = asked.get(ctx.req)
    if (before !== undefined) return before
    const looking = look(ctx)
    asked.set(ctx.req, looking)
    return looking
  }
}
