/**
 * The one place where a failure becomes an answer.
 *
 * Owns: status, headers and form (page or RFC 9457 problem document) of every error, and what of it is logged.
 * Relies on: a renderer for the page, handed in, because words are the edges' business.
 * Never: shows anything that came with the request, or the cause of a failure of ours.
 */
import { type IncomingMessage, STATUS_CODES } from 'node:http'
import type { Context, Middleware } from 'koa'
import { type CameFrom, type ErrorCode, GatewayError } from '../kernel/errors.ts'
import type { Log } from '../kernel/log.ts'
import { factsOf } from './request.ts'

/** What a page or a document says about a failure. All of it is safe to show. */
export interface Problem {
  readonly code: ErrorCode
  readonly status: number
  /** One sentence of ours. */
  readonly message: string
  /** By which an operator finds it in the log. */
  readonly requestId: string
  readonly cameFrom?: CameFrom | undefined
}

export type RenderProblem = (problem: Problem) => string

/** The store is expected back soon; asking at once would only add to its trouble. */
const defaultRetryAfterSeconds = 5

/** Turns what the rest of the chain throws, or leaves unanswered, into an answer. */
export function problems(deps: {
  readonly log: Log
  readonly render: RenderProblem
  /** Sets what every page carries; a failure may come before anything else has. */
  readonly pageHeaders?: (ctx: Context) => void
}): Middleware {
  return async (ctx, next) => {
    try {
      await next()
    } catch (error) {
      answer(ctx, error)
      return
    }
    // Koa starts every answer as 404 without a body; the router leaves 405 and 501 without one, with Allow set.
    const { body, status } = ctx
    if (ctx.respond === false || (body !== undefined && body !== null) || ctx.headerSent) return
    if (status === 404) answer(ctx, new GatewayError('not_found', 'There is nothing at this address.'))
    if (status === 405 || status === 501) {
      answer(ctx, new GatewayError('method_not_allowed', 'This address does not take that kind of request.'))
    }
  }

  function answer(ctx: Context, thrown: unknown): void {
    const error = asGatewayError(thrown, ctx.req)
    const requestId = factsOf(ctx.req).id
    record(ctx, error, requestId)
    if (ctx.headerSent || !ctx.writable) {
      // Half an answer is out: only breaking the connection says that it is not the whole one.
      ctx.res.destroy()
      return
    }
    const { code, status, message, cameFrom } = error
    const problem: Problem = { code, status, message, requestId, cameFrom }
    ctx.status = status
    // Cookies set before the failure stand: a rotated secret is in the database, and dropping it would sign the person out (N-018).
    ctx.remove('ETag')
    ctx.set('Cache-Control', 'no-store')
    if (status === 503 || status === 429) {
      ctx.set('Retry-After', String(error.retryAfterSeconds ?? defaultRetryAfterSeconds))
    }
    if (wantsPage(ctx)) {
      deps.pageHeaders?.(ctx)
      ctx.type = 'html'
      ctx.body = deps.render(problem)
    } else {
      ctx.type = 'application/problem+json'
      ctx.body = JSON.stringify({
        ...error.extension,
        type: 'about:blank',
        title: STATUS_CODES[status],
        status,
        detail: message,
        code,
        request_id: requestId,
      })
    }
  }

  function record(ctx: Context, error: GatewayError, requestId: string): void {
    // The path is the attacker's to choose, so it is written as a JSON field and never into the message (N-202).
    // Not `code`: so an authorization code is called, and the log hides what has that name.
    const fields = { requestId, problem: error.code, method: ctx.method, path: withoutSecrets(ctx.path) }
    if (error.fault === 'us') deps.log.error(error.message, { ...fields, cause: describe(error.cause) })
    else deps.log.debug(error.message, fields)
  }
}

function asGatewayError(thrown: unknown, req: IncomingMessage): GatewayError {
  if (thrown instanceof GatewayError) return thrown
  // Node reports a client that went away through whatever was reading; there is nobody left to answer.
  if (req.errored !== null)
    return new GatewayError('cancelled', 'The connection was closed.', { cause: thrown })
  return new GatewayError('internal', 'Something went wrong on our side.', { cause: thrown })
}

/** Links that work once carry their secret in the path; nothing that long is needed to find a route (DECISIONS 41). */
function withoutSecrets(path: string): string {
  return path
    .split('/')
    .map((part) => (part.length > 32 ? '…' : part))
    .join('/')
    .slice(0, 256)
}

/** People get a page. Who does not say "HTML" is a program, and gets a document it can read. */
function wantsPage(ctx: Context): boolean {
  const accept = ctx.get('Accept')
  if (ctx.path.startsWith('/api/') || typeof ctx.is('application/json') === 'string') return false
  return accept.includes('text/html') && ctx.accepts('application/json', 'text/html') !== 'application/json'
}

/** Errors do not turn into JSON by themselves. Depth is bounded: a cause can be its own cause. */
function describe(cause: unknown, depth = 0): unknown {
  if (!(cause instanceof Error)) return cause === undefined ? undefined : String(cause)
  return {
    name: cause.name,
    message: cause.message,
    stack: cause.stack,
    ...(cause.cause === undefined || depth === 4 ? {} : { cause: describe(cause.cause, depth + 1) }),
  }
}
