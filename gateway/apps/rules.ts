/**
 * What makes an app acceptable: the rules between its fields, and between it and the gateway.
 *
 * Owns: these rules, for apps from the console, the API, the command line and the configuration file alike.
 * Never: stores anything; pure functions only.
 */
import {
  type AllowsPlainHttp,
  calledAddressProblem,
  redirectProblem,
  webAddressProblem,
} from './addresses.ts'
import type { App, AppSessionRules } from './app.ts'
import { type ClientMetadata, needsSecret } from './client-metadata.ts'
import type { AppProblem } from './read-metadata.ts'

/** What the gateway itself is set to, as far as apps depend on it. */
export interface AppRules {
  readonly allowsPlainHttp: AllowsPlainHttp
  /** Values that `sessions.acr` may have. */
  readonly acrs: readonly string[]
  readonly idleMs: number
  readonly absoluteMs: number
}

const maxNameLength = 100
const visible = /[\p{L}\p{N}\p{P}\p{S}]/u
/** The two joiners are format characters that names in Persian, Hindi and many other languages are spelled with. */
const invisibleInNames = /[\p{C}--[\u200c\u200d]]/v
const maxGroups = 256
/** A session that outlives a missed logout by longer than a year is one that nobody set. */
const localSessionMaxMs = 400 * 24 * 60 * 60 * 1_000

/** Attempts to a slow app hold its few places this long; a process that stops waits for them. */
const timeoutMaxMs = 30_000

/** Everything that is wrong with `app`, for its operator. Empty when nothing is. */
export function problemsOf(app: App, rules: AppRules): readonly AppProblem[] {
  const { metadata } = app.oidc
  return [
    ...nameProblems(app),
    ...launchProblems(app),
    ...accessProblems(app),
    ...sessionProblems(app.sessions, rules),
    ...logoutProblems(app),
    ...clientIdProblems(app),
    ...credentialProblems(app),
    ...grantProblems(metadata),
    ...offlineProblems(app),
    ...redirectProblems(metadata, rules.allowsPlainHttp),
    ...calledProblems(metadata, rules.allowsPlainHttp),
    ...frontChannelProblems(metadata, rules.allowsPlainHttp),
    ...linkProblems(metadata),
  ]
}

function nameProblems({ name }: App): readonly AppProblem[] {
  const fine = [...name].length <= maxNameLength && visible.test(name) && !invisibleInNames.test(name)
  return when(!fine, 'name', `must be a name of 1 to ${maxNameLength} characters on one line`)
}

function launchProblems({ launchUrl }: App): readonly AppProblem[] {
  return launchUrl === undefined ? [] : wrong('launch_url', webAddressProblem(launchUrl))
}

function accessProblems({ access }: App): readonly AppProblem[] {
  if (access.kind === 'everyone') return []
  const count = access.groups.length
  return when(
    count === 0 || count > maxGroups,
    'access',
    `must be everyone or a list of 1 to ${maxGroups} groups`,
  )
}

function sessionProblems(sessions: AppSessionRules, rules: AppRules): readonly AppProblem[] {
  return [
    ...limitProblems('sessions.idle', sessions.idleMs, rules.idleMs),
    ...limitProblems('sessions.absolute', sessions.absoluteMs, rules.absoluteMs),
    ...when(
      sessions.acr !== undefined && !rules.acrs.includes(sessions.acr),
      'sessions.acr',
      `must be one of ${rules.acrs.join(', ')}`,
    ),
  ]
}

function limitProblems(field: string, ms: number | undefined, gatewayMs: number): readonly AppProblem[] {
  if (ms === undefined) return []
  if (!Number.isSafeInteger(ms) || ms < 1_000) return [{ field, problem: 'must be at least one second' }]
  return when(ms > gatewayMs, field, "must not be longer than the gateway's own")
}

function logoutProblems({ logout, oidc: { metadata } }: App): readonly AppProblem[] {
  const { localSessionMs, timeoutMs, channel } = logout
  const lacks = (way: 'back-channel' | 'front-channel', address: string | undefined): boolean =>
    (channel === way || channel === 'both') && address === undefined
  return [
    ...when(
      !isWithin(localSessionMs, localSessionMaxMs),
      'logout.local_session',
      'must be from one second to 400 days',
    ),
    ...when(!isWithin(timeoutMs, timeoutMaxMs), 'logout.timeout', 'must be from 1 to 30 seconds'),
    ...when(
      lacks('back-channel', metadata.backchannel_logout_uri),
      'logout.channel',
      `${channel} needs a backchannel_logout_uri`,
    ),
    ...when(
      lacks('front-channel', metadata.frontchannel_logout_uri),
      'logout.channel',
      `${channel} needs a frontchannel_logout_uri`,
    ),
  ]
}

function isWithin(ms: number | undefined, mostMs: number): boolean {
  return ms === undefined || (Number.isSafeInteger(ms) && ms >= 1_000 && ms <= mostMs)
}

