import { createHash } from 'node:crypto'
import {
  CompactSign,
  createLocalJWKSet,
  exportJWK,
  generateKeyPair,
  type JSONWebKeySet,
  jwtVerify,
  UnsecuredJWT,
} from 'jose'
import { describe, expect, test } from 'vitest'
import type { LogoutId } from '#gateway/kernel/ids.ts'
import { signedWithPublicKey } from '#gateway/keys/forged-jwt.ts'
import { signJwt } from '#gateway/keys/sign-jwt.ts'
import { type JwtVerdict, verifyJwt } from '#gateway/keys/verify-jwt.ts'
import { readReceipt, receiptType } from '#gateway/logout/receipt.ts'
import type { World } from '#test/oidc/world.ts'
import { claimsOf } from '#test/support/oauth.ts'
import { aDelivery, aLogout } from './builders.ts'
import { endedWorld, receiptOf } from './receipts.ts'

const maxLength = 4 * 1024 * 1024

async function publishedKeys({ issuer }: World): Promise<JSONWebKeySet> {
  return (await (await fetch(`${issuer}/oauth/jwks`)).json()) as JSONWebKeySet
}

function verified(token: string, { keys }: JSONWebKeySet): JwtVerdict {
  return verifyJwt(token, { typ: receiptType, keys: keys.map((key) => ({ ...key })), maxLength })
}

const encoded = (part: unknown): string => Buffer.from(JSON.stringify(part)).toString('base64url')
const decoded = (part = ''): Record<string, unknown> =>
  JSON.parse(Buffer.from(part, 'base64url').toString()) as Record<string, unknown>

/** The value once for each leaf, with that leaf changed; and without each member. */
function* tampered(value: unknown): Generator<unknown> {
  if (Array.isArray(value)) {
    yield [...value, ...value.slice(0, 1), ...(value.length === 0 ? ['more'] : [])]
    for (const [at, each] of value.entries()) for (const other of tampered(each)) yield value.with(at, other)
  } else if (typeof value === 'object' && value !== null) {
    for (const [name, each] of Object.entries(value)) {
      const { [name]: _, ...without } = value as Record<string, unknown>
      yield without
      for (const other of tampered(each)) yield { ...value, [name]: other }
    }
  } else if (typeof value === 'number') yield value + 1
  else yield `${String(value)}x`
}

