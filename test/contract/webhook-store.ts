import { describe, expect, test } from 'vitest'
import { dayMs, hourMs, minuteMs, secondMs } from '#gateway/kernel/clock.ts'
import { newId } from '#gateway/kernel/ids.ts'
import type { Transaction } from '#gateway/kernel/transaction.ts'
import type { Progress } from '#gateway/logout/delivery.ts'
import { gatherAtMostMs, messageOf, type News, type PendingMessage } from '#gateway/logout/webhook-message.ts'
import type { WebhookStore } from '#gateway/logout/webhook-store.ts'
import { noon } from '#test/logout/builders.ts'
import { createSeededRandom } from '#test/support/seeded-random.ts'

export interface OpenWebhookStore extends AsyncDisposable {
  readonly webhooks: WebhookStore
  /** The same database as another tenant sees it. */
  readonly otherTenant: WebhookStore
  readonly transaction: Transaction
}

const random = createSeededRandom('webhook messages')

function aMessage(more: Partial<News> = {}, now = noon): PendingMessage {
  const news: News = { type: 'app.unreachable', topic: 'wiki', data: { app_id: 'wiki' }, count: 1, ...more }
  return messageOf(news, { id: newId('webhookMessage', random), now, retryForMs: 72 * hourMs })
}

const later = noon + minuteMs
const leaseUntil = later + 15 * secondMs
const claimAll = { node: 'one', now: later, leaseUntil, limit: 10 }
const delivered: Progress = { state: 'delivered', settledAt: later }

/** What every store of messages to the webhook does. `open` gives an empty one. */
export function describeWebhookStore(name: string, open: () => Promise<OpenWebhookStore>): void {
  describe(`a store of messages to the webhook (${name})`, () => {
    test('gives what is due, the earliest first, once, and no more than it is asked for', async () => {
      await using store = await open()
      const [first, second, third] = [0, 1, 2].map((at) => aMessage({ topic: `app${at}` }, noon + at))
      if (first === undefined || second === undefined || third === undefined)
        throw new Error('three were made')
      await store.webhooks.add([third, first, second])
      expect(await store.webhooks.claim({ ...claimAll, now: noon })).toEqual([])
      expect(await store.webhooks.nextDueAfter(noon)).toBe(first.progress.dueAt)
      expect(await store.otherTenant.claim(claimAll)).toEqual([])

      const claimed = await store.webhooks.claim({ ...claimAll, limit: 2 })
      expect(claimed.map(({ id }) => id).toSorted()).toEqual([first.id, second.id].toSorted())
      expect(claimed.find(({ id }) => id === first.id)).toEqual({
        ...first,
        attempts: 1,
        progress: { ...first.progress, dueAt: leaseUntil, leaseBy: 'one' },
      })
      expect((await store.webhooks.claim(claimAll)).map(({ id }) => id)).toEqual([third.id])
      expect(await store.webhooks.claim(claimAll)).toEqual([])
    })

    test('gives each of many to one of many who claim at once', async () => {
      await using store = await open()
      await store.webhooks.add(Array.from({ length: 20 }, (_, at) => aMessage({ topic: `app${at}` })))
      const claims = await Promise.all(
        Array.from({ length: 8 }, (_, node) => store.webhooks.claim({ ...claimAll, node: `n${node}` })),
      )
      const ids = claims.flat().map(({ id }) => id)
      expect(ids).toHaveLength(20)
      expect(new Set(ids).size).toBe(20)
    })

    test('makes one of messages of a type and topic, until somebody has tried to send it', async () => {
      await using store = await open()
      const first = aMessage({ count: 3 })
      const second = aMessage({ count: 4, data: { app_id: 'other' } }, noon + 5 * secondMs)
      await store.webhooks.add([first])
      await store.webhooks.add([second, aMessage({ type: 'app.reachable' }), aMessage({ topic: 'mail' })])
      const claimed = await store.webhooks.claim(claimAll)
      expect(claimed).toHaveLength(3)
      const { dueAt: _, ...rest } = first.progress
      expect(claimed.find(({ id }) => id === first.id)).toMatchObject({
        data: { app_id: 'wiki' },
        count: 7,
        progress: rest,
      })
      // Too late for that one: what it says is on its way.
      await store.webhooks.add([aMessage({ count: 2 }, later)])
      expect(await store.webhooks.claim({ ...claimAll, now: later + minuteMs })).toMatchObject(
        expect.arrayContaining([expect.objectContaining({ count: 2, attempts: 1 })]),
      )
    })

    test('lets a message wait for more, but no longer than its time', async () => {
      await using store = await open()
      await store.webhooks.add([aMessage()])
      const dueAt = async () => store.webhooks.nextDueAfter(0)
      await store.webhooks.add([aMessage({}, noon + 8 * secondMs)])
      expect(await dueAt()).toBe(aMessage({}, noon + 8 * secondMs).progress.dueAt)
      await store.webhooks.add([aMessage({}, noon + gatherAtMostMs)])
      expect(await dueAt()).toBe(noon + gatherAtMostMs)
    })

    test('records what an attempt brought, for whoever holds the message still', async () => {
      await using store = await open()
      await store.webhooks.add([aMessage()])
      const [lost] = await store.webhooks.claim(claimAll)
      // The first process slept; its lease ran out and another one took over.
      const [held] = await store.webhooks.claim({ ...claimAll, node: 'two', now: leaseUntil })
      if (lost === undefined || held === undefined) throw new Error('it was claimed twice')
      expect(held.attempts).toBe(2)
      expect(
        await store.webhooks.record([{ claimed: lost, next: { ...lost, progress: delivered } }]),
      ).toEqual([])
      const waiting = { ...held, progress: { ...lost.progress, dueAt: later + hourMs, refusals: 1 } }
      const { leaseBy: _, ...progress } = waiting.progress
      const next = { ...held, progress }
      expect(await store.webhooks.record([{ claimed: held, next }])).toEqual([next])

      const [again] = await store.webhooks.claim({ ...claimAll, now: later + hourMs })
      if (again === undefined) throw new Error('it is due again')
      expect(again).toMatchObject({ attempts: 3, progress: { refusals: 1 } })
      await store.webhooks.record([{ claimed: again, next: { ...again, progress: delivered } }])
      expect(await store.webhooks.nextDueAfter(0)).toBeUndefined()
      expect(await store.webhooks.claim({ ...claimAll, now: noon + dayMs })).toEqual([])
    })

    test('takes back what a transaction that fails has added', async () => {
      await using store = await open()
      const failing = store.transaction.run(async () => {
        await store.webhooks.add([aMessage()])
        throw new Error('it failed')
      })
      await expect(failing).rejects.toThrow('it failed')
      expect(await store.webhooks.nextDueAfter(0)).toBeUndefined()
    })

    test('deletes what is old, some at a time, sent or not', async () => {
      await using store = await open()
      await store.webhooks.add([0, 1, 2].map((at) => aMessage({ topic: `app${at}` }, noon + at)))
      expect(await store.otherTenant.deleteOld(noon + dayMs, 10)).toBe(0)
      expect(await store.webhooks.deleteOld(noon + 2, 1)).toBe(1)
      expect(await store.webhooks.deleteOld(noon + 2, 10)).toBe(1)
      expect(await store.webhooks.deleteOld(noon + 2, 10)).toBe(0)
      expect(await store.webhooks.claim(claimAll)).toHaveLength(1)
    })
  })
}
