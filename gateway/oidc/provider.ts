/**
 * The engine's configuration, all of it in one place: what is on, what is off, how long things live, and where its hooks lead.
 * Options that equal the engine's default are written out where security depends on them.
 */
import { type Configuration, errors, type KoaContextWithOIDC, Provider } from 'oidc-provider'
import type { AccountStore, CredentialStore } from '../accounts/store.ts'
import { assertionAlgs } from '../apps/client-metadata.ts'
import type { AppRegistry } from '../apps/registry.ts'
import type { ConsentStore } from '../apps/store.ts'
import type { CookieNames } from '../http/cookies.ts'
import type { Clock } from '../kernel/clock.ts'
import { minuteMs, secondMs } from '../kernel/clock.ts'
import type { Egress } from '../kernel/egress.ts'
import { GatewayError } from '../kernel/errors.ts'
import { parseAccountId } from '../kernel/ids.ts'
import type { Log } from '../kernel/log.ts'
import { newSecret, type Random } from '../kernel/random.ts'
import type { Keyring } from '../keys/keyring.ts'
import { requestableAcrs } from '../sessions/assurance.ts'
import type { SessionRegistry } from '../sessions/registry.ts'
import type { Artifacts } from './artifacts.ts'
import { claimsByScope, createFindAccount, pairwiseSubject } from './claims.ts'
import { createClients } from './clients.ts'
import { engineKeys } from './engine-keys.ts'
import { engineFetch } from './fetch.ts'
import { grantOf, knownScopes, refusedByRecord } from './grants.ts'
import { harden } from './internals.ts'
import { createPolicy } from './policy.ts'
import type { ArtifactStore } from './store.ts'

export interface ProviderDeps {
  readonly issuer: string
  readonly cookies: CookieNames
  readonly secureCookies: boolean
  readonly lifetimes: {
    readonly codeMs: number
    readonly accessMs: number
    readonly idMs: number
    readonly interactionMs: number
  }
  /** The same for every engine: a request may begin under one set of keys and end under the next. */
  readonly artifacts: Artifacts
  readonly store: Pick<ArtifactStore, 'claimOnce'>
  readonly successorKey: Uint8Array
  readonly accounts: AccountStore
  readonly credentials: CredentialStore
  readonly consents: ConsentStore
  readonly apps: AppRegistry
  readonly sessions: SessionRegistry
  readonly keys: Keyring
  readonly egress: Egress
  readonly clock: Clock
  readonly random: Random
  readonly log: Log
  /** Shows an error page of ours. `error` is an OAuth error code of the engine. */
  readonly renderError: (ctx: KoaContextWithOIDC, error: string) => void
}

/** Paths of the engine's routes; `end_session` is only announced, the route is ours (DECISIONS 4). */
export const routes = {
  authorization: '/oauth/authorize',
  token: '/oauth/token',
  userinfo: '/oauth/userinfo',
  jwks: '/oauth/jwks',
  revocation: '/oauth/revoke',
  introspection: '/oauth/introspect',
  pushed_authorization_request: '/oauth/par',
  end_session: '/oauth/end-session',
} as const

/** Clocks of apps that sign their own assertions may be this far off (RFC 7523); our own expiries are decided without it. */
const clockToleranceSeconds = 5

/**
 * Builds one engine over the current keys and clients. Building takes about 2 ms, so a change of keys is a new engine that takes the
 * place of the old one: all state is in the stores (DECISIONS 63).
 */
export function buildProvider(deps: ProviderDeps): Provider {
  const provider: Provider = new Provider(deps.issuer, configuration(deps))
  const clients = createClients(deps.apps, deps.log, () => provider)
  harden(provider, {
    findClient: clients.find,
    claimOnce: (id, expiresAtSeconds) =>
      deps.store.claimOnce('oidc-replay', id, deps.clock.now(), expiresAtSeconds * secondMs),
    successorKey: deps.successorKey,
    secureCookies: deps.secureCookies,
    sessionCookie: deps.cookies.session,
  })
  provider.on('server_error', (ctx, error) => {
    // A store that cannot answer is 503 with a time to come back, not the engine's 500 (invariant 8).
    if (error instanceof GatewayError) {
      ctx.status = error.status
      if (error.retryAfterSeconds !== undefined) ctx.set('Retry-After', String(error.retryAfterSeconds))
      if (error.fault !== 'us') return
    }
    deps.log.error('the OpenID Connect engine failed', {
      path: ctx.path,
      error: String(error),
      cause: String(error.cause ?? ''),
      stack: error.stack,
    })
  })
  return provider
}

