import { describe, expect, test } from 'vitest'
import { hourMs } from '#gateway/kernel/clock.ts'
import type { AppId } from '#gateway/kernel/ids.ts'
import type { Transaction } from '#gateway/kernel/transaction.ts'
import type { LogoutDelivery } from '#gateway/logout/delivery.ts'
import type { Reachability } from '#gateway/logout/health.ts'
import type { HealthStore } from '#gateway/logout/health-store.ts'
import type { LogoutStore } from '#gateway/logout/store.ts'
import { aDelivery, aLogout, mail, noon, wiki } from '#test/logout/builders.ts'

export interface OpenHealthStore extends AsyncDisposable {
  readonly health: HealthStore
  readonly logouts: LogoutStore
  /** The same database as another tenant sees it. */
  readonly otherTenant: HealthStore
  readonly transaction: Transaction
}

const claimAll = { node: 'one', now: noon, leaseUntil: noon + 15_000, limit: 64, perApp: 4 }

const healthy: Reachability = { appId: mail, failures: 0, silences: 0, lastConfirmedAt: noon - 1 }
const failing: Reachability = {
  appId: 'board' as AppId,
  failures: 3,
  silences: 0,
  failingSince: noon - hourMs,
  reason: 'it answered 404',
}
/** The wiki, which is asked again at `probeAt`. */
const down = (probeAt: number): Reachability => ({
  appId: wiki,
  failures: 7,
  silences: 7,
  failingSince: noon - hourMs,
  reason: 'it could not be reached',
  breaker: { probeAt, probes: 2 },
  lastConfirmedAt: noon - 2 * hourMs,
})

