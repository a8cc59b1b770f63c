import { describe, expect, test } from 'vitest'
import type { LogoutId } from '#gateway/kernel/ids.ts'
import type { LogoutDelivery } from '#gateway/logout/delivery.ts'
import type { LogoutPageFilter } from '#gateway/logout/store.ts'
import { aDelivery, ada, aLogout, mail, noon, wiki } from '#test/logout/builders.ts'
import { bob } from '#test/sessions/builders.ts'
import type { OpenLogoutStore } from './logout-store.ts'

const idOf = (name: string) => `lgo_${name}` as LogoutId

/** A Logout of that name with what it owes: to each app named, pending or told. */
async function add(
  { logouts }: OpenLogoutStore,
  name: string,
  at: number,
  owed: readonly (typeof wiki)[] = [],
  more: Parameters<typeof aLogout>[0] = {},
): Promise<void> {
  const id = idOf(name)
  const settled = more.settledAt !== undefined
  const deliveries = owed.map((appId): LogoutDelivery => {
    const delivery = aDelivery({ logoutId: id, appId })
    return settled ? { ...delivery, progress: { state: 'delivered', settledAt: at } } : delivery
  })
  await logouts.insert(aLogout({ id, startedAt: at, ...more }), deliveries)
}

async function pages({ logouts }: OpenLogoutStore, filter: LogoutPageFilter): Promise<string[][]> {
  const found: string[][] = []
  for (let before = filter.before; ; ) {
    const { items, next } = await logouts.page({ ...filter, ...(before === undefined ? {} : { before }) })
    found.push(items.map(({ id }) => id.slice(4)))
    if (next === undefined) return found
    before = next
  }
}

/** What every store of Logouts does when all of them are gone through. `open` gives an empty one. */
export function describeLogoutPages(name: string, open: () => Promise<OpenLogoutStore>): void {
  describe(`pages of Logouts (${name})`, () => {
    test('hold each Logout once, the newest first, also where several began in one instant', async () => {
      await using store = await open()
      for (const each of ['a', 'b', 'c']) await add(store, each, noon)
      await add(store, 'new', noon + 1)
      expect(await pages(store, { limit: 3 })).toEqual([['new', 'c', 'b'], ['a']])
      expect(await pages(store, { limit: 4 })).toEqual([['new', 'c', 'b', 'a']])
      expect(await store.otherTenant.page({ limit: 5 })).toEqual({ items: [] })
    })

    test.for<[string, Omit<LogoutPageFilter, 'limit'>, readonly string[]]>([
      ['an account', { accountId: bob }, ['bobs']],
      ['an app', { appId: wiki }, ['bobs', 'both', 'told']],
      ['another app', { appId: mail }, ['both']],
      ['what still waits', { unsettled: true }, ['bobs', 'both']],
      ['what has settled', { unsettled: false }, ['told', 'alone']],
      ['an app of an account', { accountId: ada, appId: wiki }, ['both', 'told']],
      ['what has settled of an app', { unsettled: false, appId: wiki }, ['told']],
      ['what still waits of an account', { unsettled: true, accountId: ada }, ['both']],
    ])('hold only what was asked for: %s', async ([, filter, wanted]) => {
      await using store = await open()
      await add(store, 'alone', noon, [], { settledAt: noon })
      await add(store, 'told', noon + 1, [wiki], { settledAt: noon + 1 })
      await add(store, 'both', noon + 2, [wiki, wiki, mail])
      await add(store, 'bobs', noon + 3, [wiki], { accountId: bob })
      expect((await pages(store, { ...filter, limit: 1 })).flat()).toEqual(wanted)
      expect((await pages(store, { ...filter, limit: 200 })).flat()).toEqual(wanted)
    })

    test('come with how many deliveries to each app stand how, those under way apart from those asked before', async () => {
      await using store = await open()
      await add(store, 'told', noon, [wiki, mail], { settledAt: noon })
      await add(store, 'both', noon, [wiki, mail])
      const logoutId = idOf('both')
      await store.logouts.claim({ node: 'one', now: noon, leaseUntil: noon + 1, limit: 1, perApp: 1 })
      await store.logouts.insert(aLogout({ id: logoutId, startedAt: noon }), [
        aDelivery({ logoutId, attempts: 2 }),
      ])
      const counts = await store.logouts.countDeliveries([idOf('told'), logoutId, idOf('unknown')])
      expect(counts.toSorted((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1))).toEqual([
        { logoutId, appId: mail, state: 'pending', answered: false, count: 1 },
        { logoutId, appId: wiki, state: 'pending', answered: false, count: 1 },
        { logoutId, appId: wiki, state: 'pending', answered: true, count: 1 },
        { logoutId: idOf('told'), appId: mail, state: 'delivered', answered: false, count: 1 },
        { logoutId: idOf('told'), appId: wiki, state: 'delivered', answered: false, count: 1 },
      ])
      expect(await store.logouts.countDeliveries([])).toEqual([])
      expect(await store.otherTenant.countDeliveries([logoutId])).toEqual([])
    })
  })
}