describe('a receipt of a settled Logout', () => {
  test('says what the record says, and is verified by others with the published keys', async () => {
    await using world = await endedWorld({
      apps: { wiki: {}, board: {}, shelf: { oidc: { backchannel_logout_uri: undefined } } },
    })
    world.clock.advance({ seconds: 2 })
    await world.gateway.dispatcher.runDue()
    world.clock.advance({ minutes: 5 })
    const jws = await receiptOf(world, world.logoutId)

    const { payload, protectedHeader } = await jwtVerify(jws, createLocalJWKSet(await publishedKeys(world)), {
      typ: 'gatehouse-logout-receipt+jwt',
      algorithms: ['ES256'],
      issuer: world.issuer,
    })
    expect(protectedHeader).toEqual({
      typ: 'gatehouse-logout-receipt+jwt',
      alg: 'ES256',
      kid: world.gateway.keys.signing('ES256').keyId,
    })
    const sids = Object.fromEntries(
      world.tokens.map(({ id_token }) => [claimsOf(id_token)['aud'], claimsOf(id_token)['sid']]),
    )
    const delivery = (app: string, more: object) => ({
      id: expect.stringMatching(/^dlv_/),
      app,
      sid: sids[app],
      ...more,
    })
    const told = {
      channel: 'back-channel',
      state: 'confirmed',
      settled_at: '2026-03-02T09:00:02.000Z',
      attempts: [
        {
          number: 1,
          at: '2026-03-02T09:00:02.000Z',
          duration_ms: expect.any(Number),
          outcome: 'acknowledged',
          status: 200,
        },
      ],
    }
    expect(payload).toEqual({
      iss: world.issuer,
      iat: Math.floor(world.clock.now() / 1_000),
      logout: {
        id: world.logoutId,
        cause: 'admin',
        actor: 'operator',
        account_id: 'ada',
        started_at: '2026-03-02T09:00:00.000Z',
        settled_at: '2026-03-02T09:00:02.000Z',
        sso_sessions: 1,
        app_sessions: 3,
        deliveries: 3,
        not_wanted: 0,
      },
      apps: [
        { app: 'board', state: 'confirmed', count: 1 },
        { app: 'shelf', state: 'cannot-be-told', count: 1 },
        { app: 'wiki', state: 'confirmed', count: 1 },
      ],
      deliveries: expect.arrayContaining([
        delivery('wiki', told),
        delivery('board', told),
        delivery('shelf', {
          channel: 'none',
          state: 'cannot-be-told',
          settled_at: '2026-03-02T09:00:00.000Z',
          attempts: [],
        }),
      ]),
    })
    expect(verified(jws, await publishedKeys(world))).toMatchObject({ kind: 'valid' })
    expect(readReceipt(decoded(jws.split('.')[1]))).toEqual(payload)
    // Neither who the operator was nor anything of the person but the id.
    expect(JSON.stringify(payload)).not.toMatch(/olga|example\.com|Ada/)
  })

  test('lists each attempt of an app that was down and refused in between', async () => {
    await using world = await endedWorld({ apps: { wiki: {} } })
    const { receiver, gateway, clock } = world
    for (const answer of [503, 400, 200]) {
      receiver.behave({ answer })
      await gateway.dispatcher.runDue()
      clock.advance({ minutes: 16 })
    }
    const { deliveries } = readReceipt(claimsOf(await receiptOf(world, world.logoutId))) ?? {}
    expect(deliveries?.[0]?.attempts.map(({ number, outcome, status }) => [number, outcome, status])).toEqual(
      [
        [1, 'unreachable', 503],
        [2, 'refused', 400],
        [3, 'acknowledged', 200],
      ],
    )
  })

  test('tells an app that was told in two ways from one that did not want to hear, and sent from confirmed', async () => {
    await using world = await endedWorld({ apps: { wiki: {} } })
    const settledAt = world.clock.now()
    // Two AppSessions have ended: of one the app was told twice, the other's app does not want to hear of it.
    const logout = aLogout({ settledAt, appSessions: 2, notWanted: 1 })
    const first = aDelivery({ logoutId: logout.id })
    const second = aDelivery({
      logoutId: logout.id,
      channel: 'front-channel',
      appSessionId: first.appSessionId,
    })
    await world.gateway.stores.logouts.insert(logout, [
      { ...first, progress: { state: 'delivered', settledAt } },
      { ...second, progress: { state: 'sent', settledAt } },
    ])
    const receipt = readReceipt(claimsOf(await receiptOf(world, logout.id)))
    expect(receipt?.logout).toMatchObject({ deliveries: 2, not_wanted: 1 })
    expect(receipt?.apps).toEqual([
      { app: 'wiki', state: 'confirmed', count: 1 },
      { app: 'wiki', state: 'sent', count: 1 },
    ])
  })

  test('is not given while an app is still to be told, nor of a Logout that is not there', async () => {
    await using world = await endedWorld({ apps: { wiki: {} } })
    const { receipts, dispatcher, stores, transaction } = world.gateway
    expect(await receipts.of(world.logoutId)).toEqual({ kind: 'unsettled' })
    expect(await receipts.of('lgo_unknown' as LogoutId)).toBeUndefined()
    world.receiver.behave({ answer: 404 })
    for (let time = 0; time < 5; time++) {
      await dispatcher.runDue()
      world.clock.advance({ minutes: 16 })
    }
    expect((await receipts.of(world.logoutId))?.kind).toBe('receipt')

    // An operator asks for another attempt while it is made.
    const reopened = await receipts.of(world.logoutId, () => {
      void transaction.run(() =>
        stores.logouts.retryNow(
          { kind: 'all' },
          { now: world.clock.now(), giveUpAt: world.clock.now() + 1, limit: 10 },
        ),
      )
    })
    expect(reopened).toEqual({ kind: 'unsettled' })
  })

  test.for([
    [400, 'deliveries'],
    [2_500, 'lines_sha256'],
  ] as const)('of %i deliveries holds their %s', async ([count, member]) => {
    await using world = await endedWorld({ apps: { wiki: {} } })
    const at = world.clock.now()
    const logout = aLogout({ settledAt: at, appSessions: count, ssoSessions: count, startedAt: at })
    const apps = ['mail', 'wiki']
    await world.gateway.stores.logouts.insert(
      logout,
      Array.from({ length: count }, (_, number) => ({
        ...aDelivery({ logoutId: logout.id, appId: apps[number % 2] as never }),
        progress: { state: 'delivered', settledAt: at } as const,
      })),
    )
    const lines: string[] = []
    const made = await world.gateway.receipts.of(logout.id, (line) => lines.push(line))
    if (made?.kind !== 'receipt') throw new Error('no receipt')
    const receipt = readReceipt(claimsOf(made.jws))
    expect(receipt?.logout.deliveries).toBe(count)
    expect(receipt?.apps).toEqual(apps.map((app) => ({ app, state: 'confirmed', count: count / 2 })))
    expect(Object.keys(receipt ?? {}).filter((name) => /deliveries|lines/.test(name))).toEqual([member])
    expect(lines).toHaveLength(count)
    expect(lines).toEqual(lines.toSorted())
    if (member === 'deliveries') {
      expect(receipt?.deliveries?.map((each) => JSON.stringify(each))).toEqual(lines)
    } else {
      // What `sha256sum` says of the file that --lines writes.
      const digest = createHash('sha256').update(lines.map((line) => `${line}\n`).join(''))
      expect(receipt?.lines_sha256).toBe(digest.digest('hex'))
      expect(made.jws.length).toBeLessThan(5_000)
    }
  })
})

