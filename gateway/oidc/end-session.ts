/**
 * RP-initiated logout: an app sends a person here to be signed out (OpenID Connect RP-Initiated Logout 1.0).
 *
 * The engine's own route keeps its state in the session row, where a parallel authorization overwrites it, and waits for every app.
 * This one replaces it (DECISIONS 4, 24, 25). Owns: what of the request may be believed, and whether the person must be asked.
 * Never: ends a session that it cannot tie to this browser's cookie, or sends anyone to an address that is not registered.
 */
import type { Context } from 'koa'
import type { Provider } from 'oidc-provider'
import { withState } from '../apps/after-sign-out.ts'
import type { App } from '../apps/app.ts'
import type { AppRegistry } from '../apps/registry.ts'
import type { Cookies } from '../http/cookies.ts'
import { GatewayError } from '../kernel/errors.ts'
import type { AppSessionId } from '../kernel/ids.ts'
import type { Journeys } from '../logout/journey.ts'
import type { SignOutRequests } from '../logout/sign-out-request.ts'
import { type EndSession, journeyPath } from '../sessions/ending.ts'
import type { SsoSession } from '../sessions/sso-session.ts'
import type { SessionStore } from '../sessions/store.ts'
import { type EngineClient, type IdTokenHint, validateIdTokenHint } from './internals.ts'
import { routes } from './provider.ts'

export interface EndSessionRouteDeps {
  readonly provider: () => Provider
  readonly apps: AppRegistry
  readonly sessions: Pick<SessionStore, 'findAppSessionBySid' | 'appSessionsOf'>
  readonly readSession: (ctx: Context) => Promise<SsoSession | undefined>
  readonly cookies: Cookies
  readonly signOutRequests: Pick<SignOutRequests, 'ask'>
  readonly journeys: Pick<Journeys, 'findOpen'>
  readonly endSession: EndSession
}

/** Section 2. `ui_locales` and `logout_hint` are understood and change nothing: a hint without proof names nobody. */
interface LogoutRequest {
  readonly idTokenHint?: string
  readonly clientId?: string
  readonly postLogoutRedirectUri?: string
  readonly state?: string
}

/** An ID token of ours is about 1 KB; a longer hint was not made by us. */
const maxHintLength = 8_192
/** `state` goes back as it came; nobody needs more than this. */
const maxParameterLength = 2_048

/**
 * Creates the route: from the parameters of the query or the form to the path or address to go on to.
 */
export function createEndSessionRoute(deps: EndSessionRouteDeps) {
  return async (ctx: Context, parameters: ReadonlyMap<string, string>): Promise<string> => {
    const request = parse(parameters)
    // A form on the app's page carries none of our SameSite cookies, whoever is signed in here. Asked again by GET the browser shows them;
    // going on without would tell the person, and the app, of a sign-out that never was.
    if (ctx.method === 'POST' && deps.cookies.readSession(ctx) === undefined) return asGet(request)
    // 1. Which app asks, proven by the hint where there is one (N-022). Invalid proof: nothing ends and nobody is sent anywhere.
    const hinted = await verifyHint(deps, request)
    const app = hinted?.app ?? appByClientId(deps, request.clientId)
    // 2. Where to go afterwards: registered for that app, byte for byte; without an app, nowhere (N-023).
    const continueTo = redirectOf(app, request)
    // 3. The session of this browser, if any. Without one there is nothing to end.
    const session = await deps.readSession(ctx)
    const browser = deps.cookies.ensureBrowser(ctx)
    if (session === undefined) {
      // Asked again after a crash or by the back button: what the browser had begun to tell comes first.
      const open = await deps.journeys.findOpen(browser)
      return open === undefined ? (continueTo ?? '/sign-out') : journeyPath(open.logoutId)
    }
    // 4. No question only when the hint belongs to this very session and app (DECISIONS 24), and the operator leaves no choice to the
    //    person. A GET alone never signs anyone out.
    const appSession =
      hinted === undefined || typeof hinted.token.sid !== 'string'
        ? undefined
        : await deps.sessions.findAppSessionBySid(hinted.app.id, hinted.token.sid)
    const isProven = app !== undefined && appSession?.ssoSessionId === session.id
    if (!isProven || app.logout.appSignsOut === 'ask') {
      // Anybody can write a client_id: the page and the trail name an app only when the hint is its proof.
      const handle = await deps.signOutRequests.ask(browser, {
        ...(hinted === undefined ? {} : { appId: hinted.app.id }),
        ...(continueTo === undefined ? {} : { continueTo }),
      })
      return `/sign-out?request=${handle}`
    }
    // 5. End what the app's settings say. The door never waits for an app, so neither does the person.
    const { logoutId, browserNeeded } = await deps.endSession(
      app.logout.appSignsOut === 'everywhere'
        ? { kind: 'sso-sessions', ids: [session.id] }
        : { kind: 'app-sessions', ids: await partOf(deps, session, app) },
      'app',
      { kind: 'app', appId: app.id },
      { browser, appId: app.id, ...(continueTo === undefined ? {} : { continueTo }) },
    )
    if (app.logout.appSignsOut === 'everywhere') deps.cookies.clearSession(ctx)
    // 6. On at once, unless an app needs the browser (DECISIONS 25).
    if (logoutId === undefined) return continueTo ?? '/sign-out'
    return continueTo !== undefined && browserNeeded !== true ? continueTo : journeyPath(logoutId)
  }
}

