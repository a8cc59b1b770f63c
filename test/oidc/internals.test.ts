/**
 * One test for each thing that `gateway/oidc/internals.ts` changes about the engine. Each shows the engine as it comes, and then as it
 * is with us: when an upgrade moves what a change holds on to, the first half fails and says where to look.
 */
import { generateKeyPairSync } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { IncomingMessage, ServerResponse } from 'node:http'
import { Socket } from 'node:net'
import { type Adapter, type AdapterPayload, type JWK, Provider } from 'oidc-provider'
import { describe, expect, test } from 'vitest'
import { digest } from '#gateway/kernel/digest.ts'
import { compileClient, harden, withinRequest } from '#gateway/oidc/internals.ts'
import { refreshSuccessor } from '#gateway/oidc/refresh-successor.ts'
import { refresh } from '#test/support/oauth.ts'
import { opened, redeemed, requestUrl } from './opening.ts'
import { startWorld } from './world.ts'

const issuer = 'https://gate.example'
const secret = 'a-secret-of-the-app-that-is-long-enough'
const metadata = {
  client_id: 'wiki',
  client_secret: secret,
  redirect_uris: ['https://wiki.example/callback'],
  backchannel_logout_uri: 'https://wiki.example/logout',
  id_token_signed_response_alg: 'ES256',
}
const ecKey = {
  ...(generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({ format: 'jwk' }) as JWK),
  use: 'sig',
}

/** What the tests below look at, which the engine's types do not show. */
interface Inside {
  readonly Client: { find(id: string): Promise<unknown> }
  readonly OIDCContext: new (ctx: unknown) => { urlFor(name: string): string; acr: unknown }
  readonly ReplayDetection: { unique(issuer: string, jti: string, exp: number): Promise<boolean> }
  createContext(
    request: IncomingMessage,
    response: ServerResponse,
  ): { readonly cookies: { set(name: string, value: string, options?: object): unknown } }
}
interface InsideClient {
  includeSid(): unknown
  compareClientSecret(actual: string): boolean
  backchannelLogout(subject: string, sid: string): Promise<unknown>
}

function anEngine(rows = new Map<string, AdapterPayload>()): Provider {
  const adapter = (): Adapter => ({
    upsert: async (id, payload) => {
      rows.set(id, payload)
    },
    find: async (id) => rows.get(id),
    findByUid: async () => undefined,
    findByUserCode: async () => undefined,
    consume: async () => {},
    destroy: async () => {},
    revokeByGrantId: async () => {},
  })
  return new Provider(issuer, {
    adapter,
    jwks: { keys: [ecKey] },
    cookies: { keys: ['k'] },
    features: { devInteractions: { enabled: false }, backchannelLogout: { enabled: true } },
  })
}

function hardened(changes: Partial<Parameters<typeof harden>[1]> = {}): Provider {
  const engine = anEngine()
  harden(engine, {
    findClient: () => undefined,
    claimOnce: async () => true,
    successorKey: Buffer.alloc(32, 1),
    secureCookies: true,
    sessionCookie: '__Host-gatehouse',
    ...changes,
  })
  return engine
}

const inside = (engine: Provider): Inside => engine as unknown as Inside
const clientOf = (engine: Provider, more: object = {}): InsideClient =>
  compileClient(engine, {
    ...metadata,
    id_token_signed_response_alg: 'ES256',
    ...more,
  }) as unknown as InsideClient

/** A plain-text request, as a proxy that ends TLS passes it on. */
function aRequest(host = 'evil.example'): { request: IncomingMessage; response: ServerResponse } {
  const request = new IncomingMessage(new Socket())
  Object.assign(request, { url: '/oauth/authorize', method: 'GET' })
  request.headers.host = host
  return { request, response: new ServerResponse(request) }
}

const setCookies = (response: ServerResponse): string => String(response.getHeader('set-cookie') ?? '')

