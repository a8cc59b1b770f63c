import { describe, expect, test } from 'vitest'
import { openSqlite } from '#adapters/sql/open.ts'
import { hourMs, minuteMs } from '#gateway/kernel/clock.ts'
import { GatewayError } from '#gateway/kernel/errors.ts'
import type { AppId, LogoutId } from '#gateway/kernel/ids.ts'
import type { AttemptOutcome } from '#gateway/logout/delivery.ts'
import type { LogoutReport } from '#gateway/logout/report.ts'
import { retryDeliveries } from '#gateway/logout/retry.ts'
import type { LogoutStore } from '#gateway/logout/store.ts'
import { openReceiver } from '#test/support/receiver.ts'
import { createMemoryLog } from '#test/support/silent-log.ts'
import { type Engine, eventually, openEngine, retryForMs, signOut, tellUntilSettled } from './engine.ts'

const delivered: AttemptOutcome = { kind: 'answered', status: 200, durationMs: 1 }

async function reportOf(engine: Engine, id: LogoutId): Promise<LogoutReport> {
  const report = await engine.reports.find(id)
  if (report === undefined) throw new Error('no report')
  return report
}

describe.for([
  ['SQLite', undefined],
  ['SQLite that awaits at random', 41],
] as const)('telling apps (%s)', ([, seed]) => {
  const open = (apps: NonNullable<Parameters<typeof openEngine>[0]>['apps'] = {}) =>
    openEngine({ apps, ...(seed === undefined ? {} : { seed }) })

  test('each app hears once of its session, and the record says what it answered and when', async () => {
    await using wiki = await openReceiver()
    await using mail = await openReceiver()
    mail.behave({ answer: 204 })
    await using engine = await open({ wiki: { url: wiki.url }, mail: { url: mail.url } })
    const { endSession, dispatcher } = await engine.openNode()
    const logoutId = await signOut(engine, endSession, ['wiki', 'mail'])

    expect(await dispatcher.runDue()).toBe(2)

    const report = await reportOf(engine, logoutId)
    expect(report.settledAt).toBe(engine.clock.now())
    expect(report.deliveries).toMatchObject([
      { appId: 'mail', state: 'confirmed', attempts: [{ number: 1, outcome: 'acknowledged', status: 204 }] },
      { appId: 'wiki', state: 'confirmed', attempts: [{ number: 1, outcome: 'acknowledged', status: 200 }] },
    ])
    expect(wiki.received.map(({ body }) => body)).toEqual([report.deliveries[1]?.sid])
    expect(mail.received.map(({ body }) => body)).toEqual([report.deliveries[0]?.sid])
    const lines = await engine.stores.audit.list({ limit: 10, types: ['delivery.settled'] })
    expect(lines.map(({ detail }) => JSON.parse(detail))).toContainEqual({
      logoutId,
      appId: 'wiki',
      state: 'delivered',
      attempts: 1,
    })

    expect(await dispatcher.runDue()).toBe(0)
    expect(wiki.received).toHaveLength(1)
  })

  test('many sessions over many apps are each told once, however many processes tell them', async () => {
    await using app = await openReceiver()
    const apps = Object.fromEntries(
      Array.from({ length: 12 }, (_, at) => [`app-${at}`, { url: `${app.url}/${at}` }]),
    )
    await using engine = await open(apps)
    const nodes = await Promise.all(
      [1, 2, 3].map(() => engine.openNode({ limits: { atOnce: 5, perApp: 2 } })),
    )
    const door = await engine.openNode()
    for (let person = 0; person < 6; person++) await signOut(engine, door.endSession, Object.keys(apps))

    const attempts = await Promise.all(nodes.map(({ dispatcher }) => dispatcher.runDue()))

    expect(attempts.reduce((sum, count) => sum + count)).toBe(72)
    expect(new Set(app.received.map(({ body }) => body)).size).toBe(72)
    expect(app.received).toHaveLength(72)
    const logouts = await engine.stores.logouts.list({ limit: 10 })
    expect(logouts.every(({ settledAt }) => settledAt !== undefined)).toBe(true)
  })

  test('invariant 5: an app that was asked and did not answer is not told, and is asked again', async () => {
    await using app = await openReceiver()
    app.behave('hang-up')
    await using engine = await open({ wiki: { url: app.url } })
    const { endSession, dispatcher } = await engine.openNode()
    const logoutId = await signOut(engine, endSession, ['wiki'])

    await dispatcher.runDue()

    const before = await reportOf(engine, logoutId)
    expect(before.settledAt).toBeUndefined()
    expect(before.deliveries).toMatchObject([{ state: 'retrying', attempts: [{ outcome: 'unreachable' }] }])
    expect(before.deliveries[0]?.nextAttemptAt).toBeLessThan(engine.clock.now() + 1_000)

    app.behave({ answer: 200 })
    engine.clock.advance({ seconds: 1 })
    await dispatcher.runDue()
    expect((await reportOf(engine, logoutId)).deliveries).toMatchObject([{ state: 'confirmed' }])
    expect(app.received).toHaveLength(2)
  })

  test('a worker that was away cannot overwrite what another has booked since', async () => {
    await using engine = await open({ wiki: { url: 'http://127.0.0.1:9/' } })
    const answers: ((outcome: AttemptOutcome) => void)[] = []
    const frozen = await engine.openNode({
      messenger: { send: () => new Promise((answer) => answers.push(answer)) },
    })
    const awake = await engine.openNode({ messenger: { send: () => Promise.resolve(delivered) } })
    const logoutId = await signOut(engine, frozen.endSession, ['wiki'])

    const stale = frozen.dispatcher.runDue()
    await eventually(() => answers.length === 1)
    expect(await awake.dispatcher.runDue()).toBe(0)
    engine.clock.advance({ seconds: 15 })
    expect(await awake.dispatcher.runDue()).toBe(1)
    answers[0]?.({ kind: 'answered', status: 410, durationMs: 1 })
    await stale

    expect((await reportOf(engine, logoutId)).deliveries).toMatchObject([
      { state: 'confirmed', attempts: [{ number: 2, outcome: 'acknowledged' }] },
    ])
  })

  test('a worker that is alive keeps its lease for as long as its attempt takes', async () => {
    await using engine = await open({ wiki: { url: 'http://127.0.0.1:9/' } })
    const answers: ((outcome: AttemptOutcome) => void)[] = []
    const slow = await engine.openNode({
      heartbeatMs: 1,
      messenger: { send: () => new Promise((answer) => answers.push(answer)) },
    })
    const other = await engine.openNode({ messenger: { send: () => Promise.resolve(delivered) } })
    const logoutId = await signOut(engine, slow.endSession, ['wiki'])
    const run = slow.dispatcher.runDue()
    await eventually(() => answers.length === 1)

    for (let seconds = 0; seconds < 60; seconds += 14) {
      engine.clock.advance({ seconds: 14 })
      const renewedTo = engine.clock.now() + 15_000
      await eventually(
        async () => (await engine.stores.logouts.nextDueAfter(engine.clock.now())) === renewedTo,
      )
      expect(await other.dispatcher.runDue()).toBe(0)
    }
    answers[0]?.(delivered)
    await run

    expect((await reportOf(engine, logoutId)).deliveries).toMatchObject([
      { state: 'confirmed', attempts: [{ number: 1 }] },
    ])
  })

  test('what a process had claimed when it was killed is told by the next one, once its lease has run out', async () => {
    await using app = await openReceiver()
    await using engine = await open({ wiki: { url: app.url } })
    const { endSession } = await engine.openNode()
    const logoutId = await signOut(engine, endSession, ['wiki'])
    // What a kill -9 between claiming and answering leaves behind: a lease, and nothing else.
    const now = engine.clock.now()
    await engine.stores.logouts.claim({ node: 'killed', now, leaseUntil: now + 15_000, limit: 1, perApp: 4 })

    const { dispatcher } = await engine.openNode()
    expect(await dispatcher.runDue()).toBe(0)
    engine.clock.advance({ seconds: 15 })
    expect(await dispatcher.runDue()).toBe(1)
    expect((await reportOf(engine, logoutId)).deliveries).toMatchObject([{ state: 'confirmed' }])
  })
})

