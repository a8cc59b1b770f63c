import { describe, expect, test } from 'vitest'
import type { Changes } from '#gateway/kernel/changes.ts'
import type { Transaction } from '#gateway/kernel/transaction.ts'

export interface ChangesOfOneProcess {
  readonly changes: Changes
  readonly transaction: Transaction
  /** Looks for what others committed, and waits until everybody has heard. */
  poll(): Promise<void>
}

/** What every Changes port does. `open` gives two processes on one store. */
export function describeChanges(
  name: string,
  open: () => Promise<
    AsyncDisposable & { readonly one: ChangesOfOneProcess; readonly other: ChangesOfOneProcess }
  >,
): void {
  describe(`changes (${name})`, () => {
    test('are heard by the process that made them and by every other', async () => {
      await using both = await open()
      const heard: string[] = []
      both.one.changes.watch('apps', () => heard.push('one'))
      both.other.changes.watch('apps', () => heard.push('other'))
      await both.one.transaction.run(() => both.one.changes.announce('apps'))
      await both.one.poll()
      await both.other.poll()
      expect(heard).toEqual(['one', 'other'])
    })

    test('are heard once, and only by those who asked for their topic', async () => {
      await using both = await open()
      const heard: string[] = []
      both.other.changes.watch('apps', () => heard.push('apps'))
      both.other.changes.watch('keys', () => heard.push('keys'))
      await both.one.changes.announce('keys')
      await both.other.poll()
      await both.other.poll()
      expect(heard).toEqual(['keys'])
    })

    test('are heard after the commit and not before', async () => {
      await using both = await open()
      let heard = 0
      both.one.changes.watch('apps', () => heard++)
      await both.one.transaction.run(async () => {
        await both.one.changes.announce('apps')
        expect(heard).toBe(0)
      })
      await both.one.poll()
      expect(heard).toBe(1)
    })

    test('that were rolled back are not heard', async () => {
      await using both = await open()
      let heard = 0
      both.one.changes.watch('apps', () => heard++)
      both.other.changes.watch('apps', () => heard++)
      const failing = both.one.transaction.run(async () => {
        await both.one.changes.announce('apps')
        throw new Error('no')
      })
      await expect(failing).rejects.toThrow('no')
      await both.one.poll()
      await both.other.poll()
      expect(heard).toBe(0)
    })

    test('are not heard any more by those who stopped listening', async () => {
      await using both = await open()
      let heard = 0
      const stop = both.other.changes.watch('apps', () => heard++)
      stop()
      await both.one.changes.announce('apps')
      await both.other.poll()
      expect(heard).toBe(0)
    })

    test('reach every listener, though one of them fails', async () => {
      await using both = await open()
      let heard = 0
      both.other.changes.watch('apps', () => {
        throw new Error('no')
      })
      both.other.changes.watch('apps', () => heard++)
      await both.one.changes.announce('apps')
      await both.other.poll()
      expect(heard).toBe(1)
    })
  })
}