describe('what is changed about the engine', () => {
  test('is meant for exactly this version of it', () => {
    const root = new URL('../../', import.meta.url)
    const read = (path: string) => JSON.parse(readFileSync(new URL(path, root), 'utf8'))
    expect(read('node_modules/oidc-provider/package.json').version).toBe('9.13.3')
    expect(read('package.json').dependencies['oidc-provider']).toBe('9.13.3')
  })

  test('cookies are Secure by the issuer: the engine would refuse to set one over the connection from a proxy', () => {
    const stock = aRequest()
    const { cookies } = inside(anEngine()).createContext(stock.request, stock.response)
    expect(() => cookies.set('a', 'b', { secure: true })).toThrow('secure cookie')
    const ours = aRequest()
    inside(hardened()).createContext(ours.request, ours.response).cookies.set('a', 'b', { secure: true })
    expect(setCookies(ours.response)).toContain('secure')
  })

  test('the session cookie is never set by the engine, which would set it at each authorization', () => {
    const { request, response } = aRequest()
    const { cookies } = inside(hardened()).createContext(request, response)
    cookies.set('__Host-gatehouse', 'value')
    expect(setCookies(response)).toBe('')
    cookies.set('other', 'value')
    expect(setCookies(response)).toContain('other=value')
  })

  test('endpoint addresses come from the issuer: the engine would take them from the Host header', () => {
    const urlIn = (engine: Provider): string => {
      const { request, response } = aRequest()
      const context = inside(engine).createContext(request, response)
      return new (inside(engine).OIDCContext)(context).urlFor('token')
    }
    expect(urlIn(anEngine())).toMatch(/^http:\/\/evil\.example\//)
    expect(urlIn(hardened())).toMatch(/^https:\/\/gate\.example\//)
  })

  test('acr answers with the value that was asked for and is met: the engine knows only what the session holds', () => {
    const acrIn = (engine: Provider): unknown => {
      const { prototype } = inside(engine).OIDCContext as unknown as { prototype: object }
      const getter = Object.getOwnPropertyDescriptor(prototype, 'acr')?.get
      return getter?.call({
        session: { acr: 'urn:gatehouse:acr:2', amr: ['pop'] },
        params: { acr_values: 'phr' },
        claims: {},
      })
    }
    expect(acrIn(anEngine())).toBe('urn:gatehouse:acr:2')
    expect(acrIn(hardened())).toBe('phr')
  })

  test('sid is in every ID token: the engine would leave it out where logout tokens need none', () => {
    expect(clientOf(anEngine()).includeSid()).toBeFalsy()
    expect(clientOf(hardened()).includeSid()).toBe(true)
  })

  test('client secrets are compared by their hash: the engine compares them as they are', () => {
    expect(clientOf(anEngine()).compareClientSecret(secret)).toBe(true)
    const hashed = clientOf(hardened(), { client_secret: digest(secret) })
    expect(hashed.compareClientSecret(secret)).toBe(true)
    expect(hashed.compareClientSecret(digest(secret))).toBe(false)
    expect(hashed.compareClientSecret(`${secret}x`)).toBe(false)
  })

  test('apps are never told by the engine, which would do it inside the request', async () => {
    expect(clientOf(anEngine()).backchannelLogout).toHaveLength(2)
    await expect(clientOf(hardened()).backchannelLogout('sub', 'sid')).rejects.toThrow(
      'through the door only',
    )
  })

  test('clients come from our registry: the engine would ask its adapter', async () => {
    const rows = new Map([['wiki', metadata as unknown as AdapterPayload]])
    expect(await inside(anEngine(rows)).Client.find('wiki')).toMatchObject({ clientId: 'wiki' })
    const asked: string[] = []
    const engine = hardened({
      findClient: (id) => {
        asked.push(id)
        return undefined
      },
    })
    expect(await inside(engine).Client.find('wiki')).toBeUndefined()
    expect(await inside(engine).Client.find(7 as unknown as string)).toBeUndefined()
    expect(asked).toEqual(['wiki'])
  })

  test('ids of others are taken once: of two at the same time the engine would accept both', async () => {
    const exp = Math.floor(Date.now() / 1_000) + 60
    const twice = (engine: Provider) =>
      Promise.all([1, 2].map(() => inside(engine).ReplayDetection.unique('app', 'jti', exp)))
    expect(await twice(anEngine())).toEqual([true, true])
    const taken = new Set<string>()
    const claimOnce = async (id: string) => taken.size < taken.add(id).size
    expect(await twice(hardened({ claimOnce }))).toEqual([true, false])
  })

  test('work after the engine has answered can be part of its request again', async () => {
    const ctx = { oidc: {} }
    expect(Provider.ctx).toBeUndefined()
    expect(await withinRequest(ctx, async () => Provider.ctx)).toBe(ctx)
  })
})

describe('what is changed about the engine, seen through the front door', () => {
  test('a rotated refresh token has the successor that was derived for it', async () => {
    await using world = await startWorld()
    const client = world.client('wiki')
    const { body } = await redeemed(await opened(await world.signedIn(), client))
    const first = body.refresh_token ?? ''
    const successor = refreshSuccessor(world.gateway.keys.secret('refresh-successor'), first)
    expect((await refresh(client, first)).body.refresh_token).toBe(successor)
  })

  test('no authorization sets or clears the session cookie', async () => {
    await using world = await startWorld()
    const browser = await world.signedIn()
    const name = world.gateway.cookieNames.session
    const url = requestUrl(world.client('wiki'), { client_id: 'wiki', prompt: 'none' })
    for (const page of [
      await browser.get(url, { follow: false }),
      (await opened(browser, world.client('wiki'))).page,
    ])
      expect(page.setCookies.filter((cookie) => cookie.startsWith(`${name}=`))).toEqual([])
  })

  test('behind a proxy that ends TLS the engine’s cookies are Secure', async () => {
    await using world = await startWorld({ settings: { issuer } })
    const { redirectUri } = world.client('wiki')
    const query = new URLSearchParams({
      client_id: 'wiki',
      redirect_uri: redirectUri,
      response_type: 'code',
      scope: 'openid',
      code_challenge: 'a'.repeat(43),
      code_challenge_method: 'S256',
    })
    const response = await fetch(`http://127.0.0.1:${world.port}/oauth/authorize?${query}`, {
      redirect: 'manual',
    })
    expect(response.status).toBe(303)
    const cookies = response.headers.getSetCookie()
    expect(cookies.length).toBeGreaterThan(0)
    for (const cookie of cookies) {
      expect(cookie).toMatch(/^__(Secure|Host)-gatehouse/)
      expect(cookie).toMatch(/; secure/i)
      expect(cookie).toMatch(/; httponly/i)
    }
  })
})
