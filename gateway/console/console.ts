/**
 * The pages for operators. One file per page; this one lists them.
 *
 * Relies on: everything in `ConsoleDeps`, wired by compose. Never: changes anything but by a command of administration.
 */
import Router from '@koa/router'
import type { Middleware } from 'koa'
import { createPages, goTo } from '../pages/pages.ts'
import { addCheckRoutes } from './check.ts'
import type { ConsoleDeps } from './deps.ts'
import { addEndRoutes } from './end-sessions.ts'
import { addLogoutRoutes } from './logout.ts'
import { addLogoutsRoutes } from './logouts.ts'
import { addConfirmRoute, createOperators } from './operators.ts'

/** Answers the paths under /console; leaves every other path to what comes after it. */
export function createConsole(deps: ConsoleDeps): Middleware {
  const router = createConsoleRouter(deps)
  // The router adds what its own type asks for to each context before a route sees it.
  const routes = router.routes() as Middleware
  const methods = router.allowedMethods() as Middleware
  return (ctx, next) => methods(ctx, () => routes(ctx, next))
}

/** Every route of operators. */
export function createConsoleRouter(deps: ConsoleDeps): Router {
  // Exactly these paths: another case or a trailing slash is another address (N-196).
  const router = new Router({ sensitive: true, strict: true })
  const operators = createOperators(deps, createPages(deps))
  router.get('/console', async (ctx) => {
    const operator = await operators.require(ctx, '/console')
    if (operator !== undefined) goTo(ctx, '/console/logouts')
  })
  addConfirmRoute(router, operators)
  addLogoutsRoutes(router, deps, operators)
  addLogoutRoutes(router, deps, operators)
  addCheckRoutes(router, deps, operators)
  addEndRoutes(router, deps, operators)
  return router
}
