import { describe, expect, test } from 'vitest'
import type { SessionPageFilter } from '#gateway/sessions/store.ts'
import { anAppSession, bob, noon, wiki } from '#test/sessions/builders.ts'
import { begin, end, type OpenSessionStore, type OpensSessionStore } from './session-store.ts'

/** The ids of each page in turn, to the end of the list. */
async function pages({ sessions }: OpenSessionStore, filter: SessionPageFilter): Promise<string[][]> {
  const found: string[][] = []
  for (let before = filter.before; ; ) {
    const { items, next } = await sessions.page({ ...filter, ...(before === undefined ? {} : { before }) })
    found.push(items.map(({ id }) => id.slice(4)))
    if (next === undefined) return found
    before = next
  }
}

/** What every store of sessions does when all of them are gone through. `open` gives an empty one. */
export function describeSessionPages(name: string, open: OpensSessionStore): void {
  describe(`pages of sessions (${name})`, () => {
    test('hold each session once, the newest first, also where several began in one instant', async () => {
      await using store = await open()
      await begin(store, 'a')
      await begin(store, 'b')
      await begin(store, 'c')
      await begin(store, 'old', { startedAt: noon - 1 })
      await begin(store, 'new', { startedAt: noon + 1 })
      expect(await pages(store, { limit: 2 })).toEqual([['new', 'c'], ['b', 'a'], ['old']])
      expect(await pages(store, { limit: 5 })).toEqual([['new', 'c', 'b', 'a', 'old']])
      expect(await store.otherTenant.page({ limit: 5 })).toEqual({ items: [] })
    })

    test('go on where they stopped, whatever began or ended meanwhile', async () => {
      await using store = await open()
      for (const [at, each] of ['a', 'b', 'c'].entries()) await begin(store, each, { startedAt: noon + at })
      const first = await store.sessions.page({ limit: 2 })
      await begin(store, 'd', { startedAt: noon + 9 })
      await end(store, 'b')
      const second = await store.sessions.page({ limit: 2, ...(first.next && { before: first.next }) })
      expect(second.items.map(({ id }) => id)).toEqual(['ses_a'])
      expect(second.next).toBeUndefined()
    })

    test.for<[string, Omit<SessionPageFilter, 'limit'>, readonly string[]]>([
      ['an account', { accountId: bob }, ['bobs']],
      ['an address', { address: '2001:db8::7' }, ['there']],
      ['an app, open or not any more', { appId: wiki }, ['there', 'here']],
      ['what is active', { state: 'active' }, ['there', 'here']],
      ['what has ended', { state: 'ended' }, ['bobs', 'ended']],
      ['an account at an address', { accountId: bob, address: '192.0.2.7' }, ['bobs']],
      ['an app at an address', { appId: wiki, address: '192.0.2.7' }, ['here']],
      ['an app of an account', { appId: wiki, accountId: bob }, []],
      ['what is active at an address', { state: 'active', address: '192.0.2.7' }, ['here']],
      ['what has ended of an account', { state: 'ended', accountId: bob }, ['bobs']],
    ])('hold only what was asked for: %s', async ([, filter, wanted]) => {
      await using store = await open()
      await begin(store, 'ended', { startedAt: noon })
      await begin(store, 'here', { startedAt: noon + 1 })
      await begin(store, 'bobs', { startedAt: noon + 2, accountId: bob })
      await begin(store, 'there', { startedAt: noon + 3, address: '2001:db8::7' })
      await store.sessions.join(anAppSession('wiki', 'here'), undefined)
      await store.sessions.join(anAppSession('wiki', 'there'), undefined)
      await store.sessions.join(anAppSession('board', 'ended'), undefined)
      await end(store, 'ended')
      await end(store, 'bobs')
      expect((await pages(store, { ...filter, limit: 1 })).flat()).toEqual(wanted)
      expect((await pages(store, { ...filter, limit: 200 })).flat()).toEqual(wanted)
    })

    test('come with how many app sessions each has had, and how many are open', async () => {
      await using store = await open()
      const [here, there, alone] = [
        await begin(store, 'here'),
        await begin(store, 'there'),
        await begin(store, 'alone'),
      ]
      await store.sessions.join(anAppSession('wiki', 'here'), undefined)
      await store.sessions.join(anAppSession('board', 'here'), undefined)
      await store.sessions.join(anAppSession('wiki', 'there'), undefined)
      await end(store, 'there')
      const counts = await store.sessions.countAppSessions([here.id, there.id, alone.id])
      expect([...counts].toSorted()).toEqual([
        ['ses_here', { all: 2, active: 2 }],
        ['ses_there', { all: 1, active: 0 }],
      ])
      expect(await store.sessions.countAppSessions([])).toEqual(new Map())
      expect(await store.otherTenant.countAppSessions([here.id])).toEqual(new Map())
    })
  })
}