function clientIdProblems({ oidc: { clientId } }: App): readonly AppProblem[] {
  const fine = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/.test(clientId)
  return when(!fine, 'client_id', 'must be 1 to 64 of A-Z a-z 0-9 . _ - and start with a letter or digit')
}

/** How the app proves itself: exactly what its method needs, and nothing that would let it in another way. */
function credentialProblems({ oidc: { metadata, secretHash } }: App): readonly AppProblem[] {
  const method = metadata.token_endpoint_auth_method
  const keySets = [metadata.jwks, metadata.jwks_uri].filter((keys) => keys !== undefined).length
  const ownKeys = method === 'private_key_jwt'
  return [
    ...when(needsSecret(method) && secretHash === undefined, 'client_secret', `is needed for ${method}`),
    ...when(!needsSecret(method) && secretHash !== undefined, 'client_secret', `is not used by ${method}`),
    ...when(ownKeys && keySets !== 1, 'jwks', 'one of jwks and jwks_uri is needed for private_key_jwt'),
    ...when(!ownKeys && keySets > 0, 'jwks', `is not used by ${method}`),
    ...when(
      !ownKeys && metadata.token_endpoint_auth_signing_alg !== undefined,
      'token_endpoint_auth_signing_alg',
      `is not used by ${method}`,
    ),
  ]
}

function grantProblems(metadata: ClientMetadata): readonly AppProblem[] {
  const scopes = metadata.scope?.split(' ')
  const needed = 'authorization_code'
  return [
    ...when(!metadata.grant_types.includes(needed), 'grant_types', `must hold ${needed}`),
    ...when(scopes !== undefined && !scopes.includes('openid'), 'scope', 'must hold openid'),
  ]
}

/** Nothing would survive, and whoever set it would think that something does. */
function offlineProblems({ offline, oidc }: App): readonly AppProblem[] {
  if (offline === undefined) return []
  const { grant_types: types, scope } = oidc.metadata
  return [
    ...when(!types.includes('refresh_token'), 'offline', 'needs refresh_token among grant_types'),
    ...when(
      scope !== undefined && !scope.split(' ').includes('offline_access'),
      'offline',
      'needs offline_access in scope',
    ),
  ]
}

function redirectProblems(metadata: ClientMetadata, allows: AllowsPlainHttp): readonly AppProblem[] {
  const { application_type: type, redirect_uris: addresses } = metadata
  const problems = (['redirect_uris', 'post_logout_redirect_uris'] as const).flatMap((list) =>
    metadata[list].flatMap((address, index) =>
      wrong(`${list}[${index}]`, redirectProblem(address, type, allows)),
    ),
  )
  // Without a sector identifier the host is what a pairwise subject is made for (OpenID Connect Core 1.0 section 8.1).
  const hosts = new Set(addresses.map((address) => URL.parse(address)?.host))
  return [
    ...when(addresses.length === 0, 'redirect_uris', 'must hold at least one address'),
    ...problems,
    ...when(
      metadata.subject_type === 'pairwise' && hosts.size > 1,
      'subject_type',
      'pairwise subjects need all redirect_uris on one host',
    ),
  ]
}

function calledProblems(metadata: ClientMetadata, allows: AllowsPlainHttp): readonly AppProblem[] {
  return (['backchannel_logout_uri', 'jwks_uri'] as const).flatMap((field) => {
    const address = metadata[field]
    return address === undefined ? [] : wrong(field, calledAddressProblem(address, allows))
  })
}

/**
 * Front-Channel Logout 1.0 section 2: its scheme, host and port are those of a registered redirect address. So nobody gets a frame on our
 * page who could not already be sent a code.
 */
function frontChannelProblems(metadata: ClientMetadata, allows: AllowsPlainHttp): readonly AppProblem[] {
  const field = 'frontchannel_logout_uri'
  const address = metadata[field]
  if (address === undefined) {
    const required = metadata.frontchannel_logout_session_required === true
    return when(required, 'frontchannel_logout_session_required', `needs a ${field}`)
  }
  const malformed = calledAddressProblem(address, allows)
  if (malformed !== undefined) return [{ field, problem: malformed }]
  const origins = metadata.redirect_uris.map((redirect) => URL.parse(redirect)?.origin)
  return when(
    !origins.includes(new URL(address).origin),
    field,
    'must have the scheme, host and port of a redirect_uri',
  )
}

function linkProblems(metadata: ClientMetadata): readonly AppProblem[] {
  return (['client_uri', 'logo_uri', 'policy_uri', 'tos_uri'] as const).flatMap((field) => {
    const address = metadata[field]
    return address === undefined ? [] : wrong(field, webAddressProblem(address))
  })
}

function wrong(field: string, problem: string | undefined): readonly AppProblem[] {
  return problem === undefined ? [] : [{ field, problem }]
}

function when(isWrong: boolean, field: string, problem: string): readonly AppProblem[] {
  return isWrong ? [{ field, problem }] : []
}