function configuration(deps: ProviderDeps): Configuration {
  const { lifetimes } = deps
  const cookie = { httpOnly: true, sameSite: 'lax', path: '/', secure: deps.secureCookies } as const
  return {
    adapter: deps.artifacts.adapter,
    findAccount: createFindAccount(deps.accounts),
    jwks: { keys: engineKeys(deps.keys) },
    routes,
    scopes: [...knownScopes],
    claims: Object.fromEntries(Object.entries(claimsByScope).map(([scope, names]) => [scope, [...names]])),
    acrValues: [...requestableAcrs],
    subjectTypes: ['public', 'pairwise'],
    pairwiseIdentifier: async (_ctx, accountId, client) => {
      const app = deps.apps.findByClientId(client.clientId)
      return pairwiseSubject(deps.keys.secret('pairwise'), app?.id ?? client.clientId, accountId)
    },
    // DECISIONS 15: metadata that is silent means RS256; both keys always exist.
    clientDefaults: {
      id_token_signed_response_alg: 'RS256',
      grant_types: ['authorization_code'],
      response_types: ['code'],
    },
    responseTypes: ['code'],
    clientAuthMethods: ['client_secret_basic', 'client_secret_post', 'private_key_jwt', 'none'],
    enabledJWA: {
      idTokenSigningAlgValues: ['ES256', 'RS256'],
      clientAuthSigningAlgValues: [...assertionAlgs],
      userinfoSigningAlgValues: ['ES256', 'RS256'],
      introspectionSigningAlgValues: ['ES256', 'RS256'],
      dPoPSigningAlgValues: ['ES256', 'EdDSA'],
    },
    pkce: { required: () => true },
    // OpenID Connect Core 1.0 section 3.1.2.1: REQUIRED, however few are registered.
    allowOmittingSingleRegisteredRedirectUri: false,
    cookies: {
      names: {
        session: deps.cookies.session,
        interaction: deps.cookies.interaction,
        resume: deps.cookies.resume,
      },
      keys: [deps.keys.secret('cookie').toString('base64url')],
      // Ours is the session cookie: it is read here and never set by the engine. Its value is a secret, so it needs no signature.
      long: { ...cookie, signed: false },
      short: { httpOnly: true, sameSite: 'lax', secure: deps.secureCookies, signed: true, overwrite: true },
    },
    ttl: {
      AuthorizationCode: seconds(lifetimes.codeMs),
      AccessToken: seconds(lifetimes.accessMs),
      IdToken: seconds(lifetimes.idMs),
      Interaction: seconds(lifetimes.interactionMs),
      Session: () => seconds(minuteMs),
      RefreshToken: (_ctx, { grantId = '', scope }) => refreshSeconds(deps, { grantId, scope }),
      Grant: seconds(minuteMs),
    },
    clockTolerance: clockToleranceSeconds,
    // Whether a token's session lives is decided by our adapter in the read that finds the token; asking again would be one read more.
    expiresWithSession: async () => false,
    issueRefreshToken: async (_ctx, client) => client.grantTypeAllowed('refresh_token'),
    rotateRefreshToken: true,
    conformIdTokenClaims: true,
    interactions: {
      policy: createPolicy(deps),
      url: (_ctx, interaction) => interactionPath(interaction.uid),
    },
    loadExistingGrant: (ctx) => loadGrant(deps, ctx),
    renderError: (ctx, out, error) => {
      if (error instanceof GatewayError) throw error
      deps.renderError(ctx, out.error)
    },
    fetch: engineFetch(deps.egress),
    features: {
      devInteractions: { enabled: false },
      rpInitiatedLogout: { enabled: true },
      backchannelLogout: { enabled: true },
      userinfo: { enabled: true },
      revocation: {
        enabled: true,
        allowedPolicy: (_ctx, client, token) => token.clientId === client.clientId,
      },
      // N-065: an app asks about its own tokens only.
      introspection: {
        enabled: true,
        allowedPolicy: (_ctx, client, token) => token.clientId === client.clientId,
      },
      pushedAuthorizationRequests: { enabled: true },
      claimsParameter: { enabled: true },
      dPoP: { enabled: true },
      resourceIndicators: { enabled: false },
      requestObjects: { enabled: false },
      clientCredentials: { enabled: false },
      deviceFlow: { enabled: false },
      // Ours sign at once with keys the engine never sees. The acknowledgement names the engine's version of the feature, so a change
      // of it stops the start instead of passing unseen.
      externalSigningSupport: { enabled: true, ack: 'experimental-01' },
      registration: { enabled: false },
    },
    // `null` is the origin of a sandboxed frame, and what the address of a native app parses to: it is nobody's (N-186).
    clientBasedCORS: (_ctx, origin, client) =>
      origin !== 'null' && (client.redirectUris ?? []).some((uri) => URL.parse(uri)?.origin === origin),
    discovery: { service_documentation: undefined },
  }
}

/** Where a person goes for a pending question of the engine. */
export function interactionPath(uid: string): string {
  return `/oauth/interaction/${uid}`
}

/**
 * What the app may have, and a `sid` and a grant for this authorization. Nothing is stored yet: the AppSession is joined where the
 * code is stored, and when another tab was first, its `sid` wins.
 */
async function loadGrant(deps: ProviderDeps, ctx: KoaContextWithOIDC) {
  const { client, session, provider } = ctx.oidc
  const app = deps.apps.findByClientId(client?.clientId ?? '')
  const accountId = parseAccountId(session?.accountId)
  if (client === undefined || session === undefined || app === undefined || accountId === undefined) {
    throw new errors.InvalidClient('client is no longer registered')
  }
  const granted = await grantOf(deps.consents, app, accountId)
  const grant = new provider.Grant({ clientId: client.clientId, accountId })
  grant.jti = newSecret(deps.random)
  if (granted.scopes.length > 0) grant.addOIDCScope(granted.scopes.join(' '))
  grant.addOIDCClaims([...granted.claims])
  // What its record does not allow is not asked of the person either; what they have not agreed to yet is.
  grant.rejectOIDCClaims([...refusedByRecord(app)])
  session.sidFor(client.clientId, deps.random.bytes(16).toString('base64url'))
  return grant
}

/**
 * Until the session's absolute end (DECISIONS 11), or that of an offline access: a family of refresh tokens ends when it must, however
 * often it rotates.
 */
function refreshSeconds(deps: ProviderDeps, of: Parameters<Artifacts['refreshEndsAt']>[0]): number {
  const endsAt = deps.artifacts.refreshEndsAt(of)
  if (endsAt === undefined)
    throw new GatewayError('internal', 'A refresh token was made outside the grant it comes from.')
  return seconds(endsAt - deps.clock.now())
}

function seconds(ms: number): number {
  return Math.max(1, Math.floor(ms / secondMs))
}
