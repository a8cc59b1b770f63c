/**
 * Tells OpenID Connect apps that a session has ended (OpenID Connect Back-Channel Logout 1.0).
 *
 * Owns: the logout token and how its answer is read. Relies on: Egress, Keyring. Never: reuses a token: each attempt has its own
 * `jti` and expiry, so an app that refuses repeats accepts our retry.
 */
import type { App } from '../apps/app.ts'
import type { AppRegistry } from '../apps/registry.ts'
import { type Clock, hourMs, secondMs, toEpochSeconds } from '../kernel/clock.ts'
import type { Egress, EgressRequest } from '../kernel/egress.ts'
import type { AccountId } from '../kernel/ids.ts'
import type { Random } from '../kernel/random.ts'
import type { Keyring } from '../keys/keyring.ts'
import { signJwt } from '../keys/sign-jwt.ts'
import type { Way } from '../logout/delivery.ts'
import type { Messenger } from '../logout/messenger.ts'
import { subjectFor } from './claims.ts'

export interface LogoutTokenDeps {
  readonly issuer: string
  readonly apps: Pick<AppRegistry, 'find'>
  readonly keys: Keyring
  readonly egress: Egress
  readonly clock: Clock
  readonly random: Random
}

/** Section 2.4 recommends at most two minutes: long enough for a slow app, short enough to be worthless afterwards. */
const tokenLifetimeSeconds = 120
/** Errors are one short JSON object (section 2.8); the rest of a longer answer is not read. */
const maxAnswerBytes = 64 * 1024
/** What an app says is wrong is shown to operators, cut to this. */
const maxErrorLength = 200
/** An app may ask us to wait this long; longer would keep people signed in there. */
const maxRetryAfterMs = hourMs

/** Creates the messenger for OpenID Connect apps. */
export function createLogoutMessenger(deps: LogoutTokenDeps): Messenger {
  return {
    waysOf: ({ appId }) => {
      const app = deps.apps.find(appId)
      return app === undefined ? [] : waysOf(app)
    },

    send: async ({ appId, accountId, sid }, timeoutMs) => {
      const app = deps.apps.find(appId)
      const url = app?.oidc.metadata.backchannel_logout_uri
      if (app === undefined || url === undefined) return { kind: 'no-channel' }
      const form = `logout_token=${logoutToken(deps, app, accountId, sid)}`
      const outcome = await deps.egress.send(logoutRequest(app, url, form, timeoutMs))
      if (outcome.kind === 'unreachable') return outcome
      const retryAfterMs = parseRetryAfter(outcome.headers['retry-after'], deps.clock.now())
      const error = errorOf(outcome.status, outcome.body)
      return {
        kind: 'answered',
        status: outcome.status,
        durationMs: outcome.durationMs,
        ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
        ...(error === undefined ? {} : { error }),
      }
    },
  }
}

/** What the operator chose; else the back channel, which needs no browser and gets an answer, and the front channel where that is all. */
function waysOf({ logout, oidc: { metadata } }: App): readonly Way[] {
  const byBackChannel = metadata.backchannel_logout_uri !== undefined
  const byFrontChannel = metadata.frontchannel_logout_uri !== undefined
  switch (logout.channel) {
    case 'back-channel':
      return byBackChannel ? ['back-channel'] : []
    case 'front-channel':
      return byFrontChannel ? ['front-channel'] : []
    case 'both':
      return [
        ...(byBackChannel ? (['back-channel'] as const) : []),
        ...(byFrontChannel ? (['front-channel'] as const) : []),
      ]
    case undefined:
      if (byBackChannel) return ['back-channel']
      return byFrontChannel ? ['front-channel'] : []
    default:
      return logout.channel satisfies never
  }
}

/** Section 2.4. Both `sub` and `sid` are given: an app may key its sessions on either. Never a `nonce`. */
export function logoutToken(deps: LogoutTokenDeps, app: App, accountId: AccountId, sid: string): string {
  const sub = subjectFor(app, accountId, deps.keys.secret('pairwise'))
  return signJwt(
    logoutTokenHeader,
    logoutClaims(deps, app, { sub, sid }),
    deps.keys.signing(app.oidc.metadata.id_token_signed_response_alg),
  )
}

export const logoutTokenHeader = { typ: 'logout+jwt' } as const

export type LogoutClaims = {
  readonly iss: string
  readonly aud: string
  readonly iat: number
  readonly exp: number
  readonly jti: string
  readonly sub: string
  readonly sid: string
  readonly events: Readonly<Record<string, object>>
}

/** What a logout token says, of whomever it speaks; each with a `jti` of its own. */
export function logoutClaims(
  deps: Pick<LogoutTokenDeps, 'issuer' | 'clock' | 'random'>,
  app: App,
  of: { readonly sub: string; readonly sid: string },
): LogoutClaims {
  const now = toEpochSeconds(deps.clock.now())
  return {
    iss: deps.issuer,
    aud: app.oidc.clientId,
    iat: now,
    exp: now + tokenLifetimeSeconds,
    jti: deps.random.bytes(16).toString('base64url'),
    ...of,
    events: { 'http://schemas.openid.net/event/backchannel-logout': {} },
  }
}

/** What is posted to an app, and how much of its answer is read (section 2.5). */
export function logoutRequest(app: App, url: string, form: string, timeoutMs: number): EgressRequest {
  return {
    method: 'POST',
    url,
    headers: { 'content-type': 'application/x-www-form-urlencoded', accept: 'application/json' },
    body: form,
    timeoutMs,
    maxBytes: maxAnswerBytes,
    poolKey: `app ${app.id}`,
  }
}

/** RFC 9110 section 10.2.3: seconds or a date. */
function parseRetryAfter(text: string | undefined, now: number): number | undefined {
  if (text === undefined) return undefined
  const waitMs = /^\d{1,9}$/.test(text) ? Number(text) * secondMs : Date.parse(text) - now
  return Number.isFinite(waitMs) ? Math.min(maxRetryAfterMs, Math.max(0, waitMs)) : undefined
}

/** What the app says is wrong: the `error` members of section 2.8, as plain printable text and nothing else of the body. */
export function errorOf(status: number, body: string): string | undefined {
  if (status < 400) return undefined
  try {
    const { error, error_description: description } = JSON.parse(body) as Record<string, unknown>
    const words = [error, description].filter((part) => typeof part === 'string').join(': ')
    const printable = words.replace(/[^\x20-\x7e]/g, ' ').slice(0, maxErrorLength)
    return printable === '' ? undefined : printable
  } catch {
    return undefined
  }
}
