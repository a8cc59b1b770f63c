import type Router from '@koa/router'
import { goTo } from '../pages/pages.ts'
import type { PortalDeps } from './deps.ts'

/** Addresses at which browsers and password managers look by themselves. */
export function addWellKnownRoutes(router: Router, deps: Pick<PortalDeps, 'issuer'>): void {
  /** W3C "A Well-Known URL for Changing Passwords", section 2. */
  router.get('/.well-known/change-password', (ctx) => goTo(ctx, '/account#security'))

  /** W3C "A Well-Known URL for Relying Party Passkey Endpoints", section 3. */
  router.get('/.well-known/passkey-endpoints', (ctx) => {
    ctx.body = { enroll: `${deps.issuer}/account#passkeys`, manage: `${deps.issuer}/account#passkeys` }
  })
}