describe('what each answer leads to, until the end (DECISIONS 21)', () => {
  test.for([
    [400, 3],
    [401, 5],
    [403, 5],
    [404, 5],
    [405, 5],
    [410, 5],
    [501, 5],
    [302, 5],
  ])(
    'an app that answers %i is asked %i times and then stands as refused',
    async ([status = 0, times = 0]) => {
      await using app = await openReceiver()
      app.behave({ answer: status, headers: { location: '/elsewhere' } })
      await using engine = await openEngine({ apps: { wiki: { url: app.url } } })
      const { endSession, dispatcher } = await engine.openNode()
      const logoutId = await signOut(engine, endSession, ['wiki'])

      expect(await tellUntilSettled(engine, dispatcher)).toBe(times)

      expect(app.received).toHaveLength(times)
      const report = await reportOf(engine, logoutId)
      expect(report.deliveries).toMatchObject([{ state: 'refused', reason: `it answered ${status}` }])
      expect(report.deliveries[0]?.attempts).toHaveLength(times)
      expect(report.settledAt).toBe(engine.clock.now())
    },
  )

  test.for([
    ['answers 503', { answer: 503 }, 'it answered 503'],
    ['answers 429', { answer: 429 }, 'it answered 429'],
    ['hangs up', 'hang-up', 'its answer was broken'],
  ] as const)(
    'an app that %s is asked for 72 h and then stands as given up',
    async ([, behaviour, reason]) => {
      await using app = await openReceiver()
      app.behave(behaviour)
      await using engine = await openEngine({ apps: { wiki: { url: app.url } } })
      const { endSession, dispatcher } = await engine.openNode()
      const logoutId = await signOut(engine, endSession, ['wiki'])

      const attempts = await tellUntilSettled(engine, dispatcher)

      expect(attempts).toBe(app.received.length)
      const report = await reportOf(engine, logoutId)
      expect(report.settledAt).toBe(report.startedAt + 72 * hourMs)
      expect(report.deliveries).toMatchObject([{ state: 'given-up', reason }])
    },
  )

  test('an app that comes back within 72 h is told within a quarter of an hour', async () => {
    await using app = await openReceiver()
    app.behave({ answer: 502 })
    await using engine = await openEngine({ apps: { wiki: { url: app.url } } })
    const { endSession, dispatcher } = await engine.openNode()
    const logoutId = await signOut(engine, endSession, ['wiki'])
    const returnsAt = engine.clock.now() + 71 * hourMs
    for (let next: number | undefined = 0; next !== undefined && next < returnsAt; ) {
      await dispatcher.runDue()
      next = await engine.stores.logouts.nextDueAfter(engine.clock.now())
      engine.clock.advance({ ms: Math.min(next ?? returnsAt, returnsAt) - engine.clock.now() })
    }

    app.behave({ answer: 200 })
    await tellUntilSettled(engine, dispatcher)

    const [delivery] = (await reportOf(engine, logoutId)).deliveries
    expect(delivery?.state).toBe('confirmed')
    expect(delivery?.settledAt).toBeLessThanOrEqual(returnsAt + 15 * minuteMs)
  })

  test('Retry-After is honoured', async () => {
    await using app = await openReceiver()
    app.behave({ answer: 429, headers: { 'retry-after': '120' } })
    await using engine = await openEngine({ apps: { wiki: { url: app.url } } })
    const { endSession, dispatcher } = await engine.openNode()
    const logoutId = await signOut(engine, endSession, ['wiki'])
    await dispatcher.runDue()

    expect((await reportOf(engine, logoutId)).deliveries[0]?.nextAttemptAt).toBe(engine.clock.now() + 120_000)
  })

  test('an app that has lost its channel meanwhile cannot be told', async () => {
    await using app = await openReceiver()
    app.behave({ answer: 503 })
    await using engine = await openEngine({ apps: { wiki: { url: app.url } } })
    const { endSession, dispatcher } = await engine.openNode()
    const logoutId = await signOut(engine, endSession, ['wiki'])
    await dispatcher.runDue()
    engine.apps.set('wiki', {})
    await tellUntilSettled(engine, dispatcher)

    expect((await reportOf(engine, logoutId)).deliveries).toMatchObject([
      { state: 'cannot-be-told', attempts: [{ status: 503 }] },
    ])
  })
})

