/**
 * Everything that answers HTTP, in the order in which a request meets it.
 */
import type { RequestListener } from 'node:http'
import Koa, { type Middleware } from 'koa'
import { type ServedAsset, serveAssets } from './http/assets.ts'
import { health } from './http/health.ts'
import { problems, type RenderProblem } from './http/problems.ts'
import { requestFacts } from './http/request.ts'
import { pageHeaders, securityHeaders } from './http/security-headers.ts'
import type { Log } from './kernel/log.ts'
import type { Random } from './kernel/random.ts'
import type { PublicDocuments } from './oidc/documents.ts'
import type { OidcRoutes } from './oidc/routes.ts'

export interface ServerDeps {
  readonly issuer: string
  readonly trustedProxies: readonly string[]
  /** Signs the engine's short cookies; the session's own cookie is a secret and needs no signature. */
  readonly cookieKey: string
  readonly secureCookies: boolean
  readonly random: Random
  readonly log: Log
  readonly renderProblem: RenderProblem
  readonly checkReady: () => Promise<void>
  readonly assets: readonly ServedAsset[]
  readonly documents: PublicDocuments
  readonly portal: Middleware
  readonly openIdConnect: OidcRoutes
}

/** Creates the handler for Node's HTTP server. */
export function createServer(deps: ServerDeps): RequestListener {
  const app = new Koa()
  app.keys = [deps.cookieKey]
  app.silent = true
  app.on('error', (error: unknown) =>
    deps.log.error('a request failed after it was answered', { error: String(error) }),
  )

  app.use(requestFacts(deps))
  app.use(problems({ log: deps.log, render: deps.renderProblem, pageHeaders: pageHeaders(deps.issuer) }))
  app.use(deps.openIdConnect.machines)
  app.use(securityHeaders(deps.issuer))
  app.use(health(deps))
  app.use(serveAssets(deps.assets))
  app.use(cookiesOfIssuer(deps.secureCookies))
  app.use(deps.openIdConnect.pages)
  app.use(deps.portal)

  const handle = app.callback()
  return (req, res) => {
    // The two documents that everyone fetches are answered before anything is set up for a request.
    if (deps.documents.answer(req, res)) return
    void handle(req, res)
  }
}

/** The engine's short cookies are Secure when the issuer is https, whatever the connection from the proxy is (DECISIONS 6). */
function cookiesOfIssuer(secure: boolean): Middleware {
  return (ctx, next) => {
    ctx.cookies.secure = secure
    return next()
  }
}
