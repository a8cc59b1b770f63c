/**
 * The OpenID Connect edge, put together: the engine with its current keys, our routes around it, and its public documents.
 */
import type { Context } from 'koa'
import type { KoaContextWithOIDC, Provider } from 'oidc-provider'
import type { AccountStore, CredentialStore } from '../accounts/store.ts'
import type { AppRegistry } from '../apps/registry.ts'
import type { AppStore, ConsentStore } from '../apps/store.ts'
import type { AppendAudit } from '../audit/event.ts'
import type { Cookies } from '../http/cookies.ts'
import type { Csrf } from '../http/csrf.ts'
import { factsOf } from '../http/request.ts'
import { grantPage, pageHeaders } from '../http/security-headers.ts'
import type { Clock } from '../kernel/clock.ts'
import type { Egress } from '../kernel/egress.ts'
import type { Ephemeral } from '../kernel/ephemeral.ts'
import type { Log } from '../kernel/log.ts'
import type { Random } from '../kernel/random.ts'
import type { Transaction } from '../kernel/transaction.ts'
import type { Keyring } from '../keys/keyring.ts'
import type { Journeys } from '../logout/journey.ts'
import type { SignOutRequests } from '../logout/sign-out-request.ts'
import type { EndSession } from '../sessions/ending.ts'
import type { SessionRegistry } from '../sessions/registry.ts'
import type { SsoSession } from '../sessions/sso-session.ts'
import type { SessionStore } from '../sessions/store.ts'
import type { SignIn } from '../sign-in/sign-in.ts'
import { createVisits } from '../sign-in/visits.ts'
import type { ArtifactsDeps } from './artifact.ts'
import { type Artifacts, createArtifacts } from './artifacts.ts'
import type { ConsentQuestion } from './consent-question.ts'
import { currentContext } from './context.ts'
import { createPublicDocuments, type PublicDocuments } from './documents.ts'
import { createEndSessionRoute } from './end-session.ts'
import { createInteractions, type Interactions } from './interactions.ts'
import { buildProvider, type ProviderDeps } from './provider.ts'
import { type OidcRoutes, oidcRoutes } from './routes.ts'
import type { ArtifactStore } from './store.ts'

export interface OpenIdConnectDeps {
  readonly issuer: string
  readonly lifetimes: ProviderDeps['lifetimes'] & {
    readonly refreshGraceMs: number
    readonly offlineIdleMs: number
    readonly offlineAbsoluteMs: number
  }
  readonly artifacts: ArtifactStore
  readonly accounts: AccountStore
  readonly credentials: CredentialStore
  readonly consents: ConsentStore
  readonly apps: AppRegistry
  readonly appRecords: Pick<AppStore, 'find'>
  readonly sessions: SessionRegistry
  readonly sessionStore: SessionStore
  readonly endSession: EndSession
  readonly signIn: SignIn
  readonly journeys: Journeys
  readonly signOutRequests: SignOutRequests
  readonly keys: Keyring
  readonly egress: Egress
  readonly ephemeral: Ephemeral
  readonly transaction: Transaction
  readonly audit: AppendAudit
  readonly clock: Clock
  readonly random: Random
  readonly log: Log
  readonly cookies: Cookies
  readonly csrf: Csrf
  readonly readSession: (ctx: Context) => Promise<SsoSession | undefined>
  readonly onTokens: (grantType: string) => void
  readonly renderConsent: (question: ConsentQuestion, csrf: string) => string
  /** Page for an OAuth error that must not go back to the app (N-033). */
  readonly renderError: (error: string, requestId: string) => string
}

export interface OpenIdConnect {
  readonly routes: OidcRoutes
  readonly documents: PublicDocuments
  readonly interactions: Interactions
  /** Takes up new keys: a second engine over the same stores takes the place of the first (DECISIONS 63). */
  reloadKeys(): void
}

/** Creates the edge. */
export function createOpenIdConnect(deps: OpenIdConnectDeps): OpenIdConnect {
  const documents = createPublicDocuments(deps.issuer, deps.keys)
  const artifacts = createArtifacts(artifactsDeps(deps))
  let engine = build(deps, artifacts)
  const provider = (): Provider => engine
  const interactions = createInteractions({ ...deps, provider })
  const endSession = createEndSessionRoute({ ...deps, sessions: deps.sessionStore, provider })
  return {
    documents,
    interactions,
    routes: oidcRoutes({
      ...deps,
      provider,
      interactions,
      documents,
      endSession,
      commitTokens: artifacts.commit,
    }),
    reloadKeys: () => {
      engine = build(deps, artifacts)
      documents.forget()
    },
  }
}

function artifactsDeps(deps: OpenIdConnectDeps): ArtifactsDeps {
  const admitVisit = createVisits({ ...deps, append: deps.audit })
  return {
    ...deps,
    store: deps.artifacts,
    successorKey: deps.keys.secret('refresh-successor'),
    refreshGraceMs: deps.lifetimes.refreshGraceMs,
    offlinePolicy: { idleMs: deps.lifetimes.offlineIdleMs, absoluteMs: deps.lifetimes.offlineAbsoluteMs },
    sessionOfRequest: async () => {
      const ctx = currentContext()
      return ctx === undefined ? undefined : deps.readSession(ctx)
    },
    admitInteraction: async () => {
      const ctx = currentContext()
      if (ctx !== undefined) await admitVisit('interaction', factsOf(ctx.req).address)
    },
  }
}

function build(deps: OpenIdConnectDeps, artifacts: Artifacts): Provider {
  const setPageHeaders = pageHeaders(deps.issuer)
  const engine = buildProvider({
    ...deps,
    artifacts,
    store: deps.artifacts,
    successorKey: deps.keys.secret('refresh-successor'),
    cookies: deps.cookies.names,
    secureCookies: deps.cookies.secure,
    renderError: (ctx, error) => {
      setPageHeaders(ctx as unknown as Context)
      ctx.type = 'html'
      ctx.body = deps.renderError(error, factsOf(ctx.req).id)
    },
  })
  engine.on('authorization.success', allowFormPost)
  engine.on('authorization.error', allowFormPost)
  return engine
}

/** The page that posts an answer to the app may do so, to the one address that the engine has validated. */
function allowFormPost(ctx: KoaContextWithOIDC): void {
  const { client, params } = ctx.oidc
  const redirectUri = params?.['redirect_uri']
  if (params?.['response_mode'] !== 'form_post' || typeof redirectUri !== 'string') return
  if (client?.redirectUriAllowed(redirectUri) === true)
    grantPage(ctx as unknown as Context, { formTargets: [redirectUri] })
}