describe('apps that misbehave', () => {
  test('R-04: a tarpit keeps its own few connections and costs nobody else anything', async () => {
    await using tarpit = await openReceiver()
    await using good = await openReceiver()
    tarpit.behave('hang')
    const others = Object.fromEntries(
      Array.from({ length: 20 }, (_, at) => [`good-${at}`, { url: good.url }]),
    )
    await using engine = await openEngine({ apps: { tarpit: { url: tarpit.url }, ...others } })
    const { endSession, dispatcher } = await engine.openNode({
      limits: { atOnce: 8, perApp: 2, timeoutMs: 60_000 },
    })
    for (let person = 0; person < 30; person++) await signOut(engine, endSession, ['tarpit'])
    await signOut(engine, endSession, Object.keys(others))

    dispatcher.start()
    await good.arrived(20)

    expect(tarpit.mostAtOnce).toBeLessThanOrEqual(2)
    expect(good.received).toHaveLength(20)
    await tarpit[Symbol.asyncDispose]()
  })

  test('R-11: a message that cannot be made is recorded as an attempt, and the others go out', async () => {
    await using app = await openReceiver()
    await using engine = await openEngine({ apps: { poison: { url: app.url }, wiki: { url: app.url } } })
    const { log, lines } = createMemoryLog()
    const { endSession, dispatcher } = await engine.openNode({
      log,
      messenger: {
        send: (delivery, timeoutMs) => {
          if (delivery.appId === ('poison' as AppId)) throw new TypeError('no such key')
          return engine.messenger.send(delivery, timeoutMs)
        },
      },
    })
    const logoutId = await signOut(engine, endSession, ['poison', 'wiki'])

    await dispatcher.runDue()

    expect((await reportOf(engine, logoutId)).deliveries).toMatchObject([
      {
        appId: 'poison',
        state: 'retrying',
        attempts: [{ outcome: 'unreachable', error: 'failed-here: see the log' }],
      },
      { appId: 'wiki', state: 'confirmed' },
    ])
    expect(lines).toContainEqual(
      expect.objectContaining({ level: 'error', message: 'the message to an app could not be made' }),
    )
  })

  test('a messenger that never returns is given up on', async () => {
    await using engine = await openEngine({ apps: { wiki: { url: 'http://127.0.0.1:9/' } } })
    const { endSession, dispatcher } = await engine.openNode({
      limits: { timeoutMs: 10 },
      messenger: { send: () => new Promise(() => {}) },
    })
    const logoutId = await signOut(engine, endSession, ['wiki'])

    expect(await dispatcher.runDue()).toBe(1)
    expect((await reportOf(engine, logoutId)).deliveries).toMatchObject([
      { attempts: [{ outcome: 'unreachable' }] },
    ])
  })
})

