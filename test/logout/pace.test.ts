import { describe, expect, test } from 'vitest'
import type { AppId } from '#gateway/kernel/ids.ts'
import { createPacer, isUrgent } from '#gateway/logout/pace.ts'
import { openEngine } from './engine.ts'

const [wiki, mail] = ['wiki', 'mail'] as AppId[] as [AppId, AppId]
const noon = Date.UTC(2026, 2, 2, 12)
const times = (count: number, due: () => number): readonly number[] => Array.from({ length: count }, due)

describe('the pace of what an app is told in the background', () => {
  test('lets a few through at once and spreads the rest by so many a second', () => {
    const pacer = createPacer(20)
    const due = times(240, () => pacer.dueAt(wiki, noon)).map((at) => at - noon)
    expect(due.filter((after) => after === 0)).toHaveLength(40)
    expect(due.at(-1)).toBe(200 * 50)
    for (const [at, after] of due.entries()) expect(after).toBeGreaterThanOrEqual(due[at - 1] ?? 0)
    for (let second = 1; second < 9; second++)
      expect(due.filter((after) => after > second * 1_000 && after <= (second + 1) * 1_000)).toHaveLength(20)
  })

  test('keeps each app apart', () => {
    const pacer = createPacer(20)
    times(100, () => pacer.dueAt(wiki, noon))
    expect(pacer.dueAt(mail, noon)).toBe(noon)
  })

  test('has the burst again after a while, and never more than that', () => {
    const pacer = createPacer(20)
    times(100, () => pacer.dueAt(wiki, noon))
    const tomorrow = noon + 86_400_000
    expect(times(41, () => pacer.dueAt(wiki, tomorrow)).filter((at) => at === tomorrow)).toHaveLength(40)
  })

  test.for(['account', 'app', 'admin', 'risk', 'account-disabled', 'password-changed'] as const)(
    'does not hold up what somebody waits for: %s',
    (cause) => expect(isUrgent(cause)).toBe(true),
  )

  test.for(['bulk', 'restore', 'idle', 'absolute'] as const)('holds up what nobody waits for: %s', (cause) =>
    expect(isUrgent(cause)).toBe(false),
  )
})

test("a person's own sign-out overtakes everything that the same app is told in the background", async () => {
  await using engine = await openEngine({ apps: { wiki: { url: 'http://127.0.0.1:9/logout' } } })
  const node = await engine.openNode()
  for (let at = 0; at < 100; at++) await engine.signIn(`person-${at}`, ['wiki'])
  engine.clock.advance({ ms: 1 })
  const now = engine.clock.now()
  const counts = { ssoSessions: 100, appSessions: 100, accounts: 100, apps: 1 }
  const logoutId = await node.beginEnding({}, counts, 'bulk', { kind: 'command-line' })
  await node.endingJobs.runAll()
  engine.clock.advance({ ms: 1 })
  const { session } = await engine.signIn('ada', ['wiki'])
  const own = await node.endSession({ kind: 'sso-sessions', ids: [session.id] }, 'account', {
    kind: 'account',
    accountId: session.accountId,
  })

  const dueOf = async (id: typeof logoutId | undefined) =>
    (await engine.stores.logouts.deliveriesOf(id === undefined ? [] : [id])).map(({ progress }) =>
      progress.state === 'pending'
        ? { at: progress.dueAt - now, for: progress.giveUpAt - progress.dueAt }
        : undefined,
    )
  const others = await dueOf(logoutId)
  expect(others.filter((due) => (due?.at ?? 0) > 1)).toHaveLength(60)
  expect(new Set(others.map((due) => due?.for)).size).toBe(1)
  expect((await dueOf(own.logoutId))[0]?.at).toBe(1)
})
