import { describe, expect, test } from 'vitest'
import type { SsoSession } from '#gateway/sessions/sso-session.ts'
import { startGateway, type TestGateway } from '#test/support/gateway.ts'
import { ada } from './builders.ts'

const address = '192.0.2.1'

async function begun(test: TestGateway): Promise<{ session: SsoSession; secret: string }> {
  return test.gateway.sessions.begin({
    accountId: ada,
    authentication: {
      methods: ['password'],
      amr: ['pwd'],
      acr: 'urn:gatehouse:acr:1',
      credentialIds: [],
      at: test.clock.now(),
    },
    remembered: false,
    address,
    userAgent: 'Mozilla/5.0',
  })
}

/** Shows a cookie's value; returns the one to go on with, or why there is none. */
async function show({ gateway }: TestGateway, secret: string): Promise<string> {
  const resolved = await gateway.sessions.resolve(secret, { address })
  return resolved.kind === 'live' ? (resolved.rotated ?? secret) : `none: ${resolved.why}`
}

async function causeOf({ gateway }: TestGateway, { id }: SsoSession): Promise<string | undefined> {
  return (await gateway.stores.sessions.find(id))?.ended?.cause
}

describe('the secret in the cookie', () => {
  test('opens its session, and what nobody issued opens nothing', async () => {
    await using test = await startGateway()
    const { secret } = await begun(test)
    expect(await show(test, secret)).toBe(secret)
    expect(await show(test, 'x'.repeat(43))).toBe('none: unknown')
  })

  test('is replaced by the clock, and not a moment earlier', async () => {
    await using test = await startGateway()
    const { secret } = await begun(test)
    test.clock.advance({ minutes: 9, seconds: 59 })
    expect(await show(test, secret)).toBe(secret)
    test.clock.advance({ seconds: 1 })
    const next = await show(test, secret)
    expect(next).not.toBe(secret)
    expect(await show(test, next)).toBe(next)
  })

  test('of before is good for a minute: requests were on their way', async () => {
    await using test = await startGateway()
    const { session, secret } = await begun(test)
    test.clock.advance({ minutes: 10 })
    const next = await show(test, secret)
    await show(test, next)
    test.clock.advance({ seconds: 59 })
    expect(await show(test, secret)).toBe(next)
    expect(await causeOf(test, session)).toBeUndefined()
  })

  test('of before is good for longer while nobody has shown the new one: the answer was lost', async () => {
    await using test = await startGateway()
    const { session, secret } = await begun(test)
    test.clock.advance({ minutes: 10 })
    const next = await show(test, secret)
    test.clock.advance({ hours: 2 })
    expect(await show(test, secret)).toBe(next)
    expect(await causeOf(test, session)).toBeUndefined()
  })

  test('of before, shown after its minute when the new one was seen, ends the session as stolen', async () => {
    await using test = await startGateway()
    const { session, secret } = await begun(test)
    test.clock.advance({ minutes: 10 })
    const next = await show(test, secret)
    await show(test, next)
    test.clock.advance({ seconds: 60 })
    expect(await show(test, secret)).toBe('none: ended')
    expect(await causeOf(test, session)).toBe('risk')
    expect(await show(test, next)).toBe('none: ended')
    const events = await test.gateway.stores.audit.list({ limit: 20 })
    expect(events.map(({ type }) => type)).toEqual(
      expect.arrayContaining(['session.secret-replayed', 'session.ended']),
    )
  })

  test('of two rotations ago is theft at once when its grace is over, though the next is still in its own', async () => {
    await using test = await startGateway()
    const { session, secret } = await begun(test)
    test.clock.advance({ minutes: 10 })
    const second = await show(test, secret)
    await show(test, second)
    test.clock.advance({ minutes: 10 })
    const third = await show(test, second)
    await show(test, third)
    expect(await show(test, second)).toBe(third)
    expect(await show(test, secret)).toBe('none: ended')
    expect(await causeOf(test, session)).toBe('risk')
  })

  test('due for the clock in the instant of a step-up gives way to it, and opens nothing of what came of it', async () => {
    let stepUp: (() => void) | undefined
    const pause = async (): Promise<void> => {
      // After the rotation has read that its secret is the current one, and before it writes.
      const now = stepUp
      stepUp = undefined
      now?.()
    }
    await using test = await startGateway({ pause })
    const { session, secret } = await begun(test)
    test.clock.advance({ minutes: 10 })
    const { promise: stronger, resolve } = Promise.withResolvers<string | undefined>()
    stepUp = () =>
      void test.gateway.sessions
        .strengthen(session, {
          methods: ['passkey'],
          amr: ['pop'],
          acr: 'urn:gatehouse:acr:2',
          credentialIds: [],
          at: test.clock.now(),
        })
        .then((begun) => resolve(begun?.secret))
    expect(await show(test, secret)).toBe('none: replaced')
    const current = (await stronger) ?? ''
    expect(await show(test, current)).toBe(current)
    test.clock.advance({ minutes: 2 })
    expect(await show(test, current)).toBe(current)
  })

  test('stolen ends that session alone', async () => {
    await using test = await startGateway()
    const stolen = await begun(test)
    const other = await begun(test)
    test.clock.advance({ minutes: 10 })
    await show(test, await show(test, stolen.secret))
    test.clock.advance({ minutes: 2 })
    await show(test, stolen.secret)
    expect(await causeOf(test, stolen.session)).toBe('risk')
    expect(await causeOf(test, other.session)).toBeUndefined()
  })

  test('is replaced without grace at a change of privilege', async () => {
    await using test = await startGateway()
    const { session, secret } = await begun(test)
    const next = (await test.gateway.sessions.replaceSecret(session)) ?? ''
    expect(await show(test, secret)).toBe('none: replaced')
    expect(await show(test, next)).toBe(next)
    expect(await causeOf(test, session)).toBeUndefined()
  })

  test('replaced at a change of privilege and shown later still ends the session as stolen', async () => {
    await using test = await startGateway()
    const { session, secret } = await begun(test)
    await test.gateway.sessions.replaceSecret(session)
    test.clock.advance({ seconds: 60 })
    expect(await show(test, secret)).toBe('none: ended')
    expect(await causeOf(test, session)).toBe('risk')
  })

  test('in its grace when privilege changes loses it', async () => {
    await using test = await startGateway()
    const { session, secret } = await begun(test)
    test.clock.advance({ minutes: 10 })
    await show(test, secret)
    await test.gateway.sessions.replaceSecret(session)
    expect(await show(test, secret)).toBe('none: replaced')
  })

  test('changes at a stronger proof, which keeps the session and adds to what was proved', async () => {
    await using test = await startGateway()
    const { session, secret } = await begun(test)
    test.clock.advance({ seconds: 5 })
    const stronger = await test.gateway.sessions.strengthen(session, {
      methods: ['passkey'],
      amr: ['pop', 'user'],
      acr: 'urn:gatehouse:acr:2',
      credentialIds: [],
      at: test.clock.now(),
    })
    expect(stronger?.session).toMatchObject({
      id: session.id,
      startedAt: session.startedAt,
      authenticatedAt: session.startedAt + 5_000,
      acr: 'urn:gatehouse:acr:2',
      amr: ['pwd', 'pop', 'user'],
    })
    expect(await show(test, secret)).toBe('none: replaced')
    expect(await show(test, stronger?.secret ?? '')).toBe(stronger?.secret)
  })

  test('is not given for a session that has ended meanwhile', async () => {
    await using test = await startGateway()
    const { session, secret } = await begun(test)
    await test.gateway.endSession({ kind: 'sso-sessions', ids: [session.id] }, 'admin', {
      kind: 'command-line',
    })
    expect(await test.gateway.sessions.replaceSecret(session)).toBeUndefined()
    expect(await show(test, secret)).toBe('none: ended')
  })

  test('opens nothing from the millisecond at which its session ran out, swept or not', async () => {
    await using test = await startGateway()
    const { session, secret } = await begun(test)
    test.clock.advance({ hours: 8, ms: -1 })
    expect(await test.gateway.sessions.findLive(session.id)).toBeDefined()
    test.clock.advance({ ms: 1 })
    expect(await test.gateway.sessions.findLive(session.id)).toBeUndefined()
    expect(await show(test, secret)).toBe('none: expired')
    expect(await causeOf(test, session)).toBeUndefined()
  })
})
