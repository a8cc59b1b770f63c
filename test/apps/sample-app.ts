/**
 * A small app that signs people in through the gateway: what a relying party must do and nothing more. The demo shows it, and tests
 * drive it. OpenID Connect is openid-client's work; checking logout tokens is jose's.
 *
 * Started by itself it reads PORT, NAME, ISSUER, CLIENT_ID and CLIENT_SECRET.
 */
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { createRemoteJWKSet, type JWTPayload, jwtVerify } from 'jose'
import * as oidc from 'openid-client'

export interface SampleAppOptions {
  readonly name: string
  readonly issuer: string
  readonly clientId: string
  readonly clientSecret: string
  /** 0 takes a free one. */
  readonly port: number
  readonly scope?: string
}

/** How it answers the gateway's logout requests. */
export type LogoutBehaviour = 'confirm' | 'refuse' | 'fail' | 'hang'

export interface SampleApp extends AsyncDisposable {
  readonly url: string
  readonly port: number
  /** Logout tokens that were valid, in order. */
  readonly told: readonly JWTPayload[]
  /** Everyone who is signed in here, by this app's own session. */
  readonly sessions: ReadonlyMap<string, LocalSession>
  behave(behaviour: LogoutBehaviour): void
  close(): Promise<void>
  /** After `close`: at the same address, with the sessions it had. */
  reopen(): Promise<void>
}

/** This app's own session, which lives in this app's own cookie. */
export interface LocalSession {
  readonly subject: string
  readonly sid: string
  readonly idToken: string
  readonly accessToken: string
  readonly refreshToken?: string
  readonly claims: oidc.IDToken
  readonly person: oidc.UserInfoResponse
}

interface Pending {
  readonly verifier: string
  readonly state: string
  readonly nonce: string
}

const logoutEvent = 'http://schemas.openid.net/event/backchannel-logout'

