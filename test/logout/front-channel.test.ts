import { describe, expect, test } from 'vitest'
import { hourMs } from '#gateway/kernel/clock.ts'
import type { AppId } from '#gateway/kernel/ids.ts'
import { openReceiver } from '#test/support/receiver.ts'
import { type Engine, openEngine } from './engine.ts'

const byAda = { kind: 'account', accountId: 'ada' as never } as const
const through = { browser: 'browser-a' }
const old = {
  ways: ['front-channel'] as const,
  logout: { causes: 'all' as const, localSessionMs: 8 * hourMs },
}

async function journeysOf(engine: Engine) {
  return (await engine.openNode()).journeys
}

/** Signs in at the apps and signs out, in a browser or elsewhere. */
async function signedOut(engine: Engine, apps: readonly string[], browser: typeof through | undefined) {
  const { endSession, dispatcher } = await engine.openNode()
  const { session } = await engine.signIn('ada', apps)
  const ended = await endSession({ kind: 'sso-sessions', ids: [session.id] }, 'account', byAda, browser)
  if (ended.logoutId === undefined) throw new Error('no Logout')
  const { logoutId } = ended
  const statesOf = async () =>
    Object.fromEntries(
      ((await engine.reports.find(logoutId))?.deliveries ?? []).map(({ appId, channel, state }) => [
        `${appId} ${channel}`,
        state,
      ]),
    )
  return { ...ended, logoutId, dispatcher, statesOf }
}

describe('an app that only a browser can tell', () => {
  test('waits for the browser that signed out, is loaded there, and is then called sent and never confirmed', async () => {
    await using engine = await openEngine({ apps: { old } })
    const { logoutId, browserNeeded, dispatcher, statesOf } = await signedOut(engine, ['old'], through)
    expect(browserNeeded).toBe(true)
    // The dispatcher has no part in it.
    expect(await dispatcher.runDue()).toBe(0)
    expect(await statesOf()).toEqual({ 'old front-channel': 'waiting' })

    const journeys = await journeysOf(engine)
    const journey = await journeys.find(logoutId, through.browser)
    if (journey === undefined) throw new Error('no journey')
    const [frame] = await journeys.framesOf(journey, new Set())
    expect(frame?.address).toMatch(/^https:\/\/old\.test\/logout\?sid=sid-aps_/)
    expect(await journeys.loaded(journey, frame === undefined ? [] : [frame.deliveryId])).toBe(1)
    expect(await statesOf()).toEqual({ 'old front-channel': 'sent' })
    expect(await journeys.framesOf(journey, new Set())).toEqual([])
    const report = await engine.reports.find(logoutId)
    expect(report?.settledAt).toBe(engine.clock.now())
    expect(report?.deliveries[0]?.mayLastUntil).toBe(engine.clock.now() + 8 * hourMs)
  })

  test('cannot be told where no browser has a part, and the report says until when its session may last', async () => {
    await using engine = await openEngine({ apps: { old } })
    const { logoutId, browserNeeded } = await signedOut(engine, ['old'], undefined)
    expect(browserNeeded).toBeUndefined()
    const report = await engine.reports.find(logoutId)
    expect(report?.deliveries).toMatchObject([
      {
        channel: 'front-channel',
        state: 'cannot-be-told',
        reason: 'only the browser could tell it, and had no part in this',
        mayLastUntil: engine.clock.now() + 8 * hourMs,
      },
    ])
    expect(report?.settledAt).toBe(engine.clock.now())
    expect(await (await journeysOf(engine)).find(logoutId, through.browser)).toBeUndefined()
  })

  test('cannot be told any more when the browser never came: ten minutes later the record says so', async () => {
    await using engine = await openEngine({ apps: { old } })
    const { logoutId, dispatcher, statesOf } = await signedOut(engine, ['old'], through)
    engine.clock.advance({ minutes: 10 })
    expect(await dispatcher.runDue()).toBe(0)
    const { sweeper } = await engine.openNode()
    expect((await sweeper.runOnce()).givenUp).toBe(1)
    expect(await statesOf()).toEqual({ 'old front-channel': 'cannot-be-told' })
    const report = await engine.reports.find(logoutId)
    expect(report?.deliveries[0]).toMatchObject({
      reason: 'the browser was closed before it was told',
      attempts: [],
    })
    const journeys = await journeysOf(engine)
    const journey = await journeys.find(logoutId, through.browser)
    if (journey === undefined) throw new Error('no journey')
    expect(await journeys.framesOf(journey, new Set())).toEqual([])
    expect(await journeys.loaded(journey, [report?.deliveries[0]?.id as never])).toBe(0)
  })

  test('is not loaded once the person has opened it again: that would end the new session', async () => {
    await using engine = await openEngine({ apps: { old } })
    const { logoutId } = await signedOut(engine, ['old'], through)
    const journeys = await journeysOf(engine)
    const journey = await journeys.find(logoutId, through.browser)
    if (journey === undefined) throw new Error('no journey')
    expect(await journeys.framesOf(journey, new Set(['old' as AppId]))).toEqual([])
    expect(await journeys.framesOf(journey, new Set(['other' as AppId]))).toHaveLength(1)
  })
})

describe('an app with both channels', () => {
  test('is told by each where the browser is there, and by the gateway alone elsewhere', async () => {
    await using receiver = await openReceiver()
    const both = { url: receiver.url, ways: ['back-channel', 'front-channel'] as const }
    await using engine = await openEngine({ apps: { both } })
    const here = await signedOut(engine, ['both'], through)
    await here.dispatcher.runDue()
    expect(await here.statesOf()).toEqual({
      'both back-channel': 'confirmed',
      'both front-channel': 'waiting',
    })
    const elsewhere = await signedOut(engine, ['both'], undefined)
    await elsewhere.dispatcher.runDue()
    expect(await elsewhere.statesOf()).toEqual({ 'both back-channel': 'confirmed' })
    expect(receiver.received).toHaveLength(2)
  })
})

describe('a journey', () => {
  test('belongs to the browser that signed out, survives a restart, and is over after a day', async () => {
    await using engine = await openEngine({ apps: { old } })
    const { logoutId } = await signedOut(engine, ['old'], through)
    // Nothing of it is in memory: another reader over the same rows finds it.
    expect(await (await journeysOf(engine)).find(logoutId, 'browser-a')).toMatchObject({ logoutId })
    expect((await (await journeysOf(engine)).findOpen('browser-a'))?.logoutId).toBe(logoutId)
    expect(await (await journeysOf(engine)).find(logoutId, 'browser-b')).toBeUndefined()
    expect(await (await journeysOf(engine)).findOpen('browser-b')).toBeUndefined()
    engine.clock.advance({ days: 1 })
    expect(await (await journeysOf(engine)).find(logoutId, 'browser-a')).toBeUndefined()
    const { sweeper } = await engine.openNode()
    expect((await sweeper.runOnce()).deleted).toBe(1)
  })

  test('is not begun where nothing ended', async () => {
    await using engine = await openEngine({ apps: { old } })
    const { endSession } = await engine.openNode()
    const { session } = await engine.signIn('ada', ['old'])
    const end = () => endSession({ kind: 'sso-sessions', ids: [session.id] }, 'account', byAda, through)
    const both = await Promise.all([end(), end()])
    expect(both.filter(({ logoutId }) => logoutId !== undefined)).toHaveLength(1)
  })
})
