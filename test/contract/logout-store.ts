import { describe, expect, test } from 'vitest'
import { hourMs, minuteMs } from '#gateway/kernel/clock.ts'
import type { AppId, LogoutId } from '#gateway/kernel/ids.ts'
import type { Transaction } from '#gateway/kernel/transaction.ts'
import type { DeliveryAttempt, LogoutDelivery, PendingDelivery, Progress } from '#gateway/logout/delivery.ts'
import type { BookedAttempt, LogoutStore } from '#gateway/logout/store.ts'
import { aDelivery, ada, aLogout, mail, noon, unknownDelivery, wiki } from '#test/logout/builders.ts'

export interface OpenLogoutStore extends AsyncDisposable {
  readonly logouts: LogoutStore
  /** The same database as another tenant sees it. */
  readonly otherTenant: LogoutStore
  readonly transaction: Transaction
}

const until = noon + 15_000
const claimAll = { node: 'one', now: noon, leaseUntil: until, limit: 64, perApp: 4 }

/** What every store of Logouts does. `open` gives an empty one. */
export function describeLogoutStore(name: string, open: () => Promise<OpenLogoutStore>): void {
  describe(`a store of Logouts (${name})`, () => {
    test('gives back a Logout and all that it owes', async () => {
      await using store = await open()
      const logout = aLogout({
        cause: 'admin',
        actor: { kind: 'command-line' },
        ssoSessions: 2,
        appSessions: 4,
      })
      const pending = aDelivery({ logoutId: logout.id, appId: mail, mayLastUntil: noon + hourMs })
      const untellable: LogoutDelivery = {
        ...aDelivery({ logoutId: logout.id, channel: 'none' }),
        progress: { state: 'untellable', settledAt: noon, reason: 'it offers no way to tell it' },
      }
      await store.logouts.insert(logout, [pending, untellable])

      expect(await store.logouts.find(logout.id)).toEqual(logout)
      expect(await store.logouts.deliveriesOf([logout.id])).toEqual([pending, untellable])
      expect(await store.logouts.findDelivery(pending.id)).toEqual(pending)
      expect(await store.logouts.attemptsOf([pending.id])).toEqual([])
    })

    test('knows nothing under an id that nobody has', async () => {
      await using store = await open()
      expect(await store.logouts.find('lgo_unknown' as LogoutId)).toBeUndefined()
      expect(await store.logouts.findDelivery(unknownDelivery)).toBeUndefined()
      expect(await store.logouts.deliveriesOf([])).toEqual([])
      expect(await store.logouts.attemptsOf([])).toEqual([])
      expect(await store.logouts.nextDueAfter(0)).toBeUndefined()
      expect(await store.logouts.countPending(10)).toBe(0)
      expect(await store.logouts.claim(claimAll)).toEqual([])
    })

    test('gives the deliveries of one Logout in the order of their ids, page by page', async () => {
      await using store = await open()
      const logout = aLogout()
      const other = aLogout()
      const owed = Array.from({ length: 5 }, () => aDelivery({ logoutId: logout.id }))
      await store.logouts.insert(logout, owed)
      await store.logouts.insert(other, [aDelivery({ logoutId: other.id })])
      const ordered = owed.toSorted((a, b) => (a.id < b.id ? -1 : 1))

      const first = await store.logouts.deliveriesAfter(logout.id, undefined, 2)
      expect(first).toEqual(ordered.slice(0, 2))
      expect(await store.logouts.deliveriesAfter(logout.id, first[1]?.id, 10)).toEqual(ordered.slice(2))
      expect(await store.logouts.deliveriesAfter(logout.id, ordered[4]?.id, 10)).toEqual([])
      expect(await store.otherTenant.deliveriesAfter(logout.id, undefined, 10)).toEqual([])
    })

    test('counts what is pending, and no further than it is asked to', async () => {
      await using store = await open()
      const logout = aLogout()
      const [first, second, third] = [0, 1, 2].map(() => aDelivery({ logoutId: logout.id }))
      if (first === undefined || second === undefined || third === undefined)
        throw new Error('three were made')
      const settled: LogoutDelivery = { ...third, progress: { state: 'delivered', settledAt: noon } }
      await store.logouts.insert(logout, [first, second, settled])
      expect(await store.logouts.countPending(100)).toBe(2)
      expect(await store.logouts.countPending(1)).toBe(1)
      expect(await store.otherTenant.countPending(100)).toBe(0)
    })

    test('gives what is owed and not confirmed, no more than it is asked for', async () => {
      await using store = await open()
      const logout = aLogout()
      const [told, refused, waiting] = [0, 1, 2].map(() => aDelivery({ logoutId: logout.id }))
      if (told === undefined || refused === undefined || waiting === undefined)
        throw new Error('three were made')
      const settled = { settledAt: noon, reason: 'it answered 404' }
      await store.logouts.insert(logout, [
        { ...told, progress: { state: 'delivered', settledAt: noon } },
        { ...refused, progress: { state: 'refused', ...settled } },
        waiting,
      ])
      const ids = (await store.logouts.unconfirmedOf(logout.id, 10)).map(({ id }) => id)
      expect(ids.toSorted()).toEqual([refused.id, waiting.id].toSorted())
      expect(await store.logouts.unconfirmedOf(logout.id, 1)).toHaveLength(1)
      expect(await store.otherTenant.unconfirmedOf(logout.id, 10)).toEqual([])
    })

    test('rolls a Logout back with the transaction that ended the sessions', async () => {
      await using store = await open()
      const logout = aLogout()
      const failure = store.transaction.run(async () => {
        await store.logouts.insert(logout, [aDelivery({ logoutId: logout.id })])
        throw new Error('the command failed later')
      })
      await expect(failure).rejects.toThrow('the command failed later')
      expect(await store.logouts.find(logout.id)).toBeUndefined()
      expect(await store.logouts.claim(claimAll)).toEqual([])
    })

    test('adds to a Logout that is inserted again, and opens it for what is new', async () => {
      await using store = await open()
      const settled = aLogout({ settledAt: noon, ssoSessions: 200, appSessions: 0 })
      await store.logouts.insert(settled, [])
      await store.logouts.insert({ ...settled, ssoSessions: 3 }, [])
      expect(await store.logouts.find(settled.id)).toEqual({ ...settled, ssoSessions: 203 })

      const { settledAt: _, ...open_ } = settled
      await store.logouts.insert({ ...open_, ssoSessions: 1, appSessions: 1 }, [
        aDelivery({ logoutId: settled.id }),
      ])
      expect(await store.logouts.find(settled.id)).toEqual({ ...open_, ssoSessions: 204, appSessions: 1 })
    })

    test('sees nothing of another tenant', async () => {
      await using store = await open()
      const logout = aLogout()
      const delivery = aDelivery({ logoutId: logout.id })
      await store.otherTenant.insert(logout, [delivery])

      expect(await store.logouts.find(logout.id)).toBeUndefined()
      expect(await store.logouts.list({ limit: 10 })).toEqual([])
      expect(await store.logouts.claim(claimAll)).toEqual([])
      expect(await store.logouts.nextDueAfter(0)).toBeUndefined()
      expect(await store.logouts.retryNow({ kind: 'all' }, { now: 0, giveUpAt: until, limit: 9 })).toBe(0)
      expect(await store.otherTenant.claim(claimAll)).toHaveLength(1)
    })
  })

  describe(`claiming deliveries (${name})`, () => {
    test('leases what is due, counts the attempt, and leaves what is not due yet', async () => {
      await using store = await open()
      const logout = aLogout()
      const due = aDelivery({ logoutId: logout.id })
      const later = aDelivery({ logoutId: logout.id, appId: mail, progress: { dueAt: noon + 1 } })
      await store.logouts.insert(logout, [due, later])

      const claimed = await store.logouts.claim(claimAll)

      expect(claimed).toEqual([
        { ...due, attempts: 1, progress: { ...due.progress, dueAt: until, leaseBy: 'one' } },
      ])
      expect(await store.logouts.findDelivery(due.id)).toEqual(claimed[0])
      expect(await store.logouts.findDelivery(later.id)).toEqual(later)
    })

    test('gives each delivery to one of many who claim at once', async () => {
      await using store = await open()
      const logout = aLogout()
      const apps = Array.from({ length: 30 }, (_, at) => `app-${at}` as AppId)
      await store.logouts.insert(
        logout,
        apps.map((appId) => aDelivery({ logoutId: logout.id, appId })),
      )

      const claims = await Promise.all(
        ['one', 'two', 'three', 'four'].map((node) => store.logouts.claim({ ...claimAll, node, limit: 20 })),
      )

      const ids = claims.flat().map(({ id }) => id)
      expect(ids).toHaveLength(30)
      expect(new Set(ids).size).toBe(30)
    })

    test('holds a lease until it runs out, and then gives the delivery to whoever asks', async () => {
      await using store = await open()
      const logout = aLogout()
      await store.logouts.insert(logout, [aDelivery({ logoutId: logout.id })])
      await store.logouts.claim(claimAll)

      expect(await store.logouts.claim({ ...claimAll, node: 'two', now: until - 1 })).toEqual([])
      expect(await store.logouts.nextDueAfter(noon)).toBe(until)
      const taken = await store.logouts.claim({
        ...claimAll,
        node: 'two',
        now: until,
        leaseUntil: until + 15_000,
      })
      expect(taken).toMatchObject([{ attempts: 2, progress: { leaseBy: 'two' } }])
    })

    test('keeps a lease that is renewed, and not one that was lost meanwhile', async () => {
      await using store = await open()
      const logout = aLogout()
      await store.logouts.insert(logout, [aDelivery({ logoutId: logout.id })])
      const first = await store.logouts.claim(claimAll)
      await store.logouts.renew(first, until + 10_000)
      expect(await store.logouts.claim({ ...claimAll, node: 'two', now: until })).toEqual([])

      const lost = await store.logouts.claim({
        ...claimAll,
        node: 'two',
        now: until + 10_000,
        leaseUntil: until + 20_000,
      })
      await store.logouts.renew(first, until + 99_000)
      expect(await store.logouts.findDelivery(lost[0]?.id ?? unknownDelivery)).toEqual(lost[0])
    })

    test('takes back a lease that is released, for the next to have at once', async () => {
      await using store = await open()
      const logout = aLogout()
      await store.logouts.insert(logout, [aDelivery({ logoutId: logout.id })])
      await store.logouts.release(await store.logouts.claim(claimAll), noon)

      expect(await store.logouts.claim({ ...claimAll, node: 'two' })).toMatchObject([
        { attempts: 2, progress: { leaseBy: 'two' } },
      ])
    })

    test('has at most so many of one app under lease, whoever holds them', async () => {
      await using store = await open()
      const logout = aLogout()
      await store.logouts.insert(
        logout,
        Array.from({ length: 10 }, () => aDelivery({ logoutId: logout.id })),
      )

      expect(await store.logouts.claim({ ...claimAll, perApp: 3 })).toHaveLength(3)
      expect(await store.logouts.claim({ ...claimAll, node: 'two', perApp: 4 })).toHaveLength(1)
      expect(await store.logouts.claim({ ...claimAll, node: 'two', perApp: 4 })).toHaveLength(0)
    })

    test('lets apps take turns: the queue of one, however long and old, keeps no other waiting', async () => {
      await using store = await open()
      const logout = aLogout()
      const tarpit = Array.from({ length: 300 }, () =>
        aDelivery({ logoutId: logout.id, progress: { dueAt: noon - hourMs } }),
      )
      const others = Array.from({ length: 6 }, (_, at) =>
        aDelivery({ logoutId: logout.id, appId: `app-${at}` as AppId }),
      )
      await store.logouts.insert(logout, [...tarpit, ...others])

      const claimed = await store.logouts.claim({ ...claimAll, limit: 16 })

      expect(claimed.map(({ appId }) => appId).sort()).toEqual([
        ...others.map(({ appId }) => appId),
        ...[wiki, wiki, wiki, wiki],
      ])
    })

    test('gives the first turn of every app before the second of any', async () => {
      await using store = await open()
      const logout = aLogout()
      const apps = Array.from({ length: 5 }, (_, at) => `app-${at}` as AppId)
      const queues = apps.flatMap((appId, at) =>
        Array.from({ length: 4 }, () =>
          aDelivery({ logoutId: logout.id, appId, progress: { dueAt: noon - at } }),
        ),
      )
      await store.logouts.insert(logout, queues)

      const claimed = await store.logouts.claim({ ...claimAll, limit: 5 })

      expect(claimed.map(({ appId }) => appId).sort()).toEqual(apps)
    })

    test('lets an app with fresh news not wait until older queues are through, however many apps have one', async () => {
      await using store = await open()
      const logout = aLogout()
      const queues = Array.from({ length: 300 }, (_, at) =>
        aDelivery({
          logoutId: logout.id,
          appId: `app-${at % 30}` as AppId,
          progress: { dueAt: noon - hourMs + at },
        }),
      )
      const fresh = aDelivery({ logoutId: logout.id, appId: 'zoo' as AppId })
      await store.logouts.insert(logout, [...queues, fresh])

      const claimed = await store.logouts.claim({ ...claimAll, limit: 8 })

      expect(claimed).toHaveLength(8)
      expect(claimed.map(({ id }) => id)).toContain(fresh.id)
      // And those that have waited longest are among them too.
      expect(claimed.map(({ id }) => id)).toContain(queues[0]?.id)
    })

    test('takes the oldest of an app first', async () => {
      await using store = await open()
      const logout = aLogout()
      const [newer, older] = [
        aDelivery({ logoutId: logout.id }),
        aDelivery({ logoutId: logout.id, progress: { dueAt: noon - 1 } }),
      ]
      await store.logouts.insert(logout, [newer, older])

      expect(await store.logouts.claim({ ...claimAll, limit: 1 })).toMatchObject([{ id: older.id }])
    })
  })

  describe(`booking what apps answered (${name})`, () => {
    test('writes the state and the attempt, and settles the Logout with its last delivery', async () => {
      await using store = await open()
      const logout = aLogout()
      const [one, two] = [aDelivery({ logoutId: logout.id }), aDelivery({ logoutId: logout.id, appId: mail })]
      await store.logouts.insert(logout, [one, two])
      const claimed = await store.logouts.claim(claimAll)
      const toWiki = claimed.find(({ id }) => id === one.id) ?? one
      const toMail = claimed.find(({ id }) => id === two.id) ?? two

      const again: Progress = { ...two.progress, dueAt: noon + 500, refusals: 1, refusedSince: noon }
      const booked = await store.logouts.book(
        [
          booking(toWiki, delivered(noon + 5)),
          booking(toMail, again, { outcome: 'refused', status: 400, error: 'bad' }),
        ],
        noon + 5,
      )

      expect(booked.map(({ progress }) => progress)).toEqual([delivered(noon + 5), again])
      expect(await store.logouts.findDelivery(one.id)).toEqual({
        ...one,
        attempts: 1,
        progress: delivered(noon + 5),
      })
      expect(await store.logouts.findDelivery(two.id)).toEqual({ ...two, attempts: 1, progress: again })
      expect(await store.logouts.attemptsOf([one.id])).toEqual([
        {
          deliveryId: one.id,
          number: 1,
          startedAt: noon,
          durationMs: 7,
          outcome: 'acknowledged',
          status: 200,
        },
      ])
      expect(await store.logouts.attemptsOf([two.id])).toMatchObject([
        { deliveryId: two.id, number: 1, outcome: 'refused', status: 400, error: 'bad' },
      ])
      expect(await store.logouts.find(logout.id)).toEqual(logout)

      const last = await store.logouts.claim({ ...claimAll, now: noon + 500 })
      await store.logouts.book(
        last.map((delivery) => booking(delivery, delivered(noon + 600))),
        noon + 600,
      )
      expect(await store.logouts.find(logout.id)).toEqual({ ...logout, settledAt: noon + 600 })
      expect(await store.logouts.nextDueAfter(0)).toBeUndefined()
    })

    test('keeps the reason of whatever ended otherwise than delivered', async () => {
      await using store = await open()
      const logout = aLogout()
      const delivery = aDelivery({ logoutId: logout.id })
      await store.logouts.insert(logout, [delivery])
      const refused: Progress = { state: 'refused', settledAt: noon + 5, reason: 'it answered 404' }
      const claimed = await store.logouts.claim(claimAll)
      await store.logouts.book(
        claimed.map((of) => booking(of, refused)),
        noon + 5,
      )

      expect(await store.logouts.findDelivery(delivery.id)).toMatchObject({ progress: refused })
    })

    test('settles a Logout whose last two deliveries are booked at the same time', async () => {
      await using store = await open()
      const logout = aLogout()
      await store.logouts.insert(logout, [
        aDelivery({ logoutId: logout.id }),
        aDelivery({ logoutId: logout.id, appId: mail }),
      ])
      const claimed = await store.logouts.claim(claimAll)

      await Promise.all(claimed.map((of) => store.logouts.book([booking(of, delivered(noon + 1))], noon + 1)))

      expect(await store.logouts.find(logout.id)).toEqual({ ...logout, settledAt: noon + 1 })
    })

    test('leaves alone what another has claimed since', async () => {
      await using store = await open()
      const logout = aLogout()
      await store.logouts.insert(logout, [aDelivery({ logoutId: logout.id })])
      const [stale] = await store.logouts.claim(claimAll)
      const [current] = await store.logouts.claim({
        ...claimAll,
        node: 'two',
        now: until,
        leaseUntil: until + 15_000,
      })
      if (stale === undefined || current === undefined) throw new Error('nothing was claimed')

      const abandoned: Progress = {
        state: 'abandoned',
        settledAt: until,
        reason: 'it did not answer in time',
      }
      expect(await store.logouts.book([booking(stale, abandoned)], until)).toEqual([])
      expect(await store.logouts.findDelivery(stale.id)).toEqual(current)
      expect(await store.logouts.attemptsOf([stale.id])).toEqual([])

      expect(await store.logouts.book([booking(current, delivered(until))], until)).toHaveLength(1)
      expect(await store.logouts.book([booking(stale, abandoned)], until)).toEqual([])
      expect(await store.logouts.findDelivery(stale.id)).toMatchObject({ progress: { state: 'delivered' } })
    })

    test('leaves alone what the same process has claimed again since', async () => {
      await using store = await open()
      const logout = aLogout()
      await store.logouts.insert(logout, [aDelivery({ logoutId: logout.id })])
      const [stale] = await store.logouts.claim(claimAll)
      await store.logouts.claim({ ...claimAll, now: until, leaseUntil: until + 15_000 })

      expect(
        await store.logouts.book(stale === undefined ? [] : [booking(stale, delivered(until))], until),
      ).toEqual([])
    })

    test('books an attempt that never left without a record of it', async () => {
      await using store = await open()
      const logout = aLogout()
      const delivery = aDelivery({ logoutId: logout.id })
      await store.logouts.insert(logout, [delivery])
      const [claimed] = await store.logouts.claim(claimAll)
      if (claimed === undefined) throw new Error('nothing was claimed')
      const untellable: Progress = {
        state: 'untellable',
        settledAt: noon,
        reason: 'it offers no way to tell it',
      }
      await store.logouts.book([{ claimed, next: { ...claimed, progress: untellable } }], noon)

      expect(await store.logouts.attemptsOf([delivery.id])).toEqual([])
      expect(await store.logouts.findDelivery(delivery.id)).toMatchObject({ progress: untellable })
    })
  })

  describe(`asking again by hand (${name})`, () => {
    const again = { now: noon + minuteMs, giveUpAt: noon + minuteMs + 72 * hourMs, limit: 100 }

    const seeded = async (store: OpenLogoutStore) => {
      const logout = aLogout({ settledAt: noon + 1 })
      const settledAs = (state: 'refused' | 'abandoned' | 'untellable', appId = wiki): LogoutDelivery => ({
        ...aDelivery({ logoutId: logout.id, appId }),
        progress: { state, settledAt: noon + 1, reason: 'because' },
      })
      const deliveries = {
        waiting: aDelivery({
          logoutId: logout.id,
          attempts: 9,
          progress: { dueAt: noon + hourMs, refusals: 2, refusedSince: noon },
        }),
        refused: settledAs('refused'),
        abandoned: settledAs('abandoned', mail),
        untellable: settledAs('untellable'),
        delivered: { ...aDelivery({ logoutId: logout.id }), progress: delivered(noon + 1) },
      }
      await store.logouts.insert(logout, Object.values(deliveries))
      return { logout, ...deliveries }
    }

    test('makes everything that was not told due now, with the whole time to go, and opens its Logout again', async () => {
      await using store = await open()
      const { logout, ...was } = await seeded(store)

      expect(await store.logouts.retryNow({ kind: 'all' }, again)).toBe(3)

      const fresh: Progress = { state: 'pending', dueAt: again.now, giveUpAt: again.giveUpAt, refusals: 0 }
      for (const { id } of [was.waiting, was.refused, was.abandoned]) {
        expect(await store.logouts.findDelivery(id)).toMatchObject({ progress: fresh })
      }
      expect(await store.logouts.findDelivery(was.delivered.id)).toEqual(was.delivered)
      expect(await store.logouts.findDelivery(was.untellable.id)).toEqual(was.untellable)
      expect((await store.logouts.find(logout.id))?.settledAt).toBeUndefined()
      expect(await store.logouts.retryNow({ kind: 'all' }, again)).toBe(0)
    })

    test('keeps to one app, or to one delivery', async () => {
      await using store = await open()
      const { refused } = await seeded(store)

      expect(await store.logouts.retryNow({ kind: 'delivery', id: refused.id }, again)).toBe(1)
      expect(await store.logouts.retryNow({ kind: 'app', appId: mail }, again)).toBe(1)
      expect(await store.logouts.retryNow({ kind: 'app', appId: wiki }, again)).toBe(1)
    })

    test('keeps to one Logout', async () => {
      await using store = await open()
      const { logout, waiting } = await seeded(store)
      const another = aLogout()
      const untouched = aDelivery({ logoutId: another.id, progress: { dueAt: noon + hourMs } })
      await store.logouts.insert(another, [untouched])

      expect(await store.logouts.retryNow({ kind: 'logout', id: logout.id }, again)).toBe(3)
      expect(await store.logouts.findDelivery(waiting.id)).toMatchObject({ progress: { dueAt: again.now } })
      expect(await store.logouts.findDelivery(untouched.id)).toEqual(untouched)
    })

    test('goes in steps of its limit', async () => {
      await using store = await open()
      await seeded(store)
      expect(await store.logouts.retryNow({ kind: 'all' }, { ...again, limit: 2 })).toBe(2)
      expect(await store.logouts.retryNow({ kind: 'all' }, { ...again, limit: 2 })).toBe(1)
    })

    test('leaves an attempt under way to whoever makes it', async () => {
      await using store = await open()
      const logout = aLogout()
      await store.logouts.insert(logout, [aDelivery({ logoutId: logout.id })])
      const [claimed] = await store.logouts.claim(claimAll)
      expect(await store.logouts.retryNow({ kind: 'all' }, { ...again, now: noon })).toBe(0)
      expect(await store.logouts.findDelivery(claimed?.id ?? unknownDelivery)).toEqual(claimed)
    })
  })

  describe(`listing and forgetting Logouts (${name})`, () => {
    test('lists the newest first, page by page, also those of the same instant', async () => {
      await using store = await open()
      const all = [0, 1, 1, 1, 2].map((after) => aLogout({ startedAt: noon + after }))
      for (const logout of all) await store.logouts.insert(logout, [])
      const expected = [...all]
        .sort((a, b) => b.startedAt - a.startedAt || (a.id < b.id ? 1 : -1))
        .map(({ id }) => id)

      const first = await store.logouts.list({ limit: 2 })
      const last = first.at(-1)
      const rest = await store.logouts.list({ limit: 10, ...(last === undefined ? {} : { before: last }) })

      expect([...first, ...rest].map(({ id }) => id)).toEqual(expected)
    })

    test('lists those of an account, or those that wait for an app', async () => {
      await using store = await open()
      const { accountId: _, ...ofMany } = aLogout({ settledAt: noon })
      const open_ = aLogout()
      await store.logouts.insert(ofMany, [])
      await store.logouts.insert(open_, [aDelivery({ logoutId: open_.id })])

      expect(await store.logouts.list({ limit: 10, accountId: ada })).toEqual([open_])
      expect(await store.logouts.list({ limit: 10, unsettled: true })).toEqual([open_])
      expect(await store.logouts.list({ limit: 10 })).toHaveLength(2)
    })

    test('deletes what settled long ago with all that belongs to it, a few at a time, and nothing else', async () => {
      await using store = await open()
      const told = aLogout()
      await store.logouts.insert(told, [aDelivery({ logoutId: told.id })])
      const claimed = await store.logouts.claim(claimAll)
      await store.logouts.book(
        claimed.map((of) => booking(of, delivered(noon))),
        noon,
      )
      const [old, recent, waiting] = [
        aLogout({ settledAt: noon + 1 }),
        aLogout({ settledAt: noon + hourMs }),
        aLogout(),
      ]
      await store.logouts.insert(old, [])
      await store.logouts.insert(recent, [])
      await store.logouts.insert(waiting, [aDelivery({ logoutId: waiting.id })])

      expect(await store.logouts.deleteSettled(noon + minuteMs, 1)).toBe(1)
      expect(await store.logouts.find(told.id)).toBeUndefined()
      expect(await store.logouts.attemptsOf(claimed.map(({ id }) => id))).toEqual([])
      expect(await store.logouts.deliveriesOf([told.id])).toEqual([])
      expect(await store.logouts.deleteSettled(noon + minuteMs, 100)).toBe(1)
      expect(await store.logouts.deleteSettled(noon + minuteMs, 100)).toBe(0)
      expect((await store.logouts.list({ limit: 10 })).map(({ id }) => id).sort()).toEqual(
        [recent.id, waiting.id].sort(),
      )
      expect(await store.logouts.deliveriesOf([waiting.id])).toHaveLength(1)
    })

    test('takes a large Logout in parts, so that nobody waits for all of it, and the Logout itself last', async () => {
      await using store = await open()
      const large = aLogout({ settledAt: noon })
      const owed = Array.from({ length: 1_001 }, () =>
        aDelivery({ logoutId: large.id, progress: delivered(noon) as never }),
      )
      await store.logouts.insert(large, owed)

      expect(await store.logouts.deleteSettled(noon + 1, 7)).toBe(7)
      expect(await store.logouts.find(large.id)).toEqual(large)
      expect(await store.logouts.deliveriesOf([large.id])).toHaveLength(1)

      expect(await store.logouts.deleteSettled(noon + 1, 7)).toBe(1)
      expect(await store.logouts.find(large.id)).toBeUndefined()
      expect(await store.logouts.deliveriesOf([large.id])).toEqual([])
    })
  })
}

function delivered(settledAt: number): Progress {
  return { state: 'delivered', settledAt }
}

function booking(
  claimed: PendingDelivery,
  progress: Progress,
  attempt: Partial<DeliveryAttempt> = { outcome: 'acknowledged', status: 200 },
): BookedAttempt {
  return {
    claimed,
    next: { ...claimed, progress },
    attempt: {
      deliveryId: claimed.id,
      number: claimed.attempts,
      startedAt: noon,
      durationMs: 7,
      outcome: 'acknowledged',
      ...attempt,
    },
  }
}