/** What every store of what is known of apps does, and what every store of Logouts makes of it. `open` gives an empty one. */
export function describeHealthStore(name: string, open: () => Promise<OpenHealthStore>): void {
  describe(`what is known of telling apps (${name})`, () => {
    test('is given back as it was saved last, and to nobody of another tenant', async () => {
      await using store = await open()
      await store.health.save([healthy, down(noon), failing])
      await store.health.save([{ ...down(noon + 5), failures: 8 }])
      await store.health.save([])

      expect(await store.health.find([mail])).toEqual([healthy])
      const found = await store.health.find([wiki, failing.appId, 'unknown' as AppId])
      expect(new Map(found.map((of) => [of.appId, of]))).toEqual(
        new Map([
          [wiki, { ...down(noon + 5), failures: 8 }],
          [failing.appId, failing],
        ]),
      )
      expect(await store.health.find([])).toEqual([])
      expect(await store.otherTenant.find([wiki])).toEqual([])
      expect(await store.otherTenant.list(10)).toEqual([])
      expect(await store.otherTenant.countUnhealthy()).toEqual({ failing: 0, down: 0 })
      expect(await store.otherTenant.probeNow(noon)).toBe(0)
    })

    test('is forgotten in a part that was closed again: a closed breaker leaves nothing behind', async () => {
      await using store = await open()
      await store.health.save([down(noon)])
      await store.health.save([{ ...healthy, appId: wiki }])
      expect(await store.health.find([wiki])).toEqual([{ ...healthy, appId: wiki }])
    })

    test('has its next probe sooner when something about the app has changed, and its waits begin anew', async () => {
      await using store = await open()
      await store.health.save([down(noon + hourMs), failing])
      expect(await store.otherTenant.probeSoon(wiki, noon)).toBe(false)
      expect(await store.health.probeSoon(wiki, noon + 5)).toBe(true)
      expect(await store.health.find([wiki])).toEqual([
        { ...down(noon), breaker: { probeAt: noon + 5, probes: 0 } },
      ])
      expect(await store.health.probeSoon(wiki, noon + 9)).toBe(true)
      expect((await store.health.find([wiki]))[0]?.breaker?.probeAt).toBe(noon + 5)
      // With its breaker closed there is nothing to wait less for.
      expect(await store.health.probeSoon(failing.appId, noon)).toBe(false)
      expect(await store.health.find([failing.appId])).toEqual([failing])
    })

    test('is rolled back with the booking that it came of', async () => {
      await using store = await open()
      const failure = store.transaction.run(async () => {
        await store.health.save([failing])
        throw new Error('the booking failed later')
      })
      await expect(failure).rejects.toThrow('the booking failed later')
      expect(await store.health.find([failing.appId])).toEqual([])
    })

    test('loses nothing when many learn of an app at once', async () => {
      await using store = await open()
      await store.health.save([failing])
      await Promise.all(
        Array.from({ length: 20 }, () =>
          store.transaction.run(async () => {
            const [known = failing] = await store.health.find([failing.appId])
            await store.health.save([{ ...known, failures: known.failures + 1 }])
          }),
        ),
      )
      expect(await store.health.find([failing.appId])).toMatchObject([{ failures: failing.failures + 20 }])
    })

    test('is counted by how bad it is, and listed with what waits for each app, counted no further than asked', async () => {
      await using store = await open()
      await store.health.save([healthy, down(noon), failing])
      const logout = aLogout()
      const told: LogoutDelivery = {
        ...aDelivery({ logoutId: logout.id }),
        progress: { state: 'delivered', settledAt: noon },
      }
      await store.logouts.insert(logout, [
        ...Array.from({ length: 5 }, () => aDelivery({ logoutId: logout.id })),
        aDelivery({ logoutId: logout.id, appId: mail }),
        told,
      ])

      expect(await store.health.countUnhealthy()).toEqual({ failing: 1, down: 1 })
      const pending = async (upTo: number) =>
        Object.fromEntries((await store.health.list(upTo)).map((of) => [of.reachability.appId, of.pending]))
      expect(await pending(100)).toEqual({ board: 0, mail: 1, wiki: 5 })
      expect(await pending(3)).toEqual({ board: 0, mail: 1, wiki: 3 })
      expect((await store.health.list(3)).map((of) => of.reachability)).toEqual([
        failing,
        healthy,
        down(noon),
      ])
    })
  })

  describe(`an open breaker (${name})`, () => {
    /** Ten that wait for the wiki, which is down until `probeAt`, and one for the mail. */
    const seeded = async (store: OpenHealthStore, probeAt: number) => {
      const logout = aLogout()
      const waiting = Array.from({ length: 10 }, (_, at) =>
        aDelivery({ logoutId: logout.id, progress: { dueAt: noon - 10 + at } }),
      )
      const other = aDelivery({ logoutId: logout.id, appId: mail })
      await store.logouts.insert(logout, [...waiting, other])
      await store.health.save([down(probeAt)])
      return { logout, waiting, other }
    }

    test('keeps what is due from being claimed, and nothing of other apps', async () => {
      await using store = await open()
      const { other } = await seeded(store, noon + 1)

      expect(await store.logouts.claim(claimAll)).toMatchObject([{ id: other.id }])
      expect(await store.logouts.claim(claimAll)).toEqual([])
    })

    test('keeps a queue that fills all that a claim looks at from hiding the others', async () => {
      await using store = await open()
      const logout = aLogout()
      const queue = Array.from({ length: 100 }, () =>
        aDelivery({ logoutId: logout.id, progress: { dueAt: noon - hourMs } }),
      )
      const others = ['a', 'x'].map((appId) => aDelivery({ logoutId: logout.id, appId: appId as AppId }))
      await store.logouts.insert(logout, [...queue, ...others])
      await store.health.save([down(noon + 1)])

      const claimed = await store.logouts.claim({ ...claimAll, limit: 8 })

      expect(claimed.map(({ appId }) => appId).sort()).toEqual(['a', 'x'])
    })

    test('lets one through when its time has come, and no second before that one is answered', async () => {
      await using store = await open()
      const { waiting, other } = await seeded(store, noon)

      const claims = await Promise.all(
        ['one', 'two', 'three'].map((node) => store.logouts.claim({ ...claimAll, node })),
      )

      expect(
        claims
          .flat()
          .map(({ id }) => id)
          .sort(),
      ).toEqual([waiting[0]?.id, other.id].sort())
      const later = noon + 14_999
      expect(await store.logouts.claim({ ...claimAll, now: later })).toEqual([])
      // The process that probed has died: its lease runs out, and somebody else probes.
      const again = { ...claimAll, now: noon + 15_000, leaseUntil: noon + 30_000 }
      expect((await store.logouts.claim(again)).filter(({ appId }) => appId === wiki)).toHaveLength(1)
    })

    test('probes with what was tried least, so that a delivery that an app chokes on is not all it is asked', async () => {
      await using store = await open()
      const logout = aLogout()
      const choking = Array.from({ length: 8 }, (_, at) =>
        aDelivery({ logoutId: logout.id, attempts: 9 + at, progress: { dueAt: noon - hourMs } }),
      )
      const fresh = aDelivery({ logoutId: logout.id })
      await store.logouts.insert(logout, [...choking, fresh])
      await store.health.save([down(noon)])

      expect(await store.logouts.claim(claimAll)).toMatchObject([{ id: fresh.id }])
    })

    test('takes no more than a part of each claim for probes, however many apps are down', async () => {
      await using store = await open()
      const logout = aLogout()
      const apps = Array.from({ length: 20 }, (_, at) => `down-${at}` as AppId)
      await store.logouts.insert(logout, [
        ...apps.map((appId) => aDelivery({ logoutId: logout.id, appId })),
        ...Array.from({ length: 20 }, (_, at) =>
          aDelivery({ logoutId: logout.id, appId: `up-${at}` as AppId }),
        ),
      ])
      await store.health.save(apps.map((appId) => ({ ...down(noon), appId })))

      const claimed = await store.logouts.claim({ ...claimAll, limit: 16 })

      expect(claimed.filter(({ appId }) => appId.startsWith('down'))).toHaveLength(4)
      expect(claimed.filter(({ appId }) => appId.startsWith('up'))).toHaveLength(12)
      expect(await store.logouts.claim({ ...claimAll, limit: 1 })).toHaveLength(1)
    })

    test('closed, lets everything go at once again', async () => {
      await using store = await open()
      await seeded(store, noon + hourMs)
      await store.health.save([{ ...healthy, appId: wiki }])
      expect(await store.logouts.claim(claimAll)).toHaveLength(5)
    })

    test('is looked at again when its probe is due, and when the time of what waits is over', async () => {
      await using store = await open()
      await seeded(store, noon + hourMs)
      await store.logouts.claim(claimAll)

      expect(await store.logouts.nextDueAfter(noon)).toBe(claimAll.leaseUntil)
      expect(await store.logouts.nextDueAfter(claimAll.leaseUntil)).toBe(noon + hourMs)
      expect(await store.logouts.nextDueAfter(noon + hourMs)).toBe(noon + 72 * hourMs)
      expect(await store.logouts.nextDueAfter(noon + 72 * hourMs)).toBeUndefined()
    })

    test('is looked at no more when nothing waits for the app', async () => {
      await using store = await open()
      await store.health.save([down(noon + hourMs)])
      expect(await store.logouts.nextDueAfter(noon)).toBeUndefined()
    })

    test('can be told to probe now: of one app, or of all', async () => {
      await using store = await open()
      await store.health.save([down(noon + hourMs), { ...down(noon + hourMs), appId: mail }, failing])

      expect(await store.health.probeNow(noon, failing.appId)).toBe(0)
      expect(await store.health.probeNow(noon, wiki)).toBe(1)
      expect(await store.health.find([wiki])).toEqual([down(noon)])
      expect(await store.health.probeNow(noon)).toBe(1)
      expect(await store.health.probeNow(noon)).toBe(0)
    })

    test('is the reason why what was never tried counts as waiting for its next attempt', async () => {
      await using store = await open()
      const { logout } = await seeded(store, noon)
      await store.logouts.claim(claimAll)
      const counts = await store.logouts.countDeliveries([logout.id])
      expect(counts.filter(({ answered }) => answered)).toMatchObject([{ state: 'pending', count: 9 }])
      expect(counts.filter(({ answered }) => !answered)).toMatchObject([
        { appId: 'mail', state: 'pending', count: 1 },
        { appId: 'wiki', state: 'pending', count: 1 },
      ])
    })

    test('does not hide what waits behind it from retry now', async () => {
      await using store = await open()
      const { waiting, other } = await seeded(store, noon + hourMs)
      const again = { now: noon, giveUpAt: noon + 73 * hourMs, limit: 100 }

      expect(await store.logouts.retryNow({ kind: 'all' }, again)).toBe(10)
      expect(await store.logouts.retryNow({ kind: 'all' }, again)).toBe(0)
      expect(await store.logouts.findDelivery(waiting[0]?.id ?? other.id)).toMatchObject({
        progress: { giveUpAt: again.giveUpAt },
      })
      expect(await store.logouts.findDelivery(other.id)).toEqual(other)
    })
  })

  describe(`bringing forward what waits for an app (${name})`, () => {
    test('means what was not answered: not what has a time of its own, what was refused, or what is being told', async () => {
      await using store = await open()
      const logout = aLogout()
      const of = (more: Parameters<typeof aDelivery>[0]) =>
        aDelivery({
          logoutId: logout.id,
          attempts: 3,
          ...more,
          progress: { dueAt: noon + 5, ...more?.progress },
        })
      const silent = [of({}), of({})]
      const others = [
        of({ attempts: 0 }),
        of({ progress: { refusals: 1, refusedSince: noon } }),
        of({ appId: mail }),
        of({ progress: { leaseBy: 'two' } }),
      ]
      await store.logouts.insert(logout, [...silent, ...others])

      expect(await store.logouts.hasten(wiki, { now: noon, limit: 1 })).toBe(1)
      expect(await store.logouts.hasten(wiki, { now: noon, limit: 9 })).toBe(1)
      expect(await store.logouts.hasten(wiki, { now: noon, limit: 9 })).toBe(0)

      for (const { id } of silent)
        expect(await store.logouts.findDelivery(id)).toMatchObject({ progress: { dueAt: noon } })
      for (const other of others) expect(await store.logouts.findDelivery(other.id)).toEqual(other)
    })
  })

  describe(`giving up what waits behind an open breaker (${name})`, () => {
    const over = { appId: wiki, reason: 'it could not be reached', now: noon, limit: 10 }

    test('settles what has no time left, with the reason, and its Logout', async () => {
      await using store = await open()
      const logout = aLogout()
      const delivery = aDelivery({ logoutId: logout.id, progress: { giveUpAt: noon } })
      await store.logouts.insert(logout, [delivery])
      await store.health.save([down(noon + hourMs)])
      expect(await store.health.overdue(noon - 1)).toEqual([])
      expect(await store.otherTenant.overdue(noon)).toEqual([])
      expect(await store.health.overdue(noon)).toEqual([down(noon + hourMs)])

      const abandoned = {
        ...delivery,
        progress: { state: 'abandoned', settledAt: noon, reason: over.reason },
      }
      expect(await store.logouts.abandonOverdue(over)).toEqual([abandoned])

      expect(await store.logouts.findDelivery(delivery.id)).toEqual(abandoned)
      expect(await store.logouts.find(logout.id)).toEqual({ ...logout, settledAt: noon })
      expect(await store.health.overdue(noon)).toEqual([])
    })

    test('leaves what has time left, what is being told, and other apps; and goes in steps', async () => {
      await using store = await open()
      const logout = aLogout()
      const ended = Array.from({ length: 3 }, () =>
        aDelivery({ logoutId: logout.id, progress: { giveUpAt: noon } }),
      )
      const others = [
        aDelivery({ logoutId: logout.id, progress: { giveUpAt: noon + 1 } }),
        aDelivery({ logoutId: logout.id, progress: { giveUpAt: noon, dueAt: noon + 9, leaseBy: 'two' } }),
        aDelivery({ logoutId: logout.id, appId: mail, progress: { giveUpAt: noon } }),
      ]
      await store.logouts.insert(logout, [...ended, ...others])

      expect(await store.logouts.abandonOverdue({ ...over, limit: 2 })).toHaveLength(2)
      expect(await store.logouts.abandonOverdue({ ...over, limit: 2 })).toHaveLength(1)
      expect(await store.logouts.abandonOverdue({ ...over, limit: 2 })).toEqual([])

      for (const other of others) expect(await store.logouts.findDelivery(other.id)).toEqual(other)
      expect(await store.logouts.find(logout.id)).toEqual(logout)
    })

    test('is for open breakers: what an app is still asked has its last try', async () => {
      await using store = await open()
      const logout = aLogout()
      await store.logouts.insert(logout, [
        aDelivery({ logoutId: logout.id, appId: failing.appId, progress: { giveUpAt: noon } }),
      ])
      await store.health.save([failing])
      expect(await store.health.overdue(noon)).toEqual([])
    })
  })
}
