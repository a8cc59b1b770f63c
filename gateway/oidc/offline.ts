/**
 * Access while the person is away (OpenID Connect Core 1.0 section 11): which authorization becomes one, and when one of its tokens is
 * alive although the session it came of is not.
 */
import type { AdapterPayload } from 'oidc-provider'
import type { App } from '../apps/app.ts'
import type { Actor } from '../sessions/cause.ts'
import { appEndsAt, appExpiryOf, endsAt, expiryOf } from '../sessions/lifetime.ts'
import { offlineEndsAt } from '../sessions/offline-access.ts'
import type { ArtifactsDeps } from './artifact.ts'
import type { FoundToken } from './store.ts'

const gateway: Actor = { kind: 'gateway' }

/**
 * True when what comes of this authorization may outlive its session. The engine lets `offline_access` through only where the person
 * was asked for it at that moment (`prompt=consent`), so they were told what the app's record says now, whatever it said before.
 */
export function mayOutlive(app: App | undefined, scope: unknown): boolean {
  return (
    app?.offline === 'survives-sign-out' &&
    typeof scope === 'string' &&
    scope.split(' ').includes('offline_access')
  )
}

/** True when its AppSession and SsoSession live at `now`. */
export function isInSession(deps: ArtifactsDeps, token: FoundToken, now: number): boolean {
  return (
    !token.ended &&
    expiryOf(token.ssoSession, deps.sessions.policy, now) === undefined &&
    appExpiryOf(token.appSession, rulesOf(deps, token), now) === undefined
  )
}

/**
 * True when it lives without its session. What the door left is an access's refresh tokens, and what is stored under it later came of
 * those; a session that ran out and has not been through the door has left nothing yet.
 */
export function isOffline(
  deps: ArtifactsDeps,
  { ended, offline, appSession }: FoundToken,
  now: number,
): boolean {
  return (
    ended &&
    offline !== undefined &&
    deps.apps.find(appSession.appId)?.offline === 'survives-sign-out' &&
    now < offlineEndsAt(offline, deps.offlinePolicy)
  )
}

/**
 * Takes the session of an offline access through the door when it has run out, as the sweeper would within seconds: what is made of the
 * access from here on must not look as if it came of a session. True when it did.
 */
export async function endIfRunOut(deps: ArtifactsDeps, token: FoundToken, now: number): Promise<boolean> {
  const { ssoSession, appSession } = token
  if (token.offline === undefined || token.ended) return false
  const { policy } = deps.sessions
  if (expiryOf(ssoSession, policy, now) !== undefined) {
    const cause = expiryOf(ssoSession, policy, endsAt(ssoSession, policy)) ?? 'absolute'
    await deps.endSession({ kind: 'sso-sessions', ids: [ssoSession.id] }, cause, gateway)
    return true
  }
  const rules = rulesOf(deps, token)
  if (appExpiryOf(appSession, rules, now) === undefined) return false
  const cause = appExpiryOf(appSession, rules, appEndsAt(appSession, rules) ?? now) ?? 'absolute'
  await deps.endSession({ kind: 'app-sessions', ids: [appSession.id] }, cause, gateway)
  return true
}

/**
 * Without `sid`: it names a session "for a logged-in End-User at an RP" (Back-Channel Logout 1.0 section 2.1), and there is none any
 * more. An app that opened a session of its own under it would never be told to end that. Nothing asks for one at a refresh
 * (Core section 12.2); `auth_time`, `acr` and `amr` stay those of the sign-in.
 */
export function withoutSession({ sid: _, ...payload }: AdapterPayload): AdapterPayload {
  return payload
}

function rulesOf(deps: ArtifactsDeps, { appSession }: FoundToken) {
  return deps.apps.find(appSession.appId)?.sessions ?? {}
}
