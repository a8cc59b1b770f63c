import { describe, expect, test } from 'vitest'
import { minuteMs } from '#gateway/kernel/clock.ts'
import type { AccountId, LogoutId } from '#gateway/kernel/ids.ts'
import { rowsOf } from '#gateway/logout/report.ts'
import { openReceiver } from '#test/support/receiver.ts'
import { type Engine, openEngine, tellUntilSettled } from './engine.ts'

async function signOut(engine: Engine, apps: readonly string[]): Promise<LogoutId> {
  const { endSession } = await engine.openNode()
  const { session } = await engine.signIn('ada', apps)
  const { logoutId } = await endSession({ kind: 'sso-sessions', ids: [session.id] }, 'account', {
    kind: 'account',
    accountId: 'ada' as AccountId,
  })
  if (logoutId === undefined) throw new Error('nothing was ended')
  return logoutId
}

async function rows(engine: Engine, id: LogoutId) {
  const report = await engine.reports.find(id)
  return report === undefined ? [] : rowsOf(report)
}

describe('what a report claims', () => {
  test('N-030: nothing but an answer is ever shown as confirmed', async () => {
    await using up = await openReceiver()
    await using refusing = await openReceiver()
    await using down = await openReceiver()
    refusing.behave({ answer: 404 })
    down.behave({ answer: 503 })
    const logout = { causes: 'all', localSessionMs: 30 * minuteMs } as const
    await using engine = await openEngine({
      apps: {
        a: { name: 'Alive', url: up.url, logout },
        b: { name: 'Refusing', url: refusing.url, logout },
        c: { name: 'Down', url: down.url, logout },
        d: { name: 'Mute', logout },
      },
    })
    const id = await signOut(engine, ['a', 'b', 'c', 'd'])
    const endedAt = engine.clock.now()
    const mayLastUntil = endedAt + 30 * minuteMs
    const mute = {
      appName: 'Mute',
      state: 'cannot-be-told',
      detail: 'it offers no way to tell it',
      mayLastUntil,
    }

    expect(await rows(engine, id)).toMatchObject([
      { appName: 'Alive', state: 'waiting', mayLastUntil },
      { appName: 'Refusing', state: 'waiting', mayLastUntil },
      { appName: 'Down', state: 'waiting', mayLastUntil },
      mute,
    ])

    const { dispatcher } = await engine.openNode()
    await dispatcher.runDue()
    expect(await rows(engine, id)).toMatchObject([
      { appName: 'Alive', state: 'confirmed' },
      { appName: 'Refusing', state: 'retrying', nextAttemptAt: expect.any(Number), mayLastUntil },
      { appName: 'Down', state: 'retrying', nextAttemptAt: expect.any(Number), mayLastUntil },
      mute,
    ])

    await tellUntilSettled(engine, dispatcher)
    expect(await rows(engine, id)).toMatchObject([
      { appName: 'Alive', state: 'confirmed' },
      { appName: 'Refusing', state: 'refused', detail: 'it answered 404', mayLastUntil },
      { appName: 'Down', state: 'given-up', detail: 'it answered 503', mayLastUntil },
      mute,
    ])
  })

  test('an app that is being asked for the first time is waited for; asked again, it is retried', async () => {
    await using app = await openReceiver()
    await using engine = await openEngine({ apps: { wiki: { url: app.url } } })
    const id = await signOut(engine, ['wiki'])
    const claim = () => {
      const now = engine.clock.now()
      return engine.stores.logouts.claim({ node: 'node', now, leaseUntil: now + 15_000, limit: 1, perApp: 1 })
    }

    await claim()
    expect(await rows(engine, id)).toMatchObject([{ appName: 'The wiki', state: 'waiting' }])
    engine.clock.advance({ seconds: 15 })
    await claim()
    expect(await rows(engine, id)).toMatchObject([{ appName: 'The wiki', state: 'retrying' }])
  })

  test('lists Logouts newest first with the state of each app', async () => {
    await using engine = await openEngine({ apps: { wiki: { url: 'http://127.0.0.1:9/' }, hr: {} } })
    const first = await signOut(engine, ['wiki'])
    engine.clock.advance({ seconds: 1 })
    const second = await signOut(engine, ['hr'])

    const listed = await engine.reports.list({ limit: 10 })
    expect(listed).toMatchObject([
      { id: second, deliveries: [{ appId: 'hr', state: 'cannot-be-told', attempts: [] }] },
      { id: first, deliveries: [{ appId: 'wiki', state: 'waiting' }] },
    ])
    expect(await engine.reports.list({ limit: 10, unsettled: true })).toMatchObject([{ id: first }])
    expect(await engine.reports.find('lgo_unknown' as LogoutId)).toBeUndefined()
  })
})
