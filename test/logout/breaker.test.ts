import { describe, expect, test } from 'vitest'
import { hourMs, minuteMs, secondMs } from '#gateway/kernel/clock.ts'
import type { AppId } from '#gateway/kernel/ids.ts'
import type { AppHealth } from '#gateway/logout/health-report.ts'
import { retryDeliveries } from '#gateway/logout/retry.ts'
import { openReceiver } from '#test/support/receiver.ts'
import { createMemoryLog } from '#test/support/silent-log.ts'
import { type Engine, openEngine, retryForMs, signOut, tellUntilSettled } from './engine.ts'

type Node = Awaited<ReturnType<Engine['openNode']>>

/** Nobody listens on the port of the discard service: a connection is refused at once. */
const nowhere = 'http://127.0.0.1:9/'

async function healthOf(engine: Engine, app: string): Promise<AppHealth | undefined> {
  return (await engine.health.list()).find(({ appId }) => appId === app)
}

/** Runs the dispatcher at each instant at which something is due, until `at`. Returns the attempts made. */
async function tellUntil(engine: Engine, { dispatcher }: Node, at: number): Promise<number> {
  let attempts = 0
  while (engine.clock.now() < at) {
    attempts += await dispatcher.runDue()
    const next = (await engine.stores.logouts.nextDueAfter(engine.clock.now())) ?? at
    engine.clock.advance({ ms: Math.min(next, at) - engine.clock.now() })
  }
  return attempts
}

/** What "retry now" needs, where nobody asks who may. */
function depsOf(node: Node) {
  return {
    ...node.doorDeps,
    retryForMs,
    within: (work: () => Promise<number>) => work(),
  }
}

async function signOutTimes(engine: Engine, { endSession }: Node, app: string, times: number): Promise<void> {
  for (let person = 0; person < times; person++) await signOut(engine, endSession, [app])
}

describe.for([
  ['SQLite', undefined],
  ['SQLite that awaits at random', 73],
] as const)('an app that is down (%s)', ([, seed]) => {
  const open = (apps: NonNullable<Parameters<typeof openEngine>[0]>['apps'] = {}) =>
    openEngine({ apps, ...(seed === undefined ? {} : { seed }) })

  test('R-03: for an hour is hardly asked meanwhile, and told everything at once within five minutes of its return', async () => {
    await using app = await openReceiver()
    await using engine = await open({ wiki: { url: nowhere } })
    const node = await engine.openNode()
    await signOutTimes(engine, node, 'wiki', 60)
    const returnsAt = engine.clock.now() + hourMs

    // Five failures, four of them on their way when the fifth comes in, and then a probe now and then.
    expect(await tellUntil(engine, node, returnsAt)).toBeLessThan(100)
    expect(await healthOf(engine, 'wiki')).toMatchObject({
      appName: 'The wiki',
      state: 'down',
      reason: 'it could not be reached',
      failingSince: returnsAt - hourMs,
      pending: 60,
    })
    engine.apps.set('wiki', { url: app.url })
    await tellUntilSettled(engine, node.dispatcher)

    expect(app.received).toHaveLength(60)
    const logouts = await engine.stores.logouts.list({ limit: 100 })
    const delays = logouts.map(({ settledAt = Number.POSITIVE_INFINITY }) => settledAt - returnsAt)
    expect(Math.max(...delays)).toBeLessThanOrEqual(5 * minuteMs)
    // All in the instant of the first: nobody waited for a time of its own.
    expect(new Set(delays).size).toBe(1)
    const { failingSince: _, ...healthy } = (await healthOf(engine, 'wiki')) ?? {}
    expect(healthy).toMatchObject({ state: 'healthy', failures: 0, pending: 0 })
    expect(healthy).not.toHaveProperty('probeAt')
  })

  test('stays down for a process that starts, and for another one beside it', async () => {
    await using engine = await open({ wiki: { url: nowhere } })
    const first = await engine.openNode()
    await signOutTimes(engine, first, 'wiki', 20)
    const attempts = await first.dispatcher.runDue()
    expect(attempts).toBeLessThan(10)
    await first.stop()

    const second = await engine.openNode()
    expect(await second.dispatcher.runDue()).toBe(0)
    expect((await healthOf(engine, 'wiki'))?.failures).toBe(attempts)
  })

  test('is probed by one of many processes', async () => {
    await using engine = await open({ wiki: { url: nowhere } })
    const nodes = await Promise.all([1, 2, 3].map(() => engine.openNode()))
    const [first] = nodes
    if (first === undefined) throw new Error('three were opened')
    await signOutTimes(engine, first, 'wiki', 20)
    await first.dispatcher.runDue()
    const { probeAt = 0 } = (await healthOf(engine, 'wiki')) ?? {}
    engine.clock.advance({ ms: probeAt - engine.clock.now() })

    const attempts = await Promise.all(nodes.map(({ dispatcher }) => dispatcher.runDue()))

    // One, unless full jitter has put the next one at this very instant.
    expect(attempts.reduce((sum, count) => sum + count)).toBe(1)
  })
})

