import { describe, expect, test } from 'vitest'
import { openSqlite } from '#adapters/sql/open.ts'
import type { AttemptOutcome } from '#gateway/logout/delivery.ts'
import { openReceiver, type Receiver } from '#test/support/receiver.ts'
import { type Engine, eventually, type NodeOptions, openEngine, signOut, tellUntilSettled } from './engine.ts'

const delivered: AttemptOutcome = { kind: 'answered', status: 200, durationMs: 1 }
const people = 12
const appCount = 10

/** Twelve people who have signed out of ten apps each, all of them at `app`. */
async function openOutbox(app: Receiver): Promise<Engine> {
  const apps = Object.fromEntries(
    Array.from({ length: appCount }, (_, at) => [`app-${at}`, { url: `${app.url}/${at}` }]),
  )
  const engine = await openEngine({ apps })
  const door = await engine.openNode()
  for (let person = 0; person < people; person++) await signOut(engine, door.endSession, Object.keys(apps))
  return engine
}

/** A gateway process that has opened the database for itself, as another process would. */
async function openProcess(engine: Engine, options: NodeOptions = {}) {
  const database = await openSqlite({ file: engine.database.file })
  const node = await engine.openNode({ ...options, database })
  return {
    ...node,
    [Symbol.asyncDispose]: async () => {
      await node.stop()
      await database.close()
    },
  }
}

async function unsettled(engine: Engine): Promise<number> {
  return (await engine.stores.logouts.list({ limit: 100, unsettled: true })).length
}

const told = (app: Receiver): number => new Set(app.received.map(({ body }) => body)).size

describe('several processes on one database file', () => {
  test('R-08: tell each app of each session once, and lose nothing', async () => {
    await using app = await openReceiver()
    await using engine = await openOutbox(app)
    await using one = await openProcess(engine, { limits: { atOnce: 7 } })
    await using two = await openProcess(engine, { limits: { atOnce: 7 } })

    one.dispatcher.start()
    two.dispatcher.start()
    await eventually(async () => (await unsettled(engine)) === 0)

    expect(told(app)).toBe(people * appCount)
    expect(app.received).toHaveLength(people * appCount)
  })

  test('R-08: when one dies, the other tells what it had in hand, and only that is told twice', async () => {
    await using app = await openReceiver()
    await using engine = await openOutbox(app)
    await using survivor = await openProcess(engine)
    // Dies between the answers of apps and booking them: the worst moment.
    await using dying = await openProcess(engine, {
      limits: { atOnce: 9, timeoutMs: 500 },
      logouts: (real) => ({
        ...real,
        book: () => Promise.reject(new Error('killed')),
        release: async () => {},
      }),
    })
    dying.dispatcher.start()
    await app.arrived(9)
    await dying.dispatcher[Symbol.asyncDispose]()
    const twice = app.received.length

    await survivor.dispatcher.runDue()
    expect(await unsettled(engine)).toBeGreaterThan(0)
    engine.clock.advance({ seconds: 15 })
    await survivor.dispatcher.runDue()

    expect(await unsettled(engine)).toBe(0)
    expect(told(app)).toBe(people * appCount)
    expect(app.received).toHaveLength(people * appCount + twice)
  })

  test('R-18: one that stops hands over to the next: nothing is lost and nothing told twice', async () => {
    await using app = await openReceiver()
    await using engine = await openOutbox(app)
    for (let restart = 0; restart < 4; restart++) {
      await using process = await openProcess(engine, { limits: { atOnce: 8 } })
      process.dispatcher.start()
      await app.arrived(Math.min(people * appCount, app.received.length + 20))
    }
    await using last = await openProcess(engine)
    await last.dispatcher.runDue()

    expect(await unsettled(engine)).toBe(0)
    expect(told(app)).toBe(people * appCount)
    expect(app.received).toHaveLength(people * appCount)
  })

  test('R-20: what a stalled one holds is told by the other as soon as its leases have run out', async () => {
    await using app = await openReceiver()
    await using engine = await openOutbox(app)
    const late: ((outcome: AttemptOutcome) => void)[] = []
    await using stalled = await openProcess(engine, {
      limits: { atOnce: 5, timeoutMs: 60_000 },
      messenger: { send: () => new Promise((answer) => late.push(answer)) },
    })
    await using awake = await openProcess(engine)
    const run = stalled.dispatcher.runDue()
    await eventually(() => late.length === 5)

    await awake.dispatcher.runDue()
    expect(told(app)).toBe(people * appCount - 5)
    engine.clock.advance({ seconds: 14 })
    expect(await awake.dispatcher.runDue()).toBe(0)
    engine.clock.advance({ seconds: 1 })
    expect(await awake.dispatcher.runDue()).toBe(5)

    expect(told(app)).toBe(people * appCount)
    expect(await unsettled(engine)).toBe(0)
    for (const answer of late) answer(delivered)
    await run
  })

  test('R-25: what a stopped one learns when it goes on neither overwrites an answer nor speaks against an app', async () => {
    await using engine = await openEngine({ apps: { wiki: { url: 'http://127.0.0.1:9/' } } })
    const late: ((outcome: AttemptOutcome) => void)[] = []
    await using stopped = await openProcess(engine, {
      limits: { perApp: 8, timeoutMs: 60_000 },
      messenger: { send: () => new Promise((answer) => late.push(answer)) },
    })
    await using awake = await openProcess(engine, { messenger: { send: () => Promise.resolve(delivered) } })
    for (let person = 0; person < 8; person++) await signOut(engine, awake.endSession, ['wiki'])
    const run = stopped.dispatcher.runDue()
    await eventually(() => late.length === 8)

    engine.clock.advance({ seconds: 60 })
    await tellUntilSettled(engine, awake.dispatcher)
    const before = await engine.reports.list({ limit: 100 })
    for (const answer of late) answer({ kind: 'unreachable', reason: 'timeout', durationMs: 60_000 })
    await run

    expect(await engine.reports.list({ limit: 100 })).toEqual(before)
    expect(before.map(({ counts }) => counts)).toEqual(Array.from({ length: 8 }, () => ({ confirmed: 1 })))
    expect(await engine.health.list()).toMatchObject([{ appId: 'wiki', state: 'healthy', failures: 0 }])
  })
})
