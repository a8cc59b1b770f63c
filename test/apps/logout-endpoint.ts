/**
 * The back-channel logout endpoint of an app, over HTTP on loopback: verifies as OpenID Connect Back-Channel Logout 1.0 section 2.6
 * says, with jose, but for what it is told to overlook.
 */
import { createHmac, createPublicKey, type JsonWebKey } from 'node:crypto'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { compactVerify, createRemoteJWKSet, decodeJwt, decodeProtectedHeader, type JWTPayload } from 'jose'

/** One check that an app may lack. */
export type Overlooked =
  | 'signature'
  | 'alg-none'
  | 'alg-confusion'
  | 'iss'
  | 'aud'
  | 'exp'
  | 'missing-exp'
  | 'iat'
  | 'jti'
  | 'events'
  | 'event-name'
  | 'nonce'
  | 'token'

export interface LogoutEndpointOptions {
  readonly issuer: string
  readonly clientId: string
  readonly overlooks?: readonly Overlooked[]
  /** The status of a refusal, 400 where it is not said. */
  readonly refusesWith?: number
  /** Refuses whom it does not know (section 2.6 steps 10 and 11). */
  readonly knows?: 'sid' | 'sub and sid'
  readonly storable?: boolean
}

export interface LogoutEndpoint extends AsyncDisposable {
  readonly url: string
  /** People who are signed in here; a logout token takes away whom it names by either claim. */
  readonly sessions: { readonly sub: string; readonly sid: string }[]
  /** Tokens in the order in which they came. */
  readonly tokens: readonly string[]
}

const event = 'http://schemas.openid.net/event/backchannel-logout'

/** Listens on a free port. */
export async function openLogoutEndpoint(options: LogoutEndpointOptions): Promise<LogoutEndpoint> {
  const { issuer, storable = false, refusesWith = 400, knows } = options
  const keys = createRemoteJWKSet(new URL(`${issuer}/oauth/jwks`))
  const sessions: { sub: string; sid: string }[] = []
  const tokens: string[] = []
  const seen = new Set<unknown>()

  const endSessions = (claims: JWTPayload): void => {
    const { sub, sid } = claims
    // The careless way: whatever claim is there is looked at, so a token with neither would end everybody's.
    const named = sessions.filter(
      (one) => (sub === undefined || one.sub === sub) && (sid === undefined || one.sid === sid),
    )
    if (named.length === 0 && (knows === 'sid' ? sub === undefined : knows !== undefined))
      throw new Error('unknown session')
    for (const one of named) sessions.splice(sessions.indexOf(one), 1)
  }

  const server = createServer((request, response) => {
    const answer = async (): Promise<void> => {
      const token = new URLSearchParams(await text(request)).get('logout_token') ?? ''
      tokens.push(token)
      endSessions(await verified(token, options, keys, seen))
    }
    const headers = storable ? {} : { 'cache-control': 'no-store' }
    answer().then(
      () => response.writeHead(200, headers).end(),
      (error: unknown) => {
        const body = JSON.stringify({ error: 'invalid_request', error_description: String(error) })
        response.writeHead(refusesWith, { ...headers, 'content-type': 'application/json' }).end(body)
      },
    )
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${port}`,
    sessions,
    tokens,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}

async function verified(
  token: string,
  { issuer, clientId, overlooks = [] }: LogoutEndpointOptions,
  keys: ReturnType<typeof createRemoteJWKSet>,
  seen: Set<unknown>,
): Promise<JWTPayload> {
  const looksAt = (what: Overlooked): boolean => !overlooks.includes(what)
  const demand = (what: Overlooked, holds: boolean): void => {
    if (looksAt(what) && !holds) throw new Error(`bad ${what}`)
  }
  if (token === '' && !looksAt('token')) return {}
  const claims = decodeJwt(token)
  await demandSignature(token, keys, looksAt)
  const now = Date.now() / 1_000
  demand('iss', claims.iss === issuer)
  demand('aud', claims.aud === clientId)
  demand('missing-exp', claims.exp !== undefined)
  demand('exp', (claims.exp ?? now + 1) > now)
  demand('iat', (claims.iat ?? now) <= now + 60)
  const events = claims['events'] as Record<string, unknown> | undefined
  demand('events', events !== undefined)
  demand('event-name', events === undefined || Object.hasOwn(events, event))
  demand('nonce', claims['nonce'] === undefined)
  demand('jti', !seen.has(claims.jti))
  seen.add(claims.jti)
  return claims
}

async function demandSignature(
  token: string,
  keys: ReturnType<typeof createRemoteJWKSet>,
  looksAt: (what: Overlooked) => boolean,
): Promise<void> {
  const { alg } = decodeProtectedHeader(token)
  if (alg === 'none' && !looksAt('alg-none')) return
  if (alg === 'HS256' && !looksAt('alg-confusion')) return demandHmac(token, keys)
  if (alg === 'ES256' && !looksAt('signature')) return
  await compactVerify(token, keys, { algorithms: ['ES256'] })
}

/** As a verifier does that hands whatever key it finds to whatever algorithm the token names. */
async function demandHmac(token: string, keys: ReturnType<typeof createRemoteJWKSet>): Promise<void> {
  const [header = '', payload = '', signature] = token.split('.')
  await keys.reload()
  const { kid } = decodeProtectedHeader(token)
  const jwk = keys.jwks()?.keys.find((key) => key.kid === kid)
  const secret = createPublicKey({ key: jwk as JsonWebKey, format: 'jwk' }).export({
    type: 'spki',
    format: 'pem',
  })
  const expected = createHmac('sha256', secret).update(`${header}.${payload}`).digest('base64url')
  if (signature !== expected) throw new Error('bad HMAC')
}
