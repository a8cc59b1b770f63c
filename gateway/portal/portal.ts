/**
 * The pages for people. One file per page; this one lists them.
 *
 * Relies on: everything in `PortalDeps`, wired by compose. Never: knows a protocol that apps speak.
 */
import Router from '@koa/router'
import type { Middleware } from 'koa'
import { createNotices } from '../pages/notices.ts'
import { createPages } from '../pages/pages.ts'
import { type AccountNotice, accountNotices, addAccountRoutes } from './account.ts'
import { addAccountChangeRoutes } from './account-changes.ts'
import type { PortalDeps } from './deps.ts'
import { addHomeRoute } from './home.ts'
import { addSetUpRoutes } from './set-up.ts'
import { addSignInRoutes } from './sign-in.ts'
import { createSignInPages } from './sign-in-page.ts'
import { addPasskeySignInRoutes } from './sign-in-passkey.ts'
import { addSignOutRoutes } from './sign-out.ts'
import { addSignOutJourneyRoutes } from './sign-out-journey.ts'
import { addWellKnownRoutes } from './well-known.ts'

/** Answers the paths of people; leaves every other path to what comes after it. */
export function createPortal(deps: PortalDeps): Middleware {
  const router = createPortalRouter(deps)
  // The router adds what its own type asks for to each context before a route sees it.
  const routes = router.routes() as Middleware
  const methods = router.allowedMethods() as Middleware
  return (ctx, next) => methods(ctx, () => routes(ctx, next))
}

/** Every route of the portal. */
export function createPortalRouter(deps: PortalDeps): Router {
  // Exactly these paths: another case or a trailing slash is another address (N-196).
  const router = new Router({ sensitive: true, strict: true })
  const pages = createPages(deps)
  const signInPages = createSignInPages(deps, pages)
  const welcome = createNotices(deps.ephemeral, 'home-notice', ['welcome'])
  const account = createNotices<AccountNotice>(deps.ephemeral, 'account-notice', accountNotices)
  addHomeRoute(router, deps, pages, welcome)
  addSetUpRoutes(router, deps, pages, welcome)
  addSignInRoutes(router, deps, pages, signInPages)
  addPasskeySignInRoutes(router, deps, pages, signInPages)
  addAccountRoutes(router, deps, pages, account)
  addAccountChangeRoutes(router, deps, pages, account)
  addSignOutRoutes(router, deps, pages)
  addSignOutJourneyRoutes(router, deps, pages)
  addWellKnownRoutes(router, deps)
  return router
}
