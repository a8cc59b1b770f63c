/**
 * The second half of composing: what people, browsers and apps talk to.
 */
import { readFileSync } from 'node:fs'
import type { RequestListener } from 'node:http'
import { extname } from 'node:path'
import type { Appearance } from '#views/appearance.ts'
import { assets, hashedPath } from '#views/assets.ts'
import { toText } from '#views/html.ts'
import { consentPage } from '#views/pages/consent.ts'
import { errorPage } from '#views/pages/error.ts'
import { themeAsset } from '#views/theme.ts'
import { createApi } from './api/api.ts'
import type { Commands } from './compose-commands.ts'
import type { Core } from './compose-core.ts'
import { createConsole } from './console/console.ts'
import type { ServedAsset } from './http/assets.ts'
import { createCookies } from './http/cookies.ts'
import { createCsrf } from './http/csrf.ts'
import { createSessionReader } from './http/session.ts'
import { GatewayError } from './kernel/errors.ts'
import { createSignOutRequests } from './logout/sign-out-request.ts'
import { createOpenIdConnect } from './oidc/openid-connect.ts'
import { createPortal } from './portal/portal.ts'
import { createProblemPage } from './portal/problem-page.ts'
import { createServer } from './server.ts'
import { cookieLifetimeSeconds } from './sessions/registry.ts'
import type { SsoSession } from './sessions/sso-session.ts'
import type { SignInParts } from './sign-in/parts.ts'

export interface Edges {
  readonly handle: RequestListener
  reloadKeys(): void
  /** Ends what would stay open: pages that watch a sign-out come back by themselves. */
  endStreams(): void
}

/** Creates the edges over the core. */
export function createEdges(core: Core, commands: Commands, proving: SignInParts): Edges {
  const { config, clock, stores } = core
  const { appearance, served } = looks(config.appearance)
  const cookies = createCookies({ issuer: config.issuer, random: core.random, log: core.log })
  const csrf = createCsrf(core.keys.secret('csrf'))
  const readSession = createSessionReader<SsoSession>({
    cookies,
    resolve: core.sessions.resolve,
    lifetimeSeconds: (session) => cookieLifetimeSeconds(session, core.sessions.policy, clock.now()),
    // A secret that we never issued is a forgery or a restored backup: worth a line, too cheap to make for a row (N-002).
    onUnknown: (address) => core.log.warn('a session cookie that was never issued was shown', { address }),
  })
  const signOutRequests = createSignOutRequests(core)
  const openIdConnect = createOpenIdConnect({
    ...core,
    signIn: proving.signIn,
    issuer: config.issuer,
    lifetimes: config.tokens,
    artifacts: stores.artifacts,
    accounts: stores.accounts,
    credentials: stores.credentials,
    consents: stores.consents,
    appRecords: stores.apps,
    sessionStore: stores.sessions,
    audit: core.audit.append,
    signOutRequests,
    cookies,
    csrf,
    readSession,
    onTokens: (grantType) => core.meters.tokens.add({ grant_type: grantType }),
    renderConsent: ({ uid, app, account, shown, redirectUri }, token) =>
      toText(
        consentPage({
          appearance,
          csrf: token,
          uid,
          app: { name: app.name },
          appHost: URL.parse(redirectUri)?.host ?? '',
          account,
          scopes: shown,
          offline: app.offline ?? 'ends-with-session',
          policyUrl: app.oidc.metadata.policy_uri,
          termsUrl: app.oidc.metadata.tos_uri,
        }),
      ),
    renderError: (error, id) => toText(errorPage({ appearance, id, ...oauthErrorWords(error) })),
  })
  const stopping = new AbortController()
  const portal = createPortal({
    ...core,
    ...proving,
    stopping: stopping.signal,
    ownAccount: commands.ownAccount,
    issuer: config.issuer,
    appearance,
    rememberMe: config.sessions.rememberMe.enabled,
    cookies,
    csrf,
    sessionOf: readSession,
    sessionStore: stores.sessions,
    tokens: stores.artifacts,
    offlinePolicy: { idleMs: config.tokens.offlineIdleMs, absoluteMs: config.tokens.offlineAbsoluteMs },
    accounts: stores.accounts,
    signOutRequests,
    frontChannelWaitMs: config.logout.frontChannelWaitMs,
  })
  const api = createApi({
    ...core,
    commands,
    issuer: config.issuer,
    sessionCookie: cookies.names.session,
    sessionOf: readSession,
    policy: core.sessions.policy,
    sessionStore: stores.sessions,
    accounts: stores.accounts,
  })
  const console = createConsole({
    ...core,
    ...proving,
    stopping: stopping.signal,
    health: core.appHealth,
    sessionCommands: commands.sessions,
    deliveries: commands.deliveries,
    checkApp: commands.checkApp,
    issuer: config.issuer,
    appearance,
    cookies,
    csrf,
    sessionOf: readSession,
    accounts: stores.accounts,
  })
  return {
    reloadKeys: openIdConnect.reloadKeys,
    endStreams: () => stopping.abort(),
    handle: createServer({
      issuer: config.issuer,
      trustedProxies: config.trustedProxies,
      cookieKey: core.keys.secret('cookie').toString('base64url'),
      secureCookies: cookies.secure,
      random: core.random,
      log: core.log,
      renderProblem: createProblemPage(appearance),
      checkReady: () => core.database.ping(),
      assets: served,
      documents: openIdConnect.documents,
      api,
      portal,
      console,
      openIdConnect: openIdConnect.routes,
    }),
  }
}

