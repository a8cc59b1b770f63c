import { describe, expect, test } from 'vitest'
import { sealed } from '#gateway/audit/chain.ts'
import type { AuditStore, NewAuditRow } from '#gateway/audit/store.ts'
import type { Transaction } from '#gateway/kernel/transaction.ts'

export interface OpenAuditStore extends AsyncDisposable {
  readonly audit: AuditStore
  /** The same database as another tenant sees it. */
  readonly otherTenant: AuditStore
  readonly transaction: Transaction
}

const noon = Date.UTC(2026, 2, 2, 12)

function aRow(more: Partial<NewAuditRow> = {}): NewAuditRow {
  return {
    at: noon,
    type: 'account.disabled',
    actor: '{"kind":"command-line"}',
    subject: 'ada',
    detail: '{"accountId":"ada"}',
    ...more,
  }
}

/** What every store of the audit trail does. `open` gives an empty one. */
export function describeAuditStore(name: string, open: () => Promise<OpenAuditStore>): void {
  const sealAll = (store: OpenAuditStore) =>
    store.transaction.run(async () => {
      const rows = await store.audit.unsealed(100)
      await store.audit.seal(sealed(await store.audit.head(), rows))
      return rows.length
    })

  describe(`a store of the audit trail (${name})`, () => {
    test('gives back what it was given, newest first, in the order of insertion', async () => {
      await using store = await open()
      await store.audit.insert([aRow(), aRow({ requestId: 'request-1', subject: 'grace' })])
      await store.audit.insert([])
      await store.audit.insert([aRow({ type: 'app.disabled', subject: 'wiki', detail: '{}' })])

      const rows = await store.audit.list({ limit: 10 })
      expect(rows.map(({ seq: _, ...row }) => row)).toEqual([
        aRow({ type: 'app.disabled', subject: 'wiki', detail: '{}' }),
        aRow({ requestId: 'request-1', subject: 'grace' }),
        aRow(),
      ])
      expect(rows.map(({ seq }) => seq)).toEqual(rows.map(({ seq }) => seq).sort((a, b) => b - a))
    })

    test('an event rolls back with what it tells of', async () => {
      await using store = await open()
      const failure = store.transaction.run(async () => {
        await store.audit.insert([aRow()])
        throw new Error('the command failed later')
      })
      await expect(failure).rejects.toThrow('the command failed later')
      expect(await store.audit.list({ limit: 10 })).toEqual([])
    })

    test('lists by type, by what it is about, and by time, page by page', async () => {
      await using store = await open()
      await store.audit.insert([
        aRow({ at: noon }),
        aRow({ at: noon + 1, type: 'app.disabled', subject: 'wiki' }),
        aRow({ at: noon + 2, subject: 'grace' }),
        aRow({ at: noon + 3 }),
      ])
      const at = async (filter: Partial<Parameters<AuditStore['list']>[0]>) =>
        (await store.audit.list({ limit: 10, ...filter })).map((row) => row.at - noon)

      expect(await at({ types: ['app.disabled'] })).toEqual([1])
      expect(await at({ types: [] })).toEqual([])
      expect(await at({ subject: 'ada' })).toEqual([3, 0])
      expect(await at({ since: noon + 1, until: noon + 3 })).toEqual([2, 1])
      const first = await store.audit.list({ limit: 2 })
      expect(await at({ before: first.at(-1)?.seq ?? 0 })).toEqual([1, 0])
    })

    test('sees nothing of another tenant', async () => {
      await using store = await open()
      await store.otherTenant.insert([aRow()])
      expect(await store.audit.list({ limit: 10 })).toEqual([])
      expect(await store.audit.unsealed(10)).toEqual([])
      expect(await sealAll(store)).toBe(0)
      expect(await store.otherTenant.unsealed(10)).toHaveLength(1)
    })

    test('chains rows in order and knows the end of the chain', async () => {
      await using store = await open()
      expect(await store.audit.head()).toBeUndefined()
      await store.audit.insert([aRow(), aRow({ subject: 'grace' })])
      expect(await sealAll(store)).toBe(2)
      await store.audit.insert([aRow({ subject: 'linus' })])
      expect(await sealAll(store)).toBe(1)

      const chain = await store.audit.sealedFrom(1, 10)
      expect(chain.map(({ position, subject }) => ({ position, subject }))).toEqual([
        { position: 1, subject: 'ada' },
        { position: 2, subject: 'grace' },
        { position: 3, subject: 'linus' },
      ])
      expect(await store.audit.head()).toEqual(chain.at(-1))
      expect(await store.audit.sealedFrom(3, 10)).toEqual(chain.slice(2))
      expect(await store.audit.unsealed(10)).toEqual([])
    })

    test('lets one of two sealers win: a row or a place that is taken fails the other', async () => {
      await using store = await open()
      await store.audit.insert([aRow(), aRow()])
      const rows = await store.audit.unsealed(10)
      await sealAll(store)

      await expect(store.transaction.run(() => store.audit.seal(sealed(undefined, rows)))).rejects.toThrow()
      await store.audit.insert([aRow()])
      const late = await store.audit.unsealed(10)
      await expect(store.transaction.run(() => store.audit.seal(sealed(undefined, late)))).rejects.toThrow()

      expect(await store.audit.sealedFrom(1, 10)).toHaveLength(2)
      expect(await store.audit.unsealed(10)).toHaveLength(1)
    })

    test('keeps checkpoints in order and the first of two at the same place', async () => {
      await using store = await open()
      expect(await store.audit.latestCheckpoint()).toBeUndefined()
      const [first, second] = [
        { position: 1, at: noon, chain: 'one', signature: 'signed' },
        { position: 12, at: noon + 1, chain: 'two', signature: 'signed' },
      ] as const
      await store.audit.insertCheckpoint(second)
      await store.audit.insertCheckpoint(first)
      await store.audit.insertCheckpoint({ ...first, chain: 'forged' })
      expect(await store.audit.checkpoints()).toEqual([first, second])
      expect(await store.audit.latestCheckpoint()).toEqual(second)
      await store.audit.insertStart(1, 'signed too')
      expect(await store.audit.checkpoints()).toEqual([{ ...first, startSignature: 'signed too' }, second])
    })

    test('deletes the oldest up to a place, a few at a time, and the checkpoints that then stand before it', async () => {
      await using store = await open()
      await store.audit.insert(Array.from({ length: 5 }, (_, at) => aRow({ at: noon + at })))
      await sealAll(store)
      await store.audit.insert([aRow({ at: noon + 9 })])
      for (const position of [1, 3])
        await store.audit.insertCheckpoint({ position, at: noon, chain: '', signature: '' })

      expect(await store.audit.deleteUpTo(3, 2)).toBe(2)
      expect(await store.audit.deleteUpTo(3, 2)).toBe(1)
      expect(await store.audit.deleteUpTo(3, 2)).toBe(0)

      expect((await store.audit.list({ limit: 10 })).map(({ at }) => at - noon)).toEqual([9, 4, 3])
      expect((await store.audit.checkpoints()).map(({ position }) => position)).toEqual([3])
    })
  })
}
