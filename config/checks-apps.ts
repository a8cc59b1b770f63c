import type { Advice, Placed, Understood } from './checks.ts'
import { parseDuration } from './duration.ts'
import type { Finding } from './fill.ts'
import { isAllowedByEgress, isLoopbackHost } from './networks.ts'
import type { SettingPath } from './path.ts'
import type { AppSettings } from './schema-apps.ts'

/** The rules between the settings of one app, and between them and the gateway's. */
export function checkApp(
  app: Placed<AppSettings>,
  settings: Understood['settings'],
  findings: Finding[],
  advice: Advice[],
): void {
  const at = (...path: SettingPath): SettingPath => ['apps', app.index, ...path]
  checkLifetimes(app.declared, settings.sessions, at, findings)
  checkClientAuthentication(app.declared.oidc, at, findings)
  checkRedirects(app.declared.oidc, settings.egress?.allow ?? [], at, findings)
  checkLogout(app.declared, settings.egress?.allow ?? [], at, findings)
  checkCalledAddresses(app.declared.oidc, settings, at, findings, advice)
  checkOffline(app.declared, at, findings)
}

type At = (...path: SettingPath) => SettingPath
type Oidc = AppSettings['oidc']

function checkLifetimes(
  app: AppSettings,
  gateway: Understood['settings']['sessions'],
  at: At,
  findings: Finding[],
): void {
  if (gateway === undefined) return
  for (const limit of ['idle', 'absolute'] as const) {
    const own = app.sessions[limit]
    if (own !== undefined && (parseDuration(own) ?? 0) > (parseDuration(gateway[limit]) ?? 0)) {
      const expected = `at most sessions.${limit} of the gateway (${gateway[limit]})`
      findings.push({ path: at('sessions', limit), found: own, expected })
    }
  }
}

/** Nothing would survive, and whoever wrote it would think that something does. */
function checkOffline({ offline, oidc }: AppSettings, at: At, findings: Finding[]): void {
  if (offline !== 'survives-sign-out') return
  if (!oidc.grant_types.includes('refresh_token')) {
    const expected = 'refresh_token among them, since offline: survives-sign-out is about refresh tokens'
    findings.push({ path: at('oidc', 'grant_types'), found: JSON.stringify(oidc.grant_types), expected })
  }
  if (oidc.scope !== undefined && !oidc.scope.split(' ').includes('offline_access')) {
    const expected =
      'offline_access among them, since offline: survives-sign-out is about what was granted with it'
    findings.push({ path: at('oidc', 'scope'), found: JSON.stringify(oidc.scope), expected })
  }
}

function checkClientAuthentication(oidc: Oidc, at: At, findings: Finding[]): void {
  const method = oidc.token_endpoint_auth_method
  const usesSecret = method === 'client_secret_basic' || method === 'client_secret_post'
  if (usesSecret && oidc.client_secret === undefined) {
    const expected = `a secret for ${method} (or token_endpoint_auth_method: none for a public client)`
    findings.push({ path: at('oidc', 'client_secret'), found: 'nothing', expected })
  }
  if (!usesSecret && oidc.client_secret !== undefined) {
    findings.push({
      path: at('oidc', 'client_secret'),
      found: 'a secret',
      expected: `none, since ${method} uses none`,
    })
  }
  const sets = [oidc.jwks, oidc.jwks_uri].filter((keys) => keys !== undefined).length
  if (method === 'private_key_jwt' && sets !== 1) {
    const found = sets === 0 ? 'neither jwks nor jwks_uri' : 'both jwks and jwks_uri'
    findings.push({ path: at('oidc', 'jwks'), found, expected: 'one of them for private_key_jwt' })
  }
  const alg = oidc.token_endpoint_auth_signing_alg
  if (method !== 'private_key_jwt' && alg !== undefined) {
    const expected = `nothing, since ${method} signs nothing`
    findings.push({ path: at('oidc', 'token_endpoint_auth_signing_alg'), found: alg, expected })
  }
  if (method !== 'private_key_jwt' && sets > 0) {
    const key = oidc.jwks === undefined ? 'jwks_uri' : 'jwks'
    findings.push({ path: at('oidc', key), found: 'keys', expected: `none, since ${method} uses none` })
  }
}

