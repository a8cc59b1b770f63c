/**
 * Everything of OpenID Connect that has a path, on one page.
 *
 * Ours come first: interactions, consent, RP-initiated logout. Of the engine only the routes named here are reachable; its own
 * logout routes are not (DECISIONS 4).
 */
import type { Context, Middleware, Next } from 'koa'
import compose from 'koa-compose'
import { errors, type KoaContextWithOIDC, type Provider } from 'oidc-provider'
import { parseForm, readForm } from '../http/body.ts'
import type { Cookies } from '../http/cookies.ts'
import type { Csrf } from '../http/csrf.ts'
import { requireOwnPage } from '../http/fetch-metadata.ts'
import { grantPage } from '../http/security-headers.ts'
import { GatewayError } from '../kernel/errors.ts'
import type { ConsentQuestion } from './consent-question.ts'
import type { PublicDocuments } from './documents.ts'
import type { Interactions } from './interactions.ts'
import { withinRequest } from './internals.ts'
import { routes } from './provider.ts'

export interface OidcRoutesDeps {
  readonly issuer: string
  readonly provider: () => Provider
  readonly interactions: Interactions
  readonly endSession: (ctx: Context, parameters: ReadonlyMap<string, string>) => Promise<string>
  /** Writes the tokens of the current request. */
  readonly commitTokens: () => Promise<void>
  /** Tokens were written and are about to be handed out. */
  readonly onTokens: (grantType: string) => void
  readonly documents: PublicDocuments
  readonly cookies: Cookies
  readonly csrf: Csrf
  readonly renderConsent: (question: ConsentQuestion, csrf: string) => string
}

const machineMethods: Readonly<Record<string, readonly string[]>> = {
  [routes.token]: ['POST', 'OPTIONS'],
  [routes.userinfo]: ['GET', 'POST', 'OPTIONS'],
  [routes.revocation]: ['POST', 'OPTIONS'],
  [routes.introspection]: ['POST', 'OPTIONS'],
  [routes.pushed_authorization_request]: ['POST', 'OPTIONS'],
}
const resumePath = /^\/oauth\/authorize\/[A-Za-z0-9_-]{10,64}$/
const interactionPath = /^\/oauth\/interaction\/([A-Za-z0-9_-]{10,64})(\/finish)?$/
const consentPath = /^\/consent\/([A-Za-z0-9_-]{10,64})$/

export interface OidcRoutes {
  /** What apps call. No page, no cookie: it needs none of what pages need, and is answered before they are set up. */
  readonly machines: Middleware
  /** What browsers open. */
  readonly pages: Middleware
}

/** Mounts the edge: each half answers what is its own and passes everything else on. */
export function oidcRoutes(deps: OidcRoutesDeps): OidcRoutes {
  const engine = createEngineMount(deps.provider)
  return {
    machines: async (ctx, next) => {
      const { path } = ctx
      if (deps.documents.has(path)) return showDocument(deps, ctx)
      const methods = Object.hasOwn(machineMethods, path) ? machineMethods[path] : undefined
      if (methods === undefined) return next()
      ctx.set('X-Content-Type-Options', 'nosniff')
      ctx.set('Cache-Control', 'no-store')
      // Whoever calls these reads JSON (RFC 6749 section 5.2), also where its library says that it would like HTML best, as Java's does.
      ctx.req.headers.accept = 'application/json'
      if (!methods.includes(ctx.method)) return refuseMethod(ctx, methods)
      if (path === routes.token && ctx.method === 'POST') return token(deps, ctx, () => engine(ctx, next))
      return engine(ctx, next)
    },
    pages: async (ctx, next) => {
      const { path } = ctx
      const interaction = interactionPath.exec(path)
      if (interaction !== null) return showInteraction(deps, ctx, interaction[1] ?? '', interaction[2])
      const consent = consentPath.exec(path)
      if (consent !== null) return answerConsent(deps, ctx, consent[1] ?? '')
      if (path === routes.end_session) return endSession(deps, ctx)
      if (path !== routes.authorization && !resumePath.test(path)) return next()
      return ctx.method === 'GET' ? engine(ctx, next) : refuseMethod(ctx, ['GET'])
    },
  }
}