function parse(parameters: ReadonlyMap<string, string>): LogoutRequest {
  for (const [name, value] of parameters) {
    if (value.length > (name === 'id_token_hint' ? maxHintLength : maxParameterLength)) {
      throw new GatewayError('input_invalid', 'The sign-out request of the app is too long.')
    }
  }
  const get = (name: string): string | undefined => parameters.get(name) || undefined
  const idTokenHint = get('id_token_hint')
  const clientId = get('client_id')
  const postLogoutRedirectUri = get('post_logout_redirect_uri')
  const state = parameters.get('state')
  return {
    ...(idTokenHint === undefined ? {} : { idTokenHint }),
    ...(clientId === undefined ? {} : { clientId }),
    ...(postLogoutRedirectUri === undefined ? {} : { postLogoutRedirectUri }),
    ...(state === undefined ? {} : { state }),
  }
}

/**
 * The app's live part of the session. Not the one that the hint names: it proves whose session it is, and may be of a part that ended
 * before, after which the app joined again.
 */
async function partOf(deps: EndSessionRouteDeps, session: SsoSession, app: App): Promise<AppSessionId[]> {
  const active = await deps.sessions.appSessionsOf([session.id], 'active')
  return active.filter(({ appId }) => appId === app.id).map(({ id }) => id)
}

function asGet({ idTokenHint, clientId, postLogoutRedirectUri, state }: LogoutRequest): string {
  const parameters = Object.entries({
    id_token_hint: idTokenHint,
    client_id: clientId,
    post_logout_redirect_uri: postLogoutRedirectUri,
    state,
  }).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]]))
  return `${routes.end_session}?${new URLSearchParams(parameters)}`
}

async function verifyHint(
  deps: EndSessionRouteDeps,
  { idTokenHint, clientId }: LogoutRequest,
): Promise<{ readonly app: App; readonly token: IdTokenHint } | undefined> {
  if (idTokenHint === undefined) return undefined
  const audience = unverifiedAudience(idTokenHint)
  // "the OP MUST verify that the Client Identifier matches the one provided" (section 2).
  if (audience === undefined || (clientId !== undefined && clientId !== audience)) throw invalidHint()
  const found = await clientOf(deps, audience)
  if (found === undefined) throw invalidHint()
  try {
    return { app: found.app, token: await validateIdTokenHint(deps.provider(), idTokenHint, found.client) }
  } catch (cause) {
    throw invalidHint(cause)
  }
}

/** Only picks whose rules to verify by; nothing is believed of it before its signature holds. */
function unverifiedAudience(token: string): string | undefined {
  try {
    const [, payload = ''] = token.split('.')
    const { aud } = JSON.parse(Buffer.from(payload, 'base64url').toString()) as { aud?: unknown }
    return typeof aud === 'string' ? aud : undefined
  } catch {
    return undefined
  }
}

async function clientOf(
  deps: EndSessionRouteDeps,
  clientId: string,
): Promise<{ readonly app: App; readonly client: EngineClient } | undefined> {
  const app = appByClientId(deps, clientId)
  const client = (await deps.provider().Client.find(clientId)) as unknown as EngineClient | undefined
  return app === undefined || client === undefined ? undefined : { app, client }
}

function appByClientId(deps: EndSessionRouteDeps, clientId: string | undefined): App | undefined {
  const app = clientId === undefined ? undefined : deps.apps.findByClientId(clientId)
  return app?.state === 'enabled' ? app : undefined
}

function redirectOf(
  app: App | undefined,
  { postLogoutRedirectUri, state }: LogoutRequest,
): string | undefined {
  if (postLogoutRedirectUri === undefined || app === undefined) return undefined
  if (!app.oidc.metadata.post_logout_redirect_uris.includes(postLogoutRedirectUri)) {
    throw new GatewayError(
      'input_invalid',
      'The app asked to send you to an address that is not registered for it. You were not signed out.',
    )
  }
  return withState(postLogoutRedirectUri, state)
}

function invalidHint(cause?: unknown): GatewayError {
  return new GatewayError(
    'input_invalid',
    'The sign-out request of the app could not be verified. You were not signed out.',
    { cause },
  )
}
