/**
 * Codes and tokens, made safe: see `artifacts.ts` for why the adapter must do it.
 */
import { type Adapter, type AdapterPayload, errors, Provider } from 'oidc-provider'
import type { App } from '../apps/app.ts'
import { toEpochSeconds } from '../kernel/clock.ts'
import { digest } from '../kernel/digest.ts'
import { GatewayError } from '../kernel/errors.ts'
import { type AccountId, newId, type SsoSessionId } from '../kernel/ids.ts'
import type { AppSession } from '../sessions/app-session.ts'
import { oneFactor } from '../sessions/assurance.ts'
import { appExpiryOf, expiryOf } from '../sessions/lifetime.ts'
import { type ArtifactsDeps, lifetimeMs, unusedAdapter, withoutId } from './artifact.ts'
import type { FoundTokens } from './found-tokens.ts'
import { refreshSuccessor } from './refresh-successor.ts'
import type { FoundToken, TokenKind } from './store.ts'

/** The adapter of one kind of token. */
export function tokenAdapter(deps: ArtifactsDeps, kind: TokenKind, found: FoundTokens): Adapter {
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
      const appSession = found.of(grantId)?.appSession
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
      found.remember(token)
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

/** What `expiryOf` does not look at; tokens carry only what decides their life. */
export const unreadOfSession = {
  authenticatedAt: 0,
  acr: oneFactor,
  amr: [],
  credentialIds: [],
  address: '',
  userAgent: '',
} as const

function policyOf(app: App | undefined) {
  return app?.sessions ?? {}
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
