import { describe, expect, test } from 'vitest'
import type { LogoutId } from '#gateway/kernel/ids.ts'
import type { Transaction } from '#gateway/kernel/transaction.ts'
import type { EndJob, EndJobStore, LogoutStore } from '#gateway/logout/store.ts'
import { aDelivery, ada, aLogout, noon, wiki } from '#test/logout/builders.ts'

export interface OpenEndJobStore extends AsyncDisposable {
  readonly jobs: EndJobStore
  readonly otherTenant: EndJobStore
  readonly logouts: LogoutStore
  readonly transaction: Transaction
}

function aJob(name: string, more: Partial<EndJob> = {}): EndJob {
  return {
    logoutId: `lgo_${name}` as LogoutId,
    selector: { kind: 'where', where: { account: ada, network: '192.0.2.0/24', startedBefore: noon } },
    cause: 'bulk',
    actor: { kind: 'operator', accountId: ada },
    epochAt: noon,
    found: 1_000,
    ended: 0,
    ...more,
  }
}

/** What every store of endings in batches does. `open` gives an empty one. */
export function describeEndJobStore(name: string, open: () => Promise<OpenEndJobStore>): void {
  describe(`a store of endings in batches (${name})`, () => {
    test('gives a job back as it was committed, the oldest first', async () => {
      await using store = await open()
      const [second, first] = [aJob('second', { epochAt: noon + 1 }), aJob('first', { ended: 200 })]
      await store.jobs.insert(second)
      await store.jobs.insert(first)
      expect(await store.jobs.open()).toEqual([first, second])
      expect(await store.jobs.of([second.logoutId, 'lgo_unknown' as LogoutId])).toEqual([second])
      expect(await store.jobs.of([])).toEqual([])
      expect(await store.otherTenant.open()).toEqual([])
      expect(await store.otherTenant.of([first.logoutId])).toEqual([])
    })

    test('rolls it back with the transaction that it belongs to', async () => {
      await using store = await open()
      const failing = store.transaction.run(async () => {
        await store.jobs.insert(aJob('one'))
        throw new Error('the command failed later')
      })
      await expect(failing).rejects.toThrow('the command failed later')
      expect(await store.jobs.open()).toEqual([])
    })

    test('counts what batches mark, of many at once without losing any', async () => {
      await using store = await open()
      const job = aJob('one')
      await store.jobs.insert(job)
      await Promise.all(
        Array.from({ length: 20 }, () =>
          store.transaction.run(async () => {
            expect(await store.jobs.hold(job.logoutId)).toBeDefined()
            await store.jobs.progress(job.logoutId, 10)
          }),
        ),
      )
      expect(await store.jobs.open()).toEqual([{ ...job, ended: 200 }])
    })

    test('knows a finished job, gives it to nobody and changes it no more', async () => {
      await using store = await open()
      const job = aJob('one')
      await store.jobs.insert(job)
      await store.jobs.finish(job.logoutId, noon + 5)
      await store.jobs.progress(job.logoutId, 1)
      await store.jobs.finish(job.logoutId, noon + 9)
      expect(await store.jobs.open()).toEqual([])
      expect(await store.jobs.hold(job.logoutId)).toBeUndefined()
      expect(await store.jobs.hold('lgo_unknown' as LogoutId)).toBeUndefined()
      expect(await store.jobs.of([job.logoutId])).toEqual([{ ...job, finishedAt: noon + 5 }])
    })

    test('settles its Logout when it is finished and no app is to be told, and not before', async () => {
      await using store = await open()
      const logout = aLogout()
      const delivery = aDelivery({ logoutId: logout.id, appId: wiki })
      await store.logouts.insert(logout, [delivery])
      await store.jobs.insert(aJob('one', { logoutId: logout.id }))
      const [claimed] = await store.logouts.claim({
        node: 'one',
        now: noon,
        leaseUntil: noon + 15_000,
        limit: 1,
        perApp: 1,
      })
      if (claimed === undefined) throw new Error('nothing was due')
      const next = { ...claimed, progress: { state: 'delivered', settledAt: noon + 1 } } as const
      await store.logouts.book([{ claimed, next }], noon + 1)
      // All that is owed so far is told, and more may follow.
      expect((await store.logouts.find(logout.id))?.settledAt).toBeUndefined()
      await store.jobs.finish(logout.id, noon + 2)
      expect((await store.logouts.find(logout.id))?.settledAt).toBe(noon + 2)
    })

    test('leaves its Logout open when it is finished and an app is still to be told', async () => {
      await using store = await open()
      const logout = aLogout()
      await store.logouts.insert(logout, [aDelivery({ logoutId: logout.id })])
      await store.jobs.insert(aJob('one', { logoutId: logout.id }))
      await store.jobs.finish(logout.id, noon + 2)
      expect((await store.logouts.find(logout.id))?.settledAt).toBeUndefined()
    })

    test('forgets it with its Logout', async () => {
      await using store = await open()
      const logout = aLogout({ settledAt: noon })
      await store.logouts.insert(logout, [])
      await store.jobs.insert(aJob('one', { logoutId: logout.id, finishedAt: noon }))
      expect(await store.logouts.deleteSettled(noon + 1, 10)).toBe(1)
      expect(await store.jobs.of([logout.id])).toEqual([])
    })
  })
}
