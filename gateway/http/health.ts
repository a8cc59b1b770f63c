import type { Middleware } from 'koa'
import { secondMs } from '../kernel/clock.ts'
import type { Log } from '../kernel/log.ts'
import { factsOf } from './request.ts'

/** A store that answers later than this serves no one. */
const usualPatienceMs = 2 * secondMs

/**
 * `/healthz`: the process lives. `/readyz`: the store answers and its migrations are done, so requests may be sent here.
 * Neither says why not: the log does, and these addresses are open to everyone.
 */
export function health(deps: {
  /** Rejects while the store does not answer or is not migrated. */
  readonly checkReady: () => Promise<void>
  readonly log: Log
  readonly patienceMs?: number
}): Middleware {
  return async (ctx, next) => {
    if (ctx.path !== '/healthz' && ctx.path !== '/readyz') return next()
    if (ctx.method !== 'GET' && ctx.method !== 'HEAD') {
      ctx.set('Allow', 'GET, HEAD')
      ctx.status = 405
      return
    }
    if (ctx.path === '/healthz') {
      ctx.body = { status: 'alive' }
      return
    }
    try {
      await within(deps.checkReady(), deps.patienceMs ?? usualPatienceMs)
      ctx.body = { status: 'ready' }
    } catch (cause) {
      deps.log.warn('not ready', { requestId: factsOf(ctx.req).id, reason: String(cause) })
      ctx.status = 503
      ctx.set('Retry-After', '5')
      ctx.body = { status: 'not ready' }
    }
  }
}

async function within(work: Promise<void>, limitMs: number): Promise<void> {
  const { promise: late, reject } = Promise.withResolvers<never>()
  const timer = setTimeout(() => reject(new Error(`no answer within ${limitMs} ms`)), limitMs)
  try {
    await Promise.race([work, late])
  } finally {
    clearTimeout(timer)
  }
}
