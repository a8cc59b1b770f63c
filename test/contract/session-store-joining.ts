import { describe, expect, test } from 'vitest'
import type { AppId } from '#gateway/kernel/ids.ts'
import {
  ada,
  anAppSession,
  anEnding,
  appSessionId,
  board,
  bob,
  noon,
  ssoId,
  wiki,
} from '#test/sessions/builders.ts'
import { begin, end, type OpensSessionStore } from './session-store.ts'

/** What every store of sessions does when apps join. */
export function describeSessionJoining(name: string, open: OpensSessionStore): void {
  describe(`an app that joins a session (${name})`, () => {
    const laptop = ssoId('laptop')

    test('gets a record that is found by its id, by its sid and by its session', async () => {
      await using store = await open()
      await begin(store)
      const wanted = anAppSession()
      expect(await store.sessions.join(wanted, noon + 1_000)).toEqual(wanted)
      expect(await store.sessions.findAppSession(wanted.id)).toEqual(wanted)
      expect(await store.sessions.findAppSessionBySid(wiki, wanted.sid)).toEqual(wanted)
      expect(await store.sessions.appSessionsOf([laptop], 'active')).toEqual([wanted])
    })

    test('is found by its sid for itself alone', async () => {
      await using store = await open()
      await begin(store)
      await store.sessions.join(anAppSession(), undefined)
      expect(await store.sessions.findAppSessionBySid(board, anAppSession().sid)).toBeUndefined()
      expect(await store.sessions.findAppSessionBySid(wiki, 'another')).toBeUndefined()
      expect(await store.sessions.findAppSession(appSessionId('nobody'))).toBeUndefined()
    })

    test('gets the record that is there already when it joins again', async () => {
      await using store = await open()
      await begin(store)
      const first = await store.sessions.join(anAppSession(), undefined)
      const again = anAppSession('wiki', 'laptop', { id: appSessionId('again'), sid: 'another' })
      expect(await store.sessions.join(again, undefined)).toEqual(first)
      expect(await store.sessions.findAppSession(again.id)).toBeUndefined()
    })

    test('is one record, however many tabs join at once', async () => {
      await using store = await open()
      await begin(store)
      const tabs = Array.from({ length: 8 }, (_, tab) =>
        anAppSession('wiki', 'laptop', { id: appSessionId(`tab-${tab}`), sid: `sid-${tab}` }),
      )
      const joined = await Promise.all(tabs.map((tab) => store.sessions.join(tab, undefined)))
      expect(new Set(joined.map((session) => session?.id)).size).toBe(1)
      expect(await store.sessions.appSessionsOf([laptop], 'any')).toHaveLength(1)
    })

    test('stands beside other apps, and beside itself in another session', async () => {
      await using store = await open()
      await begin(store)
      await begin(store, 'phone')
      for (const wanted of [
        anAppSession('wiki', 'laptop', { startedAt: noon + 2 }),
        anAppSession('board', 'laptop', { startedAt: noon + 1 }),
        anAppSession('wiki', 'phone', { startedAt: noon + 3 }),
      ])
        expect(await store.sessions.join(wanted, undefined)).toEqual(wanted)
      const all = await store.sessions.appSessionsOf([laptop, ssoId('phone')], 'active')
      expect(all.map(({ sid }) => sid)).toEqual(['sid-laptop-board', 'sid-laptop-wiki', 'sid-phone-wiki'])
    })

    test('is listed at the app by account while it is active, and no more of them than asked for', async () => {
      await using store = await open()
      for (const [name, accountId] of [
        ['laptop', bob],
        ['phone', ada],
        ['tablet', ada],
      ] as const) {
        await begin(store, name, { accountId })
        await store.sessions.join(anAppSession('wiki', name, { accountId }), undefined)
      }
      await store.sessions.join(anAppSession('board', 'laptop', { accountId: bob }), undefined)
      await end(store, 'tablet')
      const sids = async (limit: number): Promise<readonly string[]> =>
        (await store.sessions.activeAt(wiki, limit)).map(({ sid }) => sid)
      expect(await sids(9)).toEqual(['sid-phone-wiki', 'sid-laptop-wiki'])
      expect(await sids(1)).toEqual(['sid-phone-wiki'])
      expect(await store.sessions.activeAt('nobody-is-there' as AppId, 9)).toEqual([])
      expect(await store.otherTenant.activeAt(wiki, 9)).toEqual([])
    })

    test('is refused by a session that has ended or was never begun', async () => {
      await using store = await open()
      expect(await store.sessions.join(anAppSession(), undefined)).toBeUndefined()
      await begin(store)
      await end(store)
      expect(await store.sessions.join(anAppSession(), undefined)).toBeUndefined()
      expect(await store.sessions.appSessionsOf([laptop], 'any')).toEqual([])
    })

    test('begins anew after its own record ended, while the session lives on', async () => {
      await using store = await open()
      await begin(store)
      await store.sessions.join(anAppSession(), undefined)
      await store.sessions.markEnded({ kind: 'app-sessions', ids: [anAppSession().id] }, anEnding())
      const next = anAppSession('wiki', 'laptop', { id: appSessionId('next'), sid: 'next' })
      expect(await store.sessions.join(next, undefined)).toEqual(next)
      expect(await store.sessions.appSessionsOf([laptop], 'active')).toEqual([next])
      expect(await store.sessions.appSessionsOf([laptop], 'any')).toHaveLength(2)
    })

    test('and an end at the same instant: refused, or ended with the session, never neither', async () => {
      for (let round = 0; round < 25; round++) {
        await using store = await open()
        await begin(store)
        const [joined, ended] = await Promise.all([
          store.sessions.join(anAppSession(), undefined),
          store.sessions.markEnded({ kind: 'sso-sessions', ids: [laptop] }, anEnding()),
        ])
        expect(ended.ssoSessions).toHaveLength(1)
        expect(ended.appSessions).toHaveLength(joined === undefined ? 0 : 1)
        expect(await store.sessions.appSessionsOf([laptop], 'active')).toEqual([])
      }
    })

    test('is noted as used, forward only, and not after it ended', async () => {
      await using store = await open()
      await begin(store)
      const { id } = anAppSession()
      await store.sessions.join(anAppSession(), undefined)
      await store.sessions.touchAppSession(id, noon + 2_000)
      await store.sessions.touchAppSession(id, noon + 1_000)
      expect((await store.sessions.findAppSession(id))?.lastSeenAt).toBe(noon + 2_000)
      await end(store)
      await store.sessions.touchAppSession(id, noon + 9_000)
      expect((await store.sessions.findAppSession(id))?.lastSeenAt).toBe(noon + 2_000)
    })
  })
}