describe('a store that fails', () => {
  /** A store whose methods fail as often as told, and then work again. */
  const failing =
    (failures: Partial<Record<'claim' | 'book' | 'nextDueAfter', number>>) => (real: LogoutStore) => {
      const left = { claim: 0, book: 0, nextDueAfter: 0, ...failures }
      const unavailable = (method: keyof typeof left) => {
        if (left[method] <= 0) return undefined
        left[method]--
        return Promise.reject(new GatewayError('store_unavailable', 'The database cannot answer right now.'))
      }
      return {
        ...real,
        claim: (of) => unavailable('claim') ?? real.claim(of),
        book: (attempts, now) => unavailable('book') ?? real.book(attempts, now),
        nextDueAfter: (now) => unavailable('nextDueAfter') ?? real.nextDueAfter(now),
      } satisfies LogoutStore
    }

  test.for(['claim', 'book', 'nextDueAfter'] as const)(
    'for a while (%s) delays the news and loses nothing',
    async (method) => {
      await using app = await openReceiver()
      await using engine = await openEngine({ apps: { wiki: { url: app.url } } })
      const { endSession, dispatcher } = await engine.openNode({ logouts: failing({ [method]: 2 }) })
      const logoutId = await signOut(engine, endSession, ['wiki'])

      dispatcher.start()
      await eventually(async () => (await reportOf(engine, logoutId)).settledAt !== undefined)

      expect(app.received).toHaveLength(1)
      expect((await reportOf(engine, logoutId)).deliveries).toMatchObject([{ state: 'confirmed' }])
    },
  )

  test('is an error for who runs it by hand', async () => {
    await using engine = await openEngine({ apps: { wiki: { url: 'http://127.0.0.1:9/' } } })
    const { dispatcher } = await engine.openNode({ logouts: failing({ claim: 1 }) })
    await expect(dispatcher.runDue()).rejects.toThrow('The database cannot answer right now.')
  })
})