test('a receipt of many deliveries is made in steps, between which the gateway answers others', async () => {
  await using world = await endedWorld({ apps: { wiki: {} } })
  const settledAt = world.clock.now()
  const logout = aLogout({ settledAt })
  await world.gateway.stores.logouts.insert(
    logout,
    Array.from({ length: 2_000 }, () => ({
      ...aDelivery({ logoutId: logout.id }),
      progress: { state: 'delivered', settledAt } as const,
    })),
  )
  let turns = 0
  let making = true
  const turn = (): void => {
    turns++
    if (making) setImmediate(turn)
  }
  setImmediate(turn)
  await world.gateway.receipts.of(logout.id)
  making = false
  expect(turns).toBeGreaterThanOrEqual(10)
})

describe('a receipt is refused', () => {
  async function withReceipt() {
    const world = await endedWorld({ apps: { wiki: {} } })
    await world.gateway.dispatcher.runDue()
    const jws = await receiptOf(world, world.logoutId)
    return { ...world, jws, keys: await publishedKeys(world) }
  }

  test('whatever in it was changed', async () => {
    await using world = await withReceipt()
    const [header = '', payload = '', signature = ''] = world.jws.split('.')
    expect(verified(`${header}.${payload}.${signature}`, world.keys).kind).toBe('valid')
    const payloads = [...tampered(decoded(payload))]
    const headers = [...tampered(decoded(header))]
    expect(payloads.length).toBeGreaterThan(50)
    for (const changed of payloads) {
      expect(verified(`${header}.${encoded(changed)}.${signature}`, world.keys)).toEqual({
        kind: 'invalid',
        why: expect.stringContaining('signature does not hold'),
      })
    }
    for (const changed of headers)
      expect(verified(`${encoded(changed)}.${payload}.${signature}`, world.keys).kind).toBe('invalid')
    for (let at = 0; at < signature.length; at++) {
      const other = signature[at] === 'A' ? 'B' : 'A'
      const changed = signature.slice(0, at) + other + signature.slice(at + 1)
      expect(verified(`${header}.${payload}.${changed}`, world.keys).kind, `character ${at}`).toBe('invalid')
    }
    for (const spelled of [
      `${world.jws}.`,
      `${world.jws}=`,
      ` ${world.jws}`,
      `${header}.${payload}`,
      '',
      '..',
    ])
      expect(verified(spelled, world.keys).kind).toBe('invalid')
  })

  test('N-071: for its algorithm, its type, its header or its key, whoever has signed it', async () => {
    await using world = await withReceipt()
    const { keys, jws } = world
    const ours = world.gateway.keys.signing('ES256')
    const rsa = world.gateway.keys.signing('RS256')
    const payload = decoded(jws.split('.')[1])
    const bytes = Buffer.from(JSON.stringify(payload))
    const header = { typ: receiptType, alg: 'ES256', kid: ours.keyId }
    const why = (token: string, among = keys) => {
      const verdict = verified(token, among)
      return verdict.kind === 'invalid' ? verdict.why : verdict.kind
    }
    const signed = (of: object) =>
      new CompactSign(bytes).setProtectedHeader(of as never).sign(ours.privateKey)

    expect(why(await signed(header))).toBe('valid')
    expect(why(new UnsecuredJWT(payload).encode())).toMatch(/another type|no signed/)
    expect(why(`${encoded({ ...header, alg: 'none' })}.${encoded(payload)}.`)).toMatch(/no signed/)
    expect(why(`${encoded({ ...header, alg: 'none' })}.${encoded(payload)}.AA`)).toMatch(/ES256/)
    expect(why(signedWithPublicKey({ typ: receiptType }, payload, ours))).toMatch(/ES256/)
    expect(why(signJwt({ typ: receiptType }, payload, rsa))).toMatch(/ES256/)
    for (const typ of ['JWT', 'logout+jwt', 'application/gatehouse-logout-receipt+jwt', undefined])
      expect(why(await signed({ ...header, typ }))).toMatch(/another type/)
    expect(why(await signed({ ...header, jwk: keys.keys[0] }))).toMatch(/says more/)
    expect(why(await signed({ ...header, crit: ['b64'], b64: true }))).toMatch(/says more/)
    expect(why(await signed({ ...header, kid: rsa.keyId }))).toMatch(/not among/)
    expect(why(await signed({ ...header, kid: undefined }))).toMatch(/not among/)

    const other = await generateKeyPair('ES256', { extractable: true })
    const forged = await new CompactSign(bytes).setProtectedHeader(header).sign(other.privateKey)
    expect(why(forged)).toMatch(/signature does not hold/)
    const jwk = { ...(await exportJWK(other.publicKey)), kid: ours.keyId }
    // Whoever gives us the key decides what we believe; ours still have to say that they are for signing.
    expect(why(forged, { keys: [jwk] })).toBe('valid')
    expect(why(forged, { keys: [{ ...jwk, use: 'enc' }] })).toMatch(/not among/)
    expect(why(jws, { keys: [{ ...jwk, x: 'AA' }] })).toMatch(/signature does not hold/)
    expect(why(jws, { keys: [] })).toMatch(/not among/)
    expect(why('x'.repeat(maxLength + 1))).toMatch(/too long/)
  })

  test('by a reader that would understand only part of what was signed', () => {
    expect(readReceipt({ iss: 'https://id.example.com', iat: 1 })).toBeUndefined()
  })
})

describe('a key that has retired', () => {
  test('verifies the receipts that it signed: as published for 90 days, and from a saved key set for ever', async () => {
    await using world = await endedWorld({ apps: { wiki: {} } })
    await world.gateway.dispatcher.runDue()
    const jws = await receiptOf(world, world.logoutId)
    const saved = await publishedKeys(world)
    const { keys } = world.gateway
    await keys.rotate({ publishAheadMs: 0, actor: { kind: 'command-line' } })
    world.clock.advance({ days: 89 })
    await keys.runDue()
    expect(verified(jws, { keys: keys.published().map((key) => ({ ...key })) }).kind).toBe('valid')
    world.clock.advance({ days: 2 })
    await keys.runDue()
    expect(verified(jws, { keys: keys.published().map((key) => ({ ...key })) }).kind).toBe('invalid')
    expect(verified(jws, saved).kind).toBe('valid')
  })
})