describe('an open breaker', () => {
  test('reports when the next attempt is, and why, for what was never asked too', async () => {
    await using engine = await openEngine({ apps: { wiki: { url: nowhere } } })
    const node = await engine.openNode()
    await signOutTimes(engine, node, 'wiki', 8)
    await node.dispatcher.runDue()
    const logoutId = await signOut(engine, node.endSession, ['wiki'])
    const { probeAt } = (await healthOf(engine, 'wiki')) ?? {}

    const waiting = { state: 'retrying', nextAttemptAt: probeAt, reason: 'it could not be reached' }
    const report = await engine.reports.find(logoutId)
    expect(report?.deliveries).toMatchObject([{ ...waiting, attempts: [] }])
    expect(report?.counts).toEqual({ retrying: 1 })
    const listed = await engine.reports.list({ limit: 1 })
    expect(listed[0]?.deliveries).toMatchObject([waiting])
  })

  test('gives up what waits behind it in its time, truthfully, with a line in the trail', async () => {
    await using engine = await openEngine({ apps: { wiki: { url: nowhere } } })
    const node = await engine.openNode()
    await signOutTimes(engine, node, 'wiki', 8)
    await node.dispatcher.runDue()
    engine.clock.advance({ hours: 1 })
    const logoutId = await signOut(engine, node.endSession, ['wiki'])
    const endedAt = engine.clock.now()
    // No process runs for three days.
    engine.clock.advance({ hours: 70 })

    await tellUntilSettled(engine, node.dispatcher)

    const report = await engine.reports.find(logoutId)
    expect(report?.settledAt).toBe(endedAt + retryForMs)
    expect(report?.deliveries).toMatchObject([{ state: 'given-up', reason: 'it could not be reached' }])
    const all = await engine.reports.list({ limit: 20 })
    expect(all.flatMap(({ deliveries }) => deliveries.map(({ state }) => state))).toEqual(
      Array.from({ length: 9 }, () => 'given-up'),
    )
    const lines = await engine.stores.audit.list({ limit: 20, types: ['delivery.settled'] })
    expect(lines).toHaveLength(9)
    expect(lines.map(({ detail }) => JSON.parse(detail))).toContainEqual(
      expect.objectContaining({ logoutId, appId: 'wiki', state: 'abandoned' }),
    )
  })

  test('asks again at once when an operator says so, and everything follows if the app is back', async () => {
    await using app = await openReceiver()
    await using engine = await openEngine({ apps: { wiki: { url: nowhere }, mail: { url: nowhere } } })
    const node = await engine.openNode()
    await signOutTimes(engine, node, 'wiki', 20)
    await signOutTimes(engine, node, 'mail', 20)
    await tellUntil(engine, node, engine.clock.now() + hourMs)
    engine.apps.set('wiki', { url: app.url })
    engine.apps.set('mail', { url: app.url })

    let woken = 0
    const deps = {
      ...node.doorDeps,
      retryForMs,
      wake: () => woken++,
      within: (work: () => Promise<number>) => work(),
    }
    expect(await retryDeliveries(deps, { kind: 'app', appId: 'wiki' as AppId })).toBe(20)
    expect(woken).toBeGreaterThan(0)
    await node.dispatcher.runDue()

    expect(await healthOf(engine, 'wiki')).toMatchObject({ state: 'healthy', pending: 0 })
    expect(await healthOf(engine, 'mail')).toMatchObject({ state: 'down', pending: 20 })
    const [one] = await engine.reports.list({ limit: 1, unsettled: true })
    const id = one?.deliveries[0]?.id
    if (id === undefined) throw new Error('nothing waits')
    expect(await retryDeliveries(deps, { kind: 'delivery', id })).toBe(1)
    await node.dispatcher.runDue()
    expect(await healthOf(engine, 'mail')).toMatchObject({ state: 'healthy', pending: 0 })
    expect(app.received).toHaveLength(40)
  })

  test('lets the one delivery through that an operator names, however many have waited for longer', async () => {
    await using engine = await openEngine({ apps: { wiki: { url: nowhere } } })
    const asked: string[] = []
    const node = await engine.openNode({
      messenger: {
        send: (delivery, timeoutMs) => {
          asked.push(delivery.id)
          return engine.messenger.send(delivery, timeoutMs)
        },
      },
    })
    await signOutTimes(engine, node, 'wiki', 20)
    await tellUntil(engine, node, engine.clock.now() + hourMs)
    const logoutId = await signOut(engine, node.endSession, ['wiki'])
    await node.dispatcher.runDue()
    const id = (await engine.reports.find(logoutId))?.deliveries[0]?.id
    if (id === undefined) throw new Error('nothing waits')
    asked.length = 0

    expect(await retryDeliveries(depsOf(node), { kind: 'delivery', id })).toBe(1)
    await node.dispatcher.runDue()

    expect(asked[0]).toBe(id)
    expect((await engine.reports.find(logoutId))?.deliveries).toMatchObject([{ attempts: [{ number: 1 }] }])
  })

  test('asks an app once when much of it is to be tried again, and others have their turn meanwhile', async () => {
    await using engine = await openEngine({ apps: { wiki: { url: nowhere } } })
    const node = await engine.openNode()
    await signOutTimes(engine, node, 'wiki', 450)
    await node.dispatcher.runDue()
    engine.clock.advance({ ms: 1 })
    let probed = 0
    let turns = 0
    let goesOn = true
    const others = (): void => {
      turns++
      if (goesOn) setImmediate(others)
    }
    setImmediate(others)
    const health = {
      probeNow: (...of: Parameters<typeof engine.stores.health.probeNow>) => {
        probed++
        return engine.stores.health.probeNow(...of)
      },
    }

    const retried = await retryDeliveries({ ...depsOf(node), health }, { kind: 'all' })
    goesOn = false

    expect(retried).toBeGreaterThan(400)
    expect(probed).toBe(1)
    expect(turns).toBeGreaterThanOrEqual(2)
  })

  test('closes on a no, so that what waited is asked and answered in its own right', async () => {
    await using app = await openReceiver()
    app.behave({ answer: 404 })
    await using engine = await openEngine({ apps: { wiki: { url: nowhere } } })
    const node = await engine.openNode()
    await signOutTimes(engine, node, 'wiki', 10)
    await node.dispatcher.runDue()
    engine.apps.set('wiki', { url: app.url })
    const { probeAt = 0 } = (await healthOf(engine, 'wiki')) ?? {}
    engine.clock.advance({ ms: probeAt - engine.clock.now() })
    await node.dispatcher.runDue()

    expect(app.received).toHaveLength(10)
    const failing = await healthOf(engine, 'wiki')
    expect(failing).toMatchObject({ state: 'failing', reason: 'it answered 404', pending: 10 })
    expect(failing).not.toHaveProperty('probeAt')
  })

  test('does not hold up what an app has time for because of one session that it answers with 500', async () => {
    await using app = await openReceiver()
    await using engine = await openEngine({ apps: { wiki: { url: app.url } } })
    let choking = ''
    const node = await engine.openNode({
      messenger: {
        send: (delivery, timeoutMs) =>
          delivery.sid === choking
            ? Promise.resolve({ kind: 'answered', status: 500, durationMs: 1 })
            : engine.messenger.send(delivery, timeoutMs),
      },
    })
    const chokes = await signOut(engine, node.endSession, ['wiki'])
    choking = (await engine.reports.find(chokes))?.deliveries[0]?.sid ?? ''
    await node.dispatcher.runDue()
    await signOut(engine, node.endSession, ['wiki'])
    await node.dispatcher.runDue()

    await tellUntil(engine, node, engine.clock.now() + hourMs)

    expect(await healthOf(engine, 'wiki')).toMatchObject({ state: 'failing', reason: 'it answered 500' })
    const told = await signOut(engine, node.endSession, ['wiki'])
    await node.dispatcher.runDue()
    expect((await engine.reports.find(told))?.deliveries).toMatchObject([{ state: 'confirmed' }])
  })
})

