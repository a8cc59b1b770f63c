import { createLocalJWKSet, decodeProtectedHeader, type JSONWebKeySet, jwtVerify } from 'jose'
import { describe, expect, test } from 'vitest'
import { isActive, refresh } from '#test/support/oauth.ts'
import { opened, redeemed } from './opening.ts'
import { startWorld, type World } from './world.ts'

const operator = { kind: 'command-line' } as const
const jwks = async (world: World) =>
  (await (await fetch(`${world.issuer}/oauth/jwks`)).json()) as JSONWebKeySet
const kidOf = (token: string | undefined) => decodeProtectedHeader(token ?? '').kid

describe('changing the signing keys while people are signed in', () => {
  test('signs nobody out: sessions, refresh tokens and old hints live on', async () => {
    await using world = await startWorld()
    const browser = await world.signedIn()
    const client = world.client('wiki')
    const { body } = await redeemed(await opened(browser, client))
    await world.gateway.keys.rotate({ publishAheadMs: 0, actor: operator })

    expect((await refresh(client, body.refresh_token ?? '')).status).toBe(200)
    const hinted = await opened(browser, client, { prompt: 'none', id_token_hint: body.id_token ?? '' })
    expect(hinted.answer?.['code']).toBeDefined()
    const out = await browser.get(
      `${world.issuer}/oauth/end-session?${new URLSearchParams({ id_token_hint: body.id_token ?? '' })}`,
    )
    expect(out.url).toContain('/sign-out/lgo_')
  })

  test('signs with the new key at once, publishes both, and apps can verify either', async () => {
    await using world = await startWorld()
    const browser = await world.signedIn()
    const before = (await redeemed(await opened(browser, world.client('wiki')))).body.id_token ?? ''
    await world.gateway.keys.rotate({ publishAheadMs: 0, actor: operator })
    const after = (await redeemed(await opened(browser, world.client('wiki')))).body.id_token ?? ''
    expect(kidOf(after)).not.toBe(kidOf(before))
    const keys = await jwks(world)
    expect(keys.keys).toHaveLength(4)
    for (const token of [before, after])
      await expect(
        jwtVerify(token, createLocalJWKSet(keys), { issuer: world.issuer, audience: 'wiki' }),
      ).resolves.toBeDefined()
  })

  test('publishes a key ahead and signs with it only when its time has come', async () => {
    await using world = await startWorld({ settings: { sessions: { idle: '48h', absolute: '72h' } } })
    const browser = await world.signedIn()
    const tokenNow = async () =>
      (await redeemed(await opened(browser, world.client('wiki')))).body.id_token ?? ''
    const old = kidOf(await tokenNow())
    await world.gateway.keys.rotate({ actor: operator })
    expect((await jwks(world)).keys).toHaveLength(4)
    expect(kidOf(await tokenNow())).toBe(old)
    world.clock.advance({ days: 1 })
    await world.gateway.keys.runDue()
    expect(kidOf(await tokenNow())).not.toBe(old)
  })

  test('in the middle of a token request leaves its tokens written, and its code used', async () => {
    let rotate: (() => void) | undefined
    const pause = async (): Promise<void> => {
      const now = rotate
      rotate = undefined
      now?.()
    }
    await using world = await startWorld({ pause })
    const client = world.client('wiki')
    const asked = await opened(await world.signedIn(), client)
    let rotated: Promise<unknown> = Promise.resolve()
    rotate = () => {
      rotated = world.gateway.keys.rotate({ publishAheadMs: 0, actor: operator })
    }
    const { status, body } = await redeemed(asked)
    await rotated
    expect(status).toBe(200)
    expect(await isActive(client, body.access_token ?? '')).toBe(true)
    expect((await redeemed(asked)).body.error).toBe('invalid_grant')
  })

  test('holds for an app on RS256 as for one on ES256 (DECISIONS 15)', async () => {
    await using world = await startWorld({
      apps: { wiki: {}, old: { oidc: { id_token_signed_response_alg: undefined } } },
    })
    const browser = await world.signedIn()
    for (const [id, alg] of [
      ['wiki', 'ES256'],
      ['old', 'RS256'],
    ] as const) {
      const { body } = await redeemed(await opened(browser, world.client(id)))
      expect(decodeProtectedHeader(body.id_token ?? '').alg).toBe(alg)
    }
  })
})