function checkRedirects(oidc: Oidc, allow: readonly string[], at: At, findings: Finding[]): void {
  for (const list of ['redirect_uris', 'post_logout_redirect_uris'] as const) {
    for (const [index, address] of oidc[list].entries()) {
      const expected = redirectExpectation(new URL(address), oidc.application_type, allow)
      if (expected === undefined) continue
      findings.push({ path: at('oidc', list, index), found: JSON.stringify(address), expected })
    }
  }
  const hosts = new Set(oidc.redirect_uris.map((address) => new URL(address).host))
  if (oidc.subject_type === 'pairwise' && hosts.size > 1) {
    // Without a sector identifier the host is what the pairwise subject is made for (OpenID Connect Core 1.0 section 8.1).
    const found = `redirect_uris on ${hosts.size} hosts`
    findings.push({ path: at('oidc', 'subject_type'), found, expected: 'one host for pairwise subjects' })
  }
}

/** What a redirect address should have been; undefined when it will do. A code sent over plain http is a code given away. */
function redirectExpectation(
  url: URL,
  type: Oidc['application_type'],
  allow: readonly string[],
): string | undefined {
  if (url.protocol === 'https:') return undefined
  if (url.protocol === 'http:') return isPlainHttpFine(url, allow) ? undefined : plainHttpExpectation
  // A reverse domain name keeps javascript:, data: and file: out (RFC 8252 section 7.1).
  if (type === 'native' && url.protocol.includes('.')) return undefined
  return type === 'native'
    ? 'https, http on loopback, or a scheme such as com.example.app'
    : 'an https address'
}

const plainHttpExpectation = 'https (http only on loopback or where egress.allow names it)'

function isPlainHttpFine(url: URL, allow: readonly string[]): boolean {
  return isLoopbackHost(url.hostname) || isAllowedByEgress(url, allow)
}

/** How the app is told of a sign-out: with the addresses that takes (OpenID Connect Front-Channel Logout 1.0 section 2). */
function checkLogout(app: AppSettings, allow: readonly string[], at: At, findings: Finding[]): void {
  const { logout, oidc } = app
  const needed = {
    auto: [],
    'back-channel': ['backchannel_logout_uri'],
    'front-channel': ['frontchannel_logout_uri'],
    both: ['backchannel_logout_uri', 'frontchannel_logout_uri'],
  } as const
  for (const key of needed[logout.channel]) {
    if (oidc[key] !== undefined) continue
    findings.push({
      path: at('logout', 'channel'),
      found: logout.channel,
      expected: `auto, or an oidc.${key} with it`,
    })
  }
  const timeoutMs = parseDuration(logout.timeout ?? '1s') ?? 0
  if (timeoutMs < 1_000 || timeoutMs > longestTimeoutMs) {
    findings.push({
      path: at('logout', 'timeout'),
      found: JSON.stringify(logout.timeout),
      expected: '1s to 30s',
    })
  }
  const address = oidc.frontchannel_logout_uri
  const path = at('oidc', 'frontchannel_logout_uri')
  if (address === undefined) {
    if (oidc.frontchannel_logout_session_required)
      findings.push({ path, found: 'nothing', expected: 'an address, since its session is required' })
    return
  }
  const url = new URL(address)
  const found = JSON.stringify(address)
  if (url.protocol === 'http:' && !isPlainHttpFine(url, allow)) {
    findings.push({ path, found, expected: plainHttpExpectation })
  } else if (!oidc.redirect_uris.some((redirect) => new URL(redirect).origin === url.origin)) {
    findings.push({ path, found, expected: 'the scheme, host and port of one of the redirect_uris' })
  }
}

/** Attempts to a slow app hold its few places this long; a process that stops waits for them. */
const longestTimeoutMs = 30_000

/** Addresses that the gateway itself calls. */
function checkCalledAddresses(
  oidc: Oidc,
  settings: Understood['settings'],
  at: At,
  findings: Finding[],
  advice: Advice[],
): void {
  for (const key of ['backchannel_logout_uri', 'jwks_uri'] as const) {
    const address = oidc[key]
    // Without a well-formed egress.allow nobody can say what it would have allowed.
    if (address === undefined || settings.egress === undefined) continue
    const url = new URL(address)
    const { allow } = settings.egress
    if (url.protocol === 'http:' && !isPlainHttpFine(url, allow)) {
      findings.push({ path: at('oidc', key), found: JSON.stringify(address), expected: plainHttpExpectation })
    } else if (
      settings.issuer !== undefined &&
      isLoopbackHost(url.hostname) &&
      !isLoopbackHost(new URL(settings.issuer).hostname) &&
      !isAllowedByEgress(url, allow)
    ) {
      const message = `${url.host} is loopback, the issuer is not: calls are refused until egress.allow names it`
      advice.push({ path: at('oidc', key), message })
    }
  }
}