describe('apps that misbehave beside others', () => {
  test('R-04: a tarpit is known after two rounds of time-outs, keeps four connections at most, and then one now and then', async () => {
    await using tarpit = await openReceiver()
    await using good = await openReceiver()
    tarpit.behave('hang')
    await using engine = await openEngine({ apps: { tarpit: { url: tarpit.url }, good: { url: good.url } } })
    // With the usual five seconds in place of these: ten seconds.
    const node = await engine.openNode({ limits: { timeoutMs: 100, perApp: 4 } })
    await signOutTimes(engine, node, 'tarpit', 40)
    await signOutTimes(engine, node, 'good', 40)

    await node.dispatcher.runDue()

    expect(good.received).toHaveLength(40)
    expect(tarpit.received.length).toBeLessThanOrEqual(8)
    expect(tarpit.mostAtOnce).toBeLessThanOrEqual(4)
    expect(await engine.health.list()).toMatchObject([
      { appId: 'tarpit', state: 'down', reason: 'it did not answer in time', pending: 40 },
      { appId: 'good', state: 'healthy', failures: 0, pending: 0 },
    ])
  })

  test('R-10: a mass of ended sessions of one app keeps no other app waiting', async () => {
    await using big = await openReceiver()
    await using small = await openReceiver()
    await using engine = await openEngine({ apps: { big: { url: big.url }, small: { url: small.url } } })
    const node = await engine.openNode()
    await signOutTimes(engine, node, 'big', 150)
    node.dispatcher.start()
    await big.arrived(10)

    await signOut(engine, node.endSession, ['small'])
    await small.arrived(1)

    expect(big.received.length).toBeLessThan(150)
    expect(big.mostAtOnce).toBeLessThanOrEqual(4)
    await big.arrived(150)
  })

  test('R-11: an app whose message cannot be made is isolated, with the reason, and costs the others nothing', async () => {
    await using app = await openReceiver()
    await using engine = await openEngine({ apps: { poison: { url: app.url }, wiki: { url: app.url } } })
    const { log, lines } = createMemoryLog()
    const node = await engine.openNode({
      log,
      messenger: {
        send: (delivery, timeoutMs) => {
          if (delivery.appId === ('poison' as AppId)) throw new TypeError('no such key')
          return engine.messenger.send(delivery, timeoutMs)
        },
      },
    })
    await signOutTimes(engine, node, 'poison', 30)
    await signOutTimes(engine, node, 'wiki', 30)

    const attempts = await node.dispatcher.runDue()

    expect(app.received).toHaveLength(30)
    expect(await engine.health.list()).toMatchObject([
      { appId: 'poison', state: 'down', reason: 'the message could not be made', pending: 30 },
      { appId: 'wiki', state: 'healthy', pending: 0 },
    ])
    // One line for each attempt that was made, and for none of those that wait.
    expect(lines.filter(({ level }) => level === 'error')).toHaveLength(attempts - 30)
    expect(attempts - 30).toBeLessThan(10)
  })

  test('an app that comes and goes is told whenever it is there, and nothing is lost', async () => {
    await using app = await openReceiver()
    await using engine = await openEngine({ apps: { wiki: { url: app.url } } })
    const node = await engine.openNode()
    for (let turn = 0; turn < 6; turn++) {
      app.behave(turn % 2 === 0 ? 'hang-up' : { answer: 200 })
      await signOutTimes(engine, node, 'wiki', 10)
      await tellUntil(engine, node, engine.clock.now() + 7 * minuteMs + secondMs)
    }
    const logouts = await engine.stores.logouts.list({ limit: 100 })
    expect(logouts.filter(({ settledAt }) => settledAt === undefined)).toEqual([])
    expect(await healthOf(engine, 'wiki')).toMatchObject({ state: 'healthy', pending: 0 })
  })
})
