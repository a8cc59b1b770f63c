/**
 * What the engine sees as its database.
 *
 * The engine reads, decides and writes in separate steps and trusts its adapter with everything that happens between them. So the
 * adapter is where it is made safe: one winner for each code and each refresh token, tokens only under live sessions, revoked
 * grants that stay revoked, and no way at all to bring an ended session back.
 *
 * Owns: how each engine model maps to our records. Relies on: ArtifactStore, SessionRegistry, Ephemeral.
 * Never: stores an id that an app or browser could show (only its SHA-256), or ends a session (the engine's destroy is no end).
 */
import { type Adapter, type AdapterPayload, errors, Provider } from 'oidc-provider'
import type { App } from '../apps/app.ts'
import type { AppRegistry } from '../apps/registry.ts'
import type { ConsentStore } from '../apps/store.ts'
import type { AppendAudit } from '../audit/event.ts'
import { type Clock, minuteMs, secondMs, toEpochSeconds } from '../kernel/clock.ts'
import { digest, keyedDigest } from '../kernel/digest.ts'
import type { Ephemeral } from '../kernel/ephemeral.ts'
import { GatewayError } from '../kernel/errors.ts'
import { type AccountId, newId, type SsoSessionId } from '../kernel/ids.ts'
import type { Random } from '../kernel/random.ts'
import type { Transaction } from '../kernel/transaction.ts'
import type { AppSession } from '../sessions/app-session.ts'
import type { EndSession } from '../sessions/ending.ts'
import { absoluteEndAt, appExpiryOf, endsAt, expiryOf } from '../sessions/lifetime.ts'
import type { SessionRegistry } from '../sessions/registry.ts'
import type { SsoSession } from '../sessions/sso-session.ts'
import { grantOf } from './grants.ts'
import type { ArtifactStore, FoundToken, TokenKind } from './store.ts'

export interface ArtifactsDeps {
  readonly store: ArtifactStore
  readonly sessions: SessionRegistry
  readonly endSession: EndSession
  readonly apps: AppRegistry
  readonly consents: ConsentStore
  readonly ephemeral: Ephemeral
  readonly transaction: Transaction
  readonly audit: AppendAudit
  readonly clock: Clock
  readonly random: Random
  /** The live session of the browser that makes the engine's current request, looked up once a request. */
  readonly sessionOfRequest: () => Promise<SsoSession | undefined>
  /** How long a lost answer to a refresh may be asked for again (DECISIONS 12). */
  readonly refreshGraceMs: number
  readonly successorKey: Uint8Array
  readonly requestId: () => string | undefined
}

/** The engine's factory: one adapter for each of its models. */
export function createArtifacts(deps: ArtifactsDeps): (model: string) => Adapter {
  const found = createFoundTokens()
  return (model) => {
    switch (model) {
      case 'Session':
        return sessionAdapter(deps)
      case 'Grant':
        return grantAdapter(deps, found)
      case 'AuthorizationCode':
      case 'AccessToken':
      case 'RefreshToken':
        return tokenAdapter(deps, model, found)
      case 'Interaction':
      case 'PushedAuthorizationRequest':
        return ephemeralAdapter(deps, model)
      default:
        return unusedAdapter(model)
    }
  }
}

/** The successor of a rotated refresh token: derived, so that the same one can be given again while only hashes are stored. */
export function refreshSuccessor(key: Uint8Array, token: string): string {
  return keyedDigest(key, `refresh/${token}`)
}

/**
 * Session: built from our row at each read. The engine may not write it: joins happen where the code is stored, and the cookie and
 * its secret are ours alone (DECISIONS 2, 3, 10).
 */
function sessionAdapter(deps: ArtifactsDeps): Adapter {
  const payloadOf = (session: SsoSession, jti: string): AdapterPayload => ({
    kind: 'Session',
    jti,
    uid: session.id,
    accountId: session.accountId,
    loginTs: toEpochSeconds(session.authenticatedAt),
    acr: session.acr,
    amr: [...session.amr],
    iat: toEpochSeconds(session.startedAt),
    exp: Math.ceil(endsAt(session, deps.sessions.policy) / secondMs),
    authorizations: {},
  })
  return {
    ...unusedAdapter('Session'),
    find: async (cookie) => {
      const session = await deps.sessionOfRequest()
      return session === undefined ? undefined : payloadOf(session, cookie)
    },
    findByUid: async (uid) => {
      const session = await deps.sessions.findLive(uid as SsoSessionId)
      return session === undefined ? undefined : payloadOf(session, digest(uid))
    },
    upsert: async () => {},
    destroy: async () => {},
  }
}

