/**
 * Codes and tokens, made safe: see `artifacts.ts` for why the adapter must do it.
 */
import { type Adapter, type AdapterPayload, errors } from 'oidc-provider'
import { type App, isOpenTo } from '../apps/app.ts'
import { toEpochSeconds } from '../kernel/clock.ts'
import { digest } from '../kernel/digest.ts'
import { GatewayError } from '../kernel/errors.ts'
import { type AccountId, newId, type SsoSessionId } from '../kernel/ids.ts'
import type { AppSession } from '../sessions/app-session.ts'
import { appExpiryOf } from '../sessions/lifetime.ts'
import { type ArtifactsDeps, lifetimeMs, unusedAdapter, withoutSecrets } from './artifact.ts'
import type { FoundTokens } from './found-tokens.ts'
import { endIfRunOut, isInSession, isOffline, mayOutlive, withoutSession } from './offline.ts'
import type { FoundToken, TokenKind } from './store.ts'
import { touchAuthorized, touchUserinfo } from './token-activity.ts'
import type { TokenWrites } from './token-writes.ts'

/** The adapter of one kind of token. */
export function tokenAdapter(
  deps: ArtifactsDeps,
  kind: TokenKind,
  found: FoundTokens,
  writes: TokenWrites,
): Adapter {
  const { store, clock, sessions } = deps

  const isDead = (token: FoundToken, now: number): boolean =>
    token.expiresAt <= now ||
    token.grantRevoked ||
    !(isInSession(deps, token, now) || isOffline(deps, token, now))

  const findToken = async (id: string): Promise<FoundToken | undefined> => {
    const token = await store.find(kind, id)
    if (token === undefined || kind !== 'RefreshToken') return token
    return (await endIfRunOut(deps, token, clock.now())) ? store.find(kind, id) : token
  }

  const insertCode = async (id: string, payload: AdapterPayload, expiresAt: number): Promise<void> => {
    const app = deps.apps.findByClientId(payload.clientId ?? '')
    if (app === undefined || payload.grantId === undefined)
      throw new errors.InvalidClient('client is no longer registered')
    const { grantId } = payload
    const joinAndInsert = () =>
      deps.transaction.run(async () => {
        // Whoever takes a group away or closes the app ends what they find: nothing may join between that and the check that let this
        // request in. So both are read again here, from the store.
        const account = await deps.accounts.findAndHold(payload.accountId as AccountId)
        const current = await deps.appRecords.find(app.id)
        if (account === undefined || current === undefined || !isOpenTo(current, account.groups))
          throw new errors.AccessDenied('this account may not use this app')
        const joined = await sessions.join({
          id: newId('appSession', deps.random),
          ssoSessionId: payload.sessionUid as SsoSessionId,
          accountId: payload.accountId as AccountId,
          appId: app.id,
          sid: payload.sid ?? '',
        })
        if (joined === undefined) return undefined
        const { appSession } = joined
        const isOver = appSession.ended ?? appExpiryOf(appSession, policyOf(app), clock.now())
        if (!joined.joined && isOver !== undefined) return { expired: appSession }
        // Two tabs that open the same new app at once share one AppSession: the second code speaks of the `sid` that won.
        const stored = { ...payload, sid: appSession.sid }
        if (
          !(await store.insert({
            kind,
            id: digest(id),
            grantId,
            appSessionId: appSession.id,
            payload: withoutSecrets(stored),
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
      // Its own limits ran out while the person was away, or it has ended with many others and is not marked yet: that AppSession ends
      // for good, the app hears of it, and a new one begins.
      const cause =
        outcome.expired.ended?.cause ?? appExpiryOf(outcome.expired, policyOf(app), clock.now()) ?? 'idle'
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
      const source = found.of(grantId)
      if (source === undefined)
        throw new GatewayError('internal', 'A token was stored outside the grant it came from.')
      const { appSessionId, offline } = source
      if (kind === 'RefreshToken') {
        const app = deps.apps.find(source.appSession.appId)
        if (offline !== undefined) writes.useOffline(offline)
        else if (source.kind === 'AuthorizationCode' && mayOutlive(app, payload['scope']))
          writes.beginOffline()
      }
      writes.add({ kind, id: digest(id), grantId, appSessionId, payload: withoutSecrets(payload), expiresAt })
    },

    find: async (id) => {
      const token = await findToken(digest(id))
      if (token === undefined || isDead(token, clock.now())) return undefined
      found.remember(token)
      if (kind === 'AccessToken') await touchUserinfo(deps, token)
      const isFresh =
        token.consumedAt === undefined || (await writes.mayBeGivenAgain(kind, id, token.consumedAt))
      const payload = token.payload as AdapterPayload
      return {
        ...(token.ended ? withoutSession(payload) : payload),
        jti: id,
        ...(isFresh ? {} : { consumed: toEpochSeconds(token.consumedAt ?? 0) }),
      }
    },

    // Used when the request commits, together with the tokens that come of it; whoever commits second has lost.
    consume: async (id) => {
      const token = found.byId(digest(id))
      if (token === undefined) throw new errors.InvalidGrant(`${kind} not found`)
      writes.redeem({ value: id, token })
    },

    destroy: async (id) => store.delete(kind, digest(id)),

    // The engine revokes model by model and then the grant; the grant's tombstone covers them all.
    revokeByGrantId: async () => {},
  }
}

function policyOf(app: App | undefined) {
  return app?.sessions ?? {}
}

async function auditJoin(deps: ArtifactsDeps, appSession: AppSession): Promise<void> {
  await deps.audit(
    {
      type: 'session.joined',
      accountId: appSession.accountId,
      ssoSessionId: appSession.ssoSessionId,
      appSessionId: appSession.id,
      appId: appSession.appId,
    },
    { actor: { kind: 'account', accountId: appSession.accountId } },
  )
}
