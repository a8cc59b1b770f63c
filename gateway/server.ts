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
  /** Answers everything below `/api/`. */
  readonly api: Middleware
  readonly portal: Middleware
  readonly console: Middleware
  readonly openIdConnect: OidcRoutes
}

/** Creates the handler for Node's HTTP server. */
export function createServer(deps: ServerDeps): RequestListener {
  const app = new Koa()
  app.keys = [deps.cookieKey]
  app.silent = true
  app.on('error', (error: unknown) => {
    // Whoever hangs up is no failure of ours, and must not fill the log of those.
    const level = isHangUp(error) ? 'debug' : 'error'
    deps.log[level]('a request failed after it was answered', { error: String(error) })
  })

  app.use(pathOfTarget)
  app.use(requestFacts(deps))
  app.use(problems({ log: deps.log, render: deps.renderProblem, pageHeaders: pageHeaders(deps.issuer) }))
  app.use(deps.openIdConnect.machines)
  app.use(securityHeaders(deps.issuer))
  app.use(health(deps))
  app.use(deps.api)
  app.use(serveAssets(deps.assets))
  app.use(cookiesOfIssuer(deps.secureCookies))
  app.use(deps.openIdConnect.pages)
  app.use(deps.portal)
  app.use(deps.console)

  const handle = app.callback()
  return (req, res) => {
    // The two documents that everyone fetches are answered before anything is set up for a request.
    if (deps.documents.answer(req, res)) return
    void handle(req, res)
  }
}

/** How Node says that the other end of the connection has gone. */
function isHangUp(error: unknown): boolean {
  return (
    error instanceof Error &&
    'code' in error &&
    ['EPIPE', 'ECONNRESET', 'ECONNABORTED', 'ERR_STREAM_PREMATURE_CLOSE'].includes(String(error.code))
  )
}

/** A target without a path, such as `http://`, means `/` (RFC 9110 section 4.2.3). Koa's path is then `null`, against its own type. */
const pathOfTarget: Middleware = (ctx, next) => {
  if (typeof ctx.path !== 'string') ctx.path = '/'
  return next()
}

/** The engine's short cookies are Secure when the issuer is https, whatever the connection from the proxy is (DECISIONS 6). */
function cookiesOfIssuer(secure: boolean): Middleware {
  return (ctx, next) => {
    ctx.cookies.secure = secure
    return next()
  }
}