/** What an operator sets of the looks, and what is served for it. */
function looks(of: Core['config']['appearance']): {
  readonly appearance: Appearance
  readonly served: readonly ServedAsset[]
} {
  const theme = themeAsset(of.accent ?? '')
  const logo = of.logoFile === undefined ? undefined : logoAsset(of.logoFile)
  return {
    appearance: {
      name: of.name,
      themePath: theme.path,
      ...(logo === undefined ? {} : { logoPath: logo.path }),
    },
    served: [...assets, theme, ...(logo === undefined ? [] : [logo])],
  }
}

/** What browsers show as a picture and cannot run. An SVG in an <img> runs nothing, and our CSP would not let it. */
const logoTypes: Readonly<Record<string, string>> = {
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
  '.webp': 'image/webp',
  '.jpg': 'image/jpeg',
  '.jpeg': 'image/jpeg',
}

function logoAsset(file: string): ServedAsset {
  const ending = extname(file).toLowerCase()
  const contentType = logoTypes[ending]
  if (contentType === undefined) {
    throw new GatewayError(
      'configuration_invalid',
      `appearance.logo_file must end in ${Object.keys(logoTypes).join(', ')}.`,
    )
  }
  const body = readFileSync(file)
  return { path: hashedPath(`logo${ending}`, body), contentType, body }
}

/** An OAuth error in words for the person it stopped; nothing of the request is repeated (N-033, N-185). */
function oauthErrorWords(error: string): {
  readonly heading: string
  readonly message: string
  readonly advice: string
} {
  switch (error) {
    case 'invalid_client':
    case 'invalid_redirect_uri':
      return {
        heading: 'This link does not work',
        message: 'The app that sent you here is not known to this gateway, or its address does not match.',
        advice: 'Go back to the app and try once more. If it happens again, tell whoever runs it.',
      }
    case 'server_error':
      return {
        heading: 'Something went wrong here',
        message: 'The fault is on our side, and it has been written down.',
        advice: 'Go back to the app and try once more.',
      }
    default:
      return {
        heading: 'This sign-in cannot go on',
        message: 'The request of the app is not valid, or this sign-in has expired.',
        advice: 'Go back to the app and start again. If it happens again, tell whoever runs it.',
      }
  }
}