/** Tokens found in a request, by grant: the engine asks for the Grant right after, and stores the next token under it. */
type FoundTokens = ReturnType<typeof createFoundTokens>
function createFoundTokens() {
  const byRequest = new WeakMap<object, Map<string, AppSession>>()
  return {
    remember: (grantId: string, appSession: AppSession): void => {
      const ctx = Provider.ctx
      if (ctx === undefined) return
      const grants = byRequest.get(ctx) ?? new Map<string, AppSession>()
      grants.set(grantId, appSession)
      byRequest.set(ctx, grants)
    },
    appSessionOf: (grantId: string): AppSession | undefined => {
      const ctx = Provider.ctx
      return ctx === undefined ? undefined : byRequest.get(ctx)?.get(grantId)
    },
  }
}

/** Grant: never a row. What an app may have follows from the app and the person's consent at this moment; revoked ones are tombstones. */
function grantAdapter(deps: ArtifactsDeps, found: FoundTokens): Adapter {
  return {
    ...unusedAdapter('Grant'),
    find: async (grantId) => {
      const appSession = found.appSessionOf(grantId)
      const app = appSession === undefined ? undefined : deps.apps.find(appSession.appId)
      if (appSession === undefined || app === undefined) return undefined
      const granted = await grantOf(deps.consents, app, appSession.accountId)
      const { payload } = { payload: granted }
      return {
        kind: 'Grant',
        jti: grantId,
        clientId: app.oidc.clientId,
        accountId: appSession.accountId,
        openid: { scope: payload.scopes.join(' '), claims: [...payload.claims] },
      }
    },
    destroy: async (grantId) => {
      const now = deps.clock.now()
      const appSession = found.appSessionOf(grantId)
      // Kept for as long as anything of the grant could still be shown.
      const keepUntil =
        now + Math.max(deps.sessions.policy.absoluteMs, deps.sessions.policy.rememberedAbsoluteMs)
      await deps.transaction.run(
        async () => {
          if (!(await deps.store.revokeGrant(grantId, now, keepUntil))) return
          await auditReplay(deps, appSession)
        },
        { durable: true },
      )
    },
  }
}

/** The engine revokes a grant for three reasons; two of them are replays and worth a line in the trail. */
async function auditReplay(deps: ArtifactsDeps, appSession: AppSession | undefined): Promise<void> {
  const grantType = (Provider.ctx?.oidc.params as { grant_type?: unknown } | undefined)?.grant_type
  if (appSession === undefined || (grantType !== 'authorization_code' && grantType !== 'refresh_token'))
    return
  const { appId, accountId } = appSession
  const requestId = deps.requestId()
  await deps.audit(
    { type: grantType === 'refresh_token' ? 'refresh-token.replayed' : 'code.replayed', appId, accountId },
    { actor: { kind: 'app', appId }, ...(requestId === undefined ? {} : { requestId }) },
  )
}