/** Starts the app on loopback. It finds the gateway when somebody first signs in, so either may start first. */
export async function startSampleApp(options: SampleAppOptions): Promise<SampleApp> {
  const sessions = new Map<string, LocalSession>()
  const pending = new Map<string, Pending>()
  const told: JWTPayload[] = []
  const seenTokens = new Set<string>()
  let behaviour: LogoutBehaviour = 'confirm'
  let discovered: Promise<oidc.Configuration> | undefined
  const keys = createRemoteJWKSet(new URL('/oauth/jwks', options.issuer))

  const server = createServer((req, res) => {
    answer(req, res).catch((error: unknown) => {
      page(
        res,
        500,
        'Something went wrong',
        `<p>${inHtml(error instanceof Error ? error.message : String(error))}</p>`,
      )
    })
  })
  server.listen(options.port, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const url = `http://127.0.0.1:${port}`
  /** Ports do not separate cookies, so the name does. */
  const cookie = `sample-${options.clientId}`

  const configuration = (): Promise<oidc.Configuration> => {
    discovered ??= oidc.discovery(
      new URL(options.issuer),
      options.clientId,
      options.clientSecret,
      undefined,
      {
        execute: [oidc.allowInsecureRequests],
      },
    )
    return discovered
  }

  async function answer(req: IncomingMessage, res: ServerResponse): Promise<void> {
    const { pathname } = new URL(req.url ?? '/', url)
    switch (`${req.method} ${pathname}`) {
      case 'GET /':
        return home(req, res)
      case 'GET /sign-in':
        return signIn(req, res)
      case 'GET /callback':
        return callback(new URL(req.url ?? '/', url), res)
      // OAuth 2.0 Form Post Response Mode: the same parameters, in the body.
      case 'POST /callback':
        return callback(new URL(`/callback?${await text(req)}`, url), res)
      case 'GET /sign-out':
        return signOut(req, res)
      case 'GET /favicon.ico':
        res.writeHead(204).end()
        return
      case 'GET /me':
        return me(req, res)
      case 'POST /backchannel-logout':
        return hearOfLogout(req, res)
      default:
        return page(res, 404, 'Not found', '')
    }
  }

  function home(req: IncomingMessage, res: ServerResponse): void {
    const session = sessions.get(secretOf(req) ?? '')
    const content =
      session === undefined
        ? '<p>You are signed out.</p><p><a class="button" href="/sign-in">Sign in</a></p>'
        : `<p>Signed in as <strong>${inHtml(String(session.person.email ?? session.subject))}</strong>.</p>
           <p class="small">Session <code>${inHtml(session.sid)}</code></p>
           <p><a class="button" href="/sign-out">Sign out</a></p>`
    page(res, 200, options.name, content)
  }

  async function signIn(req: IncomingMessage, res: ServerResponse): Promise<void> {
    const config = await configuration()
    const verifier = oidc.randomPKCECodeVerifier()
    const state = oidc.randomState()
    const nonce = oidc.randomNonce()
    pending.set(state, { verifier, state, nonce })
    // Tests add parameters such as `prompt` and `max_age`.
    const extra = Object.fromEntries(new URL(req.url ?? '/', url).searchParams)
    const to = oidc.buildAuthorizationUrl(config, {
      redirect_uri: `${url}/callback`,
      scope: options.scope ?? 'openid email profile',
      code_challenge: await oidc.calculatePKCECodeChallenge(verifier),
      code_challenge_method: 'S256',
      state,
      nonce,
      ...extra,
    })
    redirect(res, to.href)
  }

  async function callback(current: URL, res: ServerResponse): Promise<void> {
    const begun = pending.get(current.searchParams.get('state') ?? '')
    const error = current.searchParams.get('error')
    if (error !== null)
      return page(res, 403, 'Not signed in', `<p>The gateway said: <code>${inHtml(error)}</code></p>`)
    if (begun === undefined) return page(res, 400, 'Start again', '<p><a href="/sign-in">Sign in</a></p>')
    pending.delete(begun.state)
    const tokens = await oidc.authorizationCodeGrant(await configuration(), current, {
      pkceCodeVerifier: begun.verifier,
      expectedState: begun.state,
      expectedNonce: begun.nonce,
    })
    const claims = tokens.claims()
    if (claims === undefined) throw new Error('The gateway sent no ID token.')
    const person = await oidc.fetchUserInfo(await configuration(), tokens.access_token, claims.sub)
    const secret = randomBytes(32).toString('base64url')
    sessions.set(secret, {
      subject: claims.sub,
      sid: String(claims['sid']),
      idToken: tokens.id_token ?? '',
      accessToken: tokens.access_token,
      ...(tokens.refresh_token === undefined ? {} : { refreshToken: tokens.refresh_token }),
      claims,
      person,
    })
    res.setHeader('Set-Cookie', `${cookie}=${secret}; Path=/; HttpOnly; SameSite=Lax`)
    redirect(res, '/')
  }

  async function signOut(req: IncomingMessage, res: ServerResponse): Promise<void> {
    const secret = secretOf(req) ?? ''
    const session = sessions.get(secret)
    sessions.delete(secret)
    if (session === undefined) return redirect(res, '/')
    const to = oidc.buildEndSessionUrl(await configuration(), {
      id_token_hint: session.idToken,
      post_logout_redirect_uri: `${url}/`,
      state: 'signed-out',
    })
    redirect(res, to.href)
  }

  function me(req: IncomingMessage, res: ServerResponse): void {
    const session = sessions.get(secretOf(req) ?? '')
    res.writeHead(session === undefined ? 401 : 200, { 'Content-Type': 'application/json' })
    res.end(JSON.stringify(session ?? { error: 'signed out' }))
  }

  /** OpenID Connect Back-Channel Logout 1.0 section 2.6, in its order. */
  async function hearOfLogout(req: IncomingMessage, res: ServerResponse): Promise<void> {
    const form = new URLSearchParams(await text(req))
    if (behaviour === 'hang') return
    if (behaviour !== 'confirm') {
      res.writeHead(behaviour === 'refuse' ? 400 : 503).end()
      return
    }
    try {
      const { payload } = await jwtVerify(form.get('logout_token') ?? '', keys, {
        issuer: options.issuer,
        audience: options.clientId,
        typ: 'logout+jwt',
        requiredClaims: ['iat', 'exp', 'jti', 'events'],
        currentDate: new Date(),
      })
      const { events, jti, sid, sub, nonce } = payload as JWTPayload & { events?: Record<string, unknown> }
      if (
        nonce !== undefined ||
        events?.[logoutEvent] === undefined ||
        (sid === undefined && sub === undefined)
      )
        throw new Error('not a logout token')
      if (seenTokens.has(String(jti))) throw new Error('this token was used before')
      seenTokens.add(String(jti))
      for (const [secret, session] of sessions) {
        if (sid === undefined ? session.subject === sub : session.sid === sid) sessions.delete(secret)
      }
      told.push(payload)
      res.writeHead(200, { 'Cache-Control': 'no-store' }).end()
    } catch (error) {
      const body = JSON.stringify({
        error: 'invalid_request',
        error_description: error instanceof Error ? error.message : '',
      })
      res.writeHead(400, { 'Content-Type': 'application/json', 'Cache-Control': 'no-store' }).end(body)
    }
  }

  function secretOf(req: IncomingMessage): string | undefined {
    return new RegExp(`(?:^|; )${cookie}=([^;]+)`).exec(req.headers.cookie ?? '')?.[1]
  }

  const close = async (): Promise<void> => {
    if (!server.listening) return
    const closed = once(server, 'close')
    server.close()
    server.closeAllConnections()
    await closed
  }
  return {
    url,
    port,
    told,
    sessions,
    behave: (next) => {
      behaviour = next
    },
    close,
    reopen: async () => {
      server.listen(port, '127.0.0.1')
      await once(server, 'listening')
    },
    [Symbol.asyncDispose]: close,
  }
}

function redirect(res: ServerResponse, to: string): void {
  res.writeHead(303, { Location: to }).end()
}

function page(res: ServerResponse, status: number, title: string, content: string): void {
  res.writeHead(status, { 'Content-Type': 'text/html; charset=utf-8', 'Cache-Control': 'no-store' })
  res.end(`<!doctype html><html lang="en"><meta name="viewport" content="width=device-width, initial-scale=1"><title>${inHtml(title)}</title>
<style>
  :root { color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif }
  body { max-width: 26rem; margin: 18vh auto 0; padding: 0 1.25rem; text-align: center }
  .button { display: inline-block; padding: .6rem 1.4rem; border-radius: .5rem; background: #2f5bd0; color: #fff; text-decoration: none }
  .small { font-size: .8rem; opacity: .7; overflow-wrap: anywhere }
</style><main><h1>${inHtml(title)}</h1>${content}</main></html>`)
}

function inHtml(value: string): string {
  return value.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`)
}

if (import.meta.main) {
  const { PORT, NAME, ISSUER, CLIENT_ID, CLIENT_SECRET } = process.env
  const app = await startSampleApp({
    port: Number(PORT ?? 4001),
    name: NAME ?? 'Sample app',
    issuer: ISSUER ?? 'http://localhost:3000',
    clientId: CLIENT_ID ?? '',
    clientSecret: CLIENT_SECRET ?? '',
  })
  process.stdout.write(`${NAME ?? 'Sample app'} is ready at ${app.url}\n`)
  for (const signal of ['SIGINT', 'SIGTERM'] as const)
    process.on(signal, () => void app.close().then(() => process.exit(0)))
}