/** Left over by the short way before us: another method, a query that means nothing, a target in absolute form (RFC 9112 section 3.2.2). */
function showDocument({ documents }: OidcRoutesDeps, ctx: Context): void {
  if (ctx.method !== 'GET' && ctx.method !== 'HEAD') refuseMethod(ctx, ['GET', 'HEAD'])
  ctx.respond = false
  documents.answer(ctx.req, ctx.res, ctx.path)
}

/** The engine as middleware of our Koa; composed once for each engine, because keys change rarely and requests come often. */
function createEngineMount(provider: () => Provider): Middleware {
  const mounted = new WeakMap<Provider, Middleware>()
  return (ctx: Context, next: Next) => {
    const current = provider()
    const known = mounted.get(current) ?? compose(current.middleware as Middleware[])
    mounted.set(current, known)
    return known(ctx, next)
  }
}

/** The engine decides, then everything it decided is written at once; only then is the answer true (see token-writes). */
async function token(deps: OidcRoutesDeps, ctx: Context, engine: () => Promise<unknown>): Promise<void> {
  await engine()
  if (ctx.status !== 200) return
  try {
    await withinRequest(ctx, deps.commitTokens)
    deps.onTokens(String((ctx as unknown as KoaContextWithOIDC).oidc.params?.['grant_type']))
  } catch (error) {
    if (!(error instanceof errors.InvalidGrant)) throw error
    ctx.status = error.statusCode
    ctx.body = { error: error.error, error_description: error.error_description }
  }
}

async function showInteraction(
  deps: OidcRoutesDeps,
  ctx: Context,
  uid: string,
  step: string | undefined,
): Promise<void> {
  if (ctx.method !== 'GET') return refuseMethod(ctx, ['GET'])
  if (step === '/finish') {
    // The portal knows no protocol: "the person would rather not" reaches us on the path that the attempt leads to.
    const cancelled = parseForm(ctx.querystring).get('cancel') === 'yes'
    return seeOther(
      ctx,
      await (cancelled ? deps.interactions.cancel(ctx, uid) : deps.interactions.finish(ctx, uid)),
    )
  }
  const next = await deps.interactions.next(ctx, uid)
  if ('redirect' in next) return seeOther(ctx, next.redirect)
  // The answer leads back to the app, and Chromium applies `form-action` to the whole chain (DECISIONS 26).
  grantPage(ctx, { formTargets: [next.consent.redirectUri] })
  ctx.type = 'html'
  ctx.body = deps.renderConsent(
    next.consent,
    deps.csrf.token(deps.cookies.ensureBrowser(ctx), csrfPurpose(uid)),
  )
}

async function answerConsent(deps: OidcRoutesDeps, ctx: Context, uid: string): Promise<void> {
  if (ctx.method !== 'POST') return refuseMethod(ctx, ['POST'])
  requireOwnPage(ctx.req.headers, deps.issuer)
  const form = await readForm(ctx)
  deps.csrf.check(deps.cookies.readBrowser(ctx), csrfPurpose(uid), form.get('csrf'))
  const decision = form.get('decision')
  if (decision !== 'allow' && decision !== 'deny')
    throw new GatewayError('input_invalid', 'Choose whether to allow it or not.')
  seeOther(ctx, await deps.interactions.answerConsent(ctx, uid, decision === 'allow'))
}

async function endSession(deps: OidcRoutesDeps, ctx: Context): Promise<void> {
  // GET and POST, "the OpenID Provider MUST support both" (RP-Initiated Logout 1.0 section 2). No token of ours: an app sends it.
  if (ctx.method === 'GET') return seeOther(ctx, await deps.endSession(ctx, parseForm(ctx.querystring)))
  if (ctx.method === 'POST') return seeOther(ctx, await deps.endSession(ctx, await readForm(ctx)))
  return refuseMethod(ctx, ['GET', 'POST'])
}

/** A token for one question: it answers no other. */
function csrfPurpose(uid: string): string {
  return `consent ${uid}`
}

function seeOther(ctx: Context, to: string): void {
  ctx.status = 303
  ctx.set('Location', to)
  ctx.body = ''
}

function refuseMethod(ctx: Context, methods: readonly string[]): never {
  ctx.set('Allow', methods.join(', '))
  throw new GatewayError('method_not_allowed', `This address takes ${methods.join(' and ')} only.`)
}