function tokenAdapter(deps: ArtifactsDeps, kind: TokenKind, found: FoundTokens): Adapter {
  const { store, clock, sessions } = deps

  const isDead = (token: FoundToken, now: number): boolean =>
    token.expiresAt <= now ||
    token.grantRevoked ||
    token.appSession.ended !== undefined ||
    token.ssoSession.ended !== undefined ||
    expiryOf({ ...token.ssoSession, ...unreadOfSession }, sessions.policy, now) !== undefined ||
    appExpiryOf(token.appSession, policyOf(deps.apps.find(token.appSession.appId)), now) !== undefined

  /** A refresh whose answer was lost may be repeated: for a moment, and only while nobody has used the successor. */
  const mayBeGivenAgain = async (value: string, consumedAt: number): Promise<boolean> => {
    if (kind !== 'RefreshToken' || clock.now() >= consumedAt + deps.refreshGraceMs) return false
    const successor = await store.find(kind, digest(refreshSuccessor(deps.successorKey, value)))
    return successor?.consumedAt === undefined
  }

  const insertCode = async (id: string, payload: AdapterPayload, expiresAt: number): Promise<void> => {
    const app = deps.apps.findByClientId(payload.clientId ?? '')
    if (app === undefined || payload.grantId === undefined)
      throw new errors.InvalidClient('client is no longer registered')
    const { grantId } = payload
    const joinAndInsert = () =>
      deps.transaction.run(async () => {
        const joined = await sessions.join({
          id: newId('appSession', deps.random),
          ssoSessionId: payload.sessionUid as SsoSessionId,
          accountId: payload.accountId as AccountId,
          appId: app.id,
          sid: payload.sid ?? '',
        })
        if (joined === undefined) return undefined
        const { appSession } = joined
        if (!joined.joined && appExpiryOf(appSession, policyOf(app), clock.now()) !== undefined)
          return { expired: appSession }
        // Two tabs that open the same new app at once share one AppSession: the second code speaks of the `sid` that won.
        const stored = { ...payload, sid: appSession.sid }
        if (
          !(await store.insert({
            kind,
            id: digest(id),
            grantId,
            appSessionId: appSession.id,
            payload: withoutId(stored),
            expiresAt,
          }))
        ) {
          return undefined
        }
        if (joined.joined) await auditJoin(deps, appSession)
        await touchAuthorized(deps, appSession)
        return { appSession }
      })
    let outcome = await joinAndInsert()
    if (outcome !== undefined && 'expired' in outcome && outcome.expired !== undefined) {
      // Its own limits ran out while the person was away: that AppSession ends, the app hears of it, and a new one begins.
      const cause = appExpiryOf(outcome.expired, policyOf(app), clock.now()) ?? 'idle'
      await deps.endSession({ kind: 'app-sessions', ids: [outcome.expired.id] }, cause, { kind: 'gateway' })
      outcome = await joinAndInsert()
    }
    // A join that races an end is refused; the session does not come back (DECISIONS 14).
    if (outcome === undefined) throw new errors.LoginRequired('the session has ended')
  }

  return {
    ...unusedAdapter(kind),

    upsert: async (id, payload, expiresIn) => {
      const expiresAt = clock.now() + lifetimeMs(expiresIn)
      if (kind === 'AuthorizationCode') return insertCode(id, payload, expiresAt)
      const grantId = payload.grantId ?? ''
      const appSession = found.appSessionOf(grantId)
      if (appSession === undefined)
        throw new GatewayError('internal', 'A token was stored outside the grant it came from.')
      const inserted = await store.insert({
        kind,
        id: digest(id),
        grantId,
        appSessionId: appSession.id,
        payload: withoutId(payload),
        expiresAt,
      })
      if (!inserted) throw new errors.InvalidGrant('the session has ended')
    },

    find: async (id) => {
      const token = await store.find(kind, digest(id))
      if (token === undefined || isDead(token, clock.now())) return undefined
      found.remember(token.grantId, token.appSession)
      if (kind === 'AccessToken') await touchUserinfo(deps, token)
      const again = token.consumedAt === undefined || (await mayBeGivenAgain(id, token.consumedAt))
      return {
        ...(token.payload as AdapterPayload),
        jti: id,
        ...(again ? {} : { consumed: toEpochSeconds(token.consumedAt ?? 0) }),
      }
    },

    consume: async (id) => {
      const hash = digest(id)
      const now = clock.now()
      if (await deps.transaction.run(() => store.consume(kind, hash, now), { durable: true })) {
        await touchRefreshed(deps, kind, hash)
        return
      }
      const token = await store.find(kind, hash)
      if (token?.consumedAt === undefined || !(await mayBeGivenAgain(id, token.consumedAt))) {
        throw new errors.InvalidGrant(`${kind} already used`)
      }
      const { appId, accountId } = token.appSession
      await deps.audit(
        { type: 'refresh-token.given-again', appId, accountId },
        { actor: { kind: 'app', appId } },
      )
    },

    destroy: async (id) => store.delete(kind, digest(id)),

    // The engine revokes model by model and then the grant; the grant's tombstone covers them all.
    revokeByGrantId: async () => {},
  }
}

