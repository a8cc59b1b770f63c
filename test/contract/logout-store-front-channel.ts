import { describe, expect, test } from 'vitest'
import { minuteMs } from '#gateway/kernel/clock.ts'
import type { LogoutId } from '#gateway/kernel/ids.ts'
import type { LogoutStore } from '#gateway/logout/store.ts'
import { aDelivery, aLogout, mail, noon } from '#test/logout/builders.ts'

const until = noon + 10 * minuteMs

function carried(logoutId: LogoutId) {
  return aDelivery({ logoutId, channel: 'front-channel', progress: { dueAt: until, giveUpAt: until } })
}

/** What every LogoutStore does with deliveries that a browser carries. */
export function frontChannelContract(
  engine: string,
  open: () => Promise<AsyncDisposable & { readonly logouts: LogoutStore }>,
): void {
  describe(`deliveries through the browser (${engine})`, () => {
    test('are sent once each, by whichever of several tabs comes first, and settle their Logout with the last', async () => {
      await using store = await open()
      const logout = aLogout()
      const [one, two] = [carried(logout.id), carried(logout.id)]
      await store.logouts.insert(logout, [one, two])

      const [first, second] = await Promise.all([
        store.logouts.markSent(logout.id, [one.id], noon + 1),
        store.logouts.markSent(logout.id, [one.id], noon + 1),
      ])
      expect([first.length, second.length].sort()).toEqual([0, 1])
      expect((await store.logouts.find(logout.id))?.settledAt).toBeUndefined()
      expect(await store.logouts.findDelivery(one.id)).toEqual({
        ...one,
        progress: { state: 'sent', settledAt: noon + 1 },
      })
      await store.logouts.markSent(logout.id, [one.id, two.id], noon + 2)
      expect((await store.logouts.find(logout.id))?.settledAt).toBe(noon + 2)
    })

    test('are nobody’s to say but their own Logout’s, and never of the back channel', async () => {
      await using store = await open()
      const [logout, other] = [aLogout(), aLogout()]
      const byGateway = aDelivery({ logoutId: logout.id, appId: mail })
      const byBrowser = carried(logout.id)
      await store.logouts.insert(logout, [byGateway, byBrowser])
      await store.logouts.insert(other, [])

      expect(await store.logouts.markSent(other.id, [byBrowser.id], noon)).toEqual([])
      expect(await store.logouts.markSent(logout.id, [byGateway.id], noon)).toEqual([])
      expect(await store.logouts.markSent(logout.id, [], noon)).toEqual([])
      expect((await store.logouts.findDelivery(byGateway.id))?.progress.state).toBe('pending')
      expect((await store.logouts.findDelivery(byBrowser.id))?.progress.state).toBe('pending')
    })

    test('are left to the browser by “retry now”, and claimed by no gateway', async () => {
      await using store = await open()
      const logout = aLogout()
      const delivery = carried(logout.id)
      await store.logouts.insert(logout, [delivery])
      const claim = { node: 'one', leaseUntil: until + minuteMs, limit: 9, perApp: 9 }

      const again = { now: noon, giveUpAt: noon + 72 * 60 * minuteMs, limit: 9 }
      expect(await store.logouts.retryNow({ kind: 'all' }, again)).toBe(0)
      expect(await store.logouts.claim({ ...claim, now: until + minuteMs })).toEqual([])
    })

    test('are given up when their time with the browser is over, a few at a time, and settle their Logouts', async () => {
      await using store = await open()
      const logout = aLogout()
      const all = [carried(logout.id), carried(logout.id), carried(logout.id)]
      const byGateway = aDelivery({ logoutId: logout.id, appId: mail, progress: { dueAt: until } })
      await store.logouts.insert(logout, [...all, byGateway])
      const givenUpAt = async (now: number) =>
        (await store.logouts.giveUpCarried({ reason: 'gone', now, limit: 2 })).length

      expect(await givenUpAt(until - 1)).toBe(0)
      expect(await givenUpAt(until)).toBe(2)
      expect(await givenUpAt(until)).toBe(1)
      expect(await givenUpAt(until)).toBe(0)
      for (const { id } of all) {
        expect((await store.logouts.findDelivery(id))?.progress).toEqual({
          state: 'untellable',
          settledAt: until,
          reason: 'gone',
        })
      }
      expect((await store.logouts.findDelivery(byGateway.id))?.progress.state).toBe('pending')
      expect((await store.logouts.find(logout.id))?.settledAt).toBeUndefined()
    })
  })
}
