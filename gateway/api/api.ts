/**
 * `/api/v1`: what operators' programs, and pages for operators, read and do.
 *
 * Owns: the order of the checks below, and that every answer is JSON. Relies on: the operations, which are the only routes there are.
 * Never: sends a CORS header. Programs need none, and pages of other sites have no business here.
 */
import Router from '@koa/router'
import type { Context, Middleware } from 'koa'
import { parseForm, readJson } from '../http/body.ts'
import { GatewayError } from '../kernel/errors.ts'
import { appOperations } from './apps.ts'
import { authorize } from './caller.ts'
import { deliveryOperations } from './deliveries.ts'
import type { ApiDeps } from './deps.ts'
import { logoutOperations } from './logouts.ts'
import { describeApi } from './openapi.ts'
import { checked, type Operation } from './operation.ts'
import { endingOperations } from './session-ending.ts'
import { sessionOperations } from './sessions.ts'

/** Requests under way. One process serves people too; a program that asks a hundred things at once can wait for some of them. */
const maxAtOnce = 32

/** Every operation there is. */
export function apiOperations(deps: ApiDeps): readonly Operation[] {
  return [
    ...sessionOperations(deps),
    ...endingOperations(deps),
    ...logoutOperations(deps),
    ...deliveryOperations(deps),
    ...appOperations(deps),
  ]
}

/** Answers everything below `/api/`; leaves every other path to what comes after it. */
export function createApi(deps: ApiDeps): Middleware {
  const router = new Router({ sensitive: true, strict: true })
  const operations = apiOperations(deps)
  const description = JSON.stringify(describeApi(deps, operations))
  router.get('/api/openapi.json', (ctx) => {
    ctx.type = 'application/json'
    ctx.body = description
  })
  for (const operation of operations) {
    const path = `/api/v1${operation.path.replace('{id}', ':id')}`
    router.register(path, [operation.method.toLowerCase()], async (ctx) => {
      ctx.body = await answer(deps, operation, ctx, ctx.params['id'] ?? '')
      ctx.type = operation.answerType ?? 'application/json'
    })
  }
  // The router adds what its own type asks for to each context before a route sees it.
  const routes = router.routes() as Middleware
  const methods = router.allowedMethods() as Middleware
  const limited = atOnce(maxAtOnce)
  return (ctx, next) => {
    if (ctx.path !== '/api' && !ctx.path.startsWith('/api/')) return next()
    return limited(ctx, () => methods(ctx, () => routes(ctx, async () => undefined)))
  }
}

async function answer(deps: ApiDeps, operation: Operation, ctx: Context, id: string): Promise<unknown> {
  // 1. Who asks, and whether they may: before anything of the request is looked at.
  const by = await authorize(deps, ctx, operation.scope)
  // 2. What is asked. A name that nobody knows is a mistake of whoever wrote it, and must not be taken for "no filter".
  const query = checked(operation.query, Object.fromEntries(parseForm(ctx.querystring)), 'parameter')
  const body = await readBody(operation, ctx)
  // 3. The work. Commands ask once more whether the caller may, in their own transaction.
  return operation.handle({ id, query, body, by })
}

async function readBody({ body, method }: Operation, ctx: Context): Promise<unknown> {
  const { headers } = ctx.req
  if (body !== undefined) {
    // A form or plain text can be sent by any page of any site without asking; JSON cannot (N-181).
    if (ctx.is('application/json') !== 'application/json') {
      throw new GatewayError('media_type_unsupported', 'This takes a body of the type application/json.')
    }
    return checked(body.schema, await readJson(ctx), 'field')
  }
  const empty = headers['transfer-encoding'] === undefined && Number(headers['content-length'] ?? 0) === 0
  if (method !== 'GET' && !empty) throw new GatewayError('input_invalid', 'This takes no body.')
  return undefined
}

/** Sends away whoever comes when so many are being served. */
function atOnce(limit: number): Middleware {
  let running = 0
  return async (_ctx, next) => {
    if (running >= limit) {
      throw new GatewayError('throttled', 'So many requests at once are too many. Try again in a moment.', {
        retryAfterSeconds: 1,
      })
    }
    running += 1
    try {
      await next()
    } finally {
      running -= 1
    }
  }
}