/** Pushed requests and interactions: minutes long, bound to one browser, and nothing is lost with them. */
function ephemeralAdapter(deps: ArtifactsDeps, model: 'Interaction' | 'PushedAuthorizationRequest'): Adapter {
  const space = `oidc-${model}`
  const usedSpace = `${space}-used`
  return {
    ...unusedAdapter(model),
    upsert: async (id, payload, expiresIn) =>
      deps.ephemeral.put(space, digest(id), withoutId(payload), lifetimeMs(expiresIn)),
    find: async (id) => {
      const payload = (await deps.ephemeral.get(space, digest(id))) as AdapterPayload | undefined
      return payload === undefined ? undefined : { ...payload, jti: id }
    },
    consume: async (id) => {
      // RFC 9126 section 4: a request_uri is used once; two browsers that bring it at the same time are told apart here.
      if (!(await deps.ephemeral.add(usedSpace, digest(id), true, usedForMs))) {
        throw new errors.InvalidRequestUri('request_uri was already used')
      }
      await deps.ephemeral.take(space, digest(id))
    },
    destroy: async (id) => {
      await deps.ephemeral.take(space, digest(id))
    },
  }
}

/** Models of features that are off: reaching one is a fault of ours and must not look like an empty answer. */
function unusedAdapter(model: string): Adapter {
  const refuse = (): never => {
    throw new GatewayError('internal', `The engine used ${model} in a way that the gateway does not offer.`)
  }
  return {
    upsert: async () => refuse(),
    find: async () => undefined,
    findByUid: async () => undefined,
    findByUserCode: async () => undefined,
    consume: async () => refuse(),
    destroy: async () => refuse(),
    revokeByGrantId: async () => refuse(),
  }
}

/** Far longer than any pushed request lives, so its mark outlasts it. */
const usedForMs = 10 * minuteMs

/** What `expiryOf` does not look at; tokens carry only what decides their life. */
const unreadOfSession = {
  authenticatedAt: 0,
  acr: 'urn:gatehouse:acr:1',
  amr: [],
  credentialIds: [],
  address: '',
  userAgent: '',
} as const

function policyOf(app: App | undefined) {
  return app?.sessions ?? {}
}

function lifetimeMs(expiresInSeconds: number | undefined): number {
  // An entry without an end would live for ever; the engine gives one for every model that is on.
  if (expiresInSeconds === undefined || expiresInSeconds <= 0)
    throw new GatewayError('internal', 'A token was stored without an expiry.')
  return expiresInSeconds * secondMs
}

function withoutId(payload: AdapterPayload): Record<string, unknown> {
  const { jti: _secret, ...rest } = payload
  return rest as Record<string, unknown>
}

async function auditJoin(deps: ArtifactsDeps, appSession: AppSession): Promise<void> {
  const requestId = deps.requestId()
  await deps.audit(
    {
      type: 'session.joined',
      accountId: appSession.accountId,
      ssoSessionId: appSession.ssoSessionId,
      appSessionId: appSession.id,
      appId: appSession.appId,
    },
    {
      actor: { kind: 'account', accountId: appSession.accountId },
      ...(requestId === undefined ? {} : { requestId }),
    },
  )
}

async function touchAuthorized(deps: ArtifactsDeps, appSession: AppSession): Promise<void> {
  const silent = Provider.ctx?.oidc.prompts.has('none') === true
  const session = await deps.sessionOfRequest()
  if (session !== undefined) await deps.sessions.touch(session, silent ? 'silent' : 'authorize')
  if (!silent || deps.sessions.policy.activity.includes('silent'))
    await deps.sessions.touchAppSession(appSession)
}

async function touchRefreshed(deps: ArtifactsDeps, kind: TokenKind, hash: string): Promise<void> {
  if (kind !== 'RefreshToken' || !deps.sessions.policy.activity.includes('refresh')) return
  const token = await deps.store.find(kind, hash)
  if (token === undefined) return
  await deps.sessions.touch({ ...token.ssoSession, ...unreadOfSession }, 'refresh')
  await deps.sessions.touchAppSession(token.appSession)
}

async function touchUserinfo(deps: ArtifactsDeps, token: FoundToken): Promise<void> {
  if (!deps.sessions.policy.activity.includes('userinfo') || Provider.ctx?.oidc.route !== 'userinfo') return
  await deps.sessions.touch({ ...token.ssoSession, ...unreadOfSession }, 'userinfo')
  await deps.sessions.touchAppSession(token.appSession)
}

/** How long a refresh token lives: to the absolute end of its session (DECISIONS 11), in whole seconds, at least one. */
export function refreshLifetimeSeconds(session: SsoSession, sessions: SessionRegistry, now: number): number {
  return Math.max(1, Math.floor((absoluteEndAt(session, sessions.policy) - now) / secondMs))
}