describe('the life of a dispatcher', () => {
  test('it wakes when the door has something for it', async () => {
    await using app = await openReceiver()
    await using engine = await openEngine({ apps: { wiki: { url: app.url } } })
    const { endSession, dispatcher } = await engine.openNode()
    dispatcher.start()
    const logoutId = await signOut(engine, endSession, ['wiki'])

    await eventually(async () => (await reportOf(engine, logoutId)).settledAt !== undefined)
    expect(app.received).toHaveLength(1)
  })

  test('it wakes when another process ends a session', async () => {
    await using app = await openReceiver()
    await using engine = await openEngine({ apps: { wiki: { url: app.url } } })
    const server = await engine.openNode()
    server.dispatcher.start()
    const commandLine = await openSqlite({ file: engine.database.file })
    const { endSession, stop } = await engine.openNode({ database: commandLine })
    const logoutId = await signOut(engine, endSession, ['wiki'])
    await stop()
    await commandLine.close()

    await eventually(async () => (await reportOf(engine, logoutId)).settledAt !== undefined)
    expect(app.received).toHaveLength(1)
  })

  test('stopping waits for the answer that is on its way and books it', async () => {
    await using engine = await openEngine({ apps: { wiki: { url: 'http://127.0.0.1:9/' } } })
    const answers: ((outcome: AttemptOutcome) => void)[] = []
    const { endSession, dispatcher } = await engine.openNode({
      messenger: { send: () => new Promise((answer) => answers.push(answer)) },
    })
    const logoutId = await signOut(engine, endSession, ['wiki'])
    dispatcher.start()
    await eventually(() => answers.length === 1)

    const stopped = dispatcher[Symbol.asyncDispose]()
    answers[0]?.(delivered)
    await stopped

    expect((await reportOf(engine, logoutId)).deliveries).toMatchObject([{ state: 'confirmed' }])
  })

  test('stopping waits no longer than an attempt may take, and hands the lease back', async () => {
    await using app = await openReceiver()
    await using engine = await openEngine({ apps: { wiki: { url: app.url } } })
    const { endSession, dispatcher } = await engine.openNode({
      limits: { timeoutMs: 10 },
      logouts: (real) => ({ ...real, book: () => Promise.reject(new Error('the disk is gone')) }),
    })
    const logoutId = await signOut(engine, endSession, ['wiki'])
    dispatcher.start()
    await app.arrived(1)
    await dispatcher[Symbol.asyncDispose]()

    // Its answer could not be written, so the next process asks again at once: better twice than never.
    const next = await engine.openNode()
    expect(await next.dispatcher.runDue()).toBe(1)
    expect((await reportOf(engine, logoutId)).deliveries).toMatchObject([{ state: 'confirmed' }])
    expect(app.received).toHaveLength(2)
  })

  test('stopped, it claims nothing more', async () => {
    await using app = await openReceiver()
    await using engine = await openEngine({ apps: { wiki: { url: app.url } } })
    const { endSession, dispatcher } = await engine.openNode()
    dispatcher.start()
    await dispatcher[Symbol.asyncDispose]()
    await signOut(engine, endSession, ['wiki'])
    dispatcher.wake()

    const next = await engine.openNode()
    expect(await next.dispatcher.runDue()).toBe(1)
  })
})

describe('retry now', () => {
  test('asks an app again that had refused, and its Logout is open until it answers', async () => {
    await using app = await openReceiver()
    app.behave({ answer: 404 })
    await using engine = await openEngine({ apps: { wiki: { url: app.url } } })
    const { endSession, dispatcher, doorDeps } = await engine.openNode()
    const logoutId = await signOut(engine, endSession, ['wiki'])
    await tellUntilSettled(engine, dispatcher)
    engine.clock.advance({ days: 1 })
    app.behave({ answer: 200 })

    let woken = 0
    const deps = {
      ...doorDeps,
      retryForMs,
      wake: () => woken++,
      within: (batch: () => Promise<number>) => batch(),
    }
    expect(await retryDeliveries(deps, { kind: 'app', appId: 'wiki' as AppId })).toBe(1)

    expect(woken).toBe(1)
    expect((await reportOf(engine, logoutId)).settledAt).toBeUndefined()
    await dispatcher.runDue()
    const report = await reportOf(engine, logoutId)
    expect(report.settledAt).toBe(engine.clock.now())
    expect(report.deliveries).toMatchObject([{ state: 'confirmed' }])
    expect(report.deliveries[0]?.attempts).toHaveLength(6)
    expect(await retryDeliveries(deps, { kind: 'all' })).toBe(0)
    expect(woken).toBe(1)
  })
})
