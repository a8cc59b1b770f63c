import { type SqlBool, sql } from 'kysely'
import type { WebhookMessageId } from '#gateway/kernel/ids.ts'
import { gatherAtMostMs, type PendingMessage, type WebhookMessage } from '#gateway/logout/webhook-message.ts'
import type { BookedMessage, WebhookStore } from '#gateway/logout/webhook-store.ts'
import { fromProgress, toPending } from './logout-rows.ts'
import type { SqlDatabase } from './open.ts'
import type { WebhookMessageRow } from './schema.ts'

/** Rows of one insert: 16 columns each, within the 32,766 parameters that SQLite takes. */
const rowsAtOnce = 500

/** WebhookStore on SQL. */
export function createSqlWebhookStore(database: SqlDatabase, tenant: string): WebhookStore {
  const select = () => database.q().selectFrom('webhook_messages').where('tenant', '=', tenant)
  const update = () => database.q().updateTable('webhook_messages').where('tenant', '=', tenant)

  return {
    add: async (messages) => {
      for (let from = 0; from < messages.length; from += rowsAtOnce) {
        await database
          .q()
          .insertInto('webhook_messages')
          .values(messages.slice(from, from + rowsAtOnce).map((message) => fromMessage(tenant, message)))
          .onConflict((on) =>
            on
              .columns(['tenant', 'type', 'topic'])
              .where(sql<SqlBool>`attempts = 0`)
              .doUpdateSet((of) => {
                const atMost = sql<number>`webhook_messages.created_at + ${sql.lit(gatherAtMostMs)}`
                const waits = of.ref('excluded.due_at')
                return {
                  count: of('webhook_messages.count', '+', of.ref('excluded.count')),
                  due_at: sql<number>`case when ${waits} < ${atMost} then ${waits} else ${atMost} end`,
                }
              }),
          )
          .execute()
      }
    },

    claim: async ({ node, now, leaseUntil, limit }) => {
      const due = select()
        .select('id')
        .where(sql<SqlBool>`state = 'pending'`)
        .where('due_at', '<=', now)
        .orderBy('due_at')
        .limit(limit)
      const rows = await update()
        .set((of) => ({ due_at: leaseUntil, lease_by: node, attempts: of('attempts', '+', 1) }))
        .where('id', 'in', due)
        // Of two processes that picked the same row the second finds it due no more.
        .where('state', '=', 'pending')
        .where('due_at', '<=', now)
        .returningAll()
        .execute()
      return rows.map((row) => ({ ...toMessage(row), progress: toPending(row) }))
    },

    record: (attempts) =>
      database.transaction.run(async () => {
        const booked: BookedMessage[] = []
        for (const attempt of attempts) {
          const { claimed, next } = attempt
          const { numUpdatedRows } = await update()
            .set(fromProgress(next.progress))
            .where('id', '=', claimed.id)
            .where('state', '=', 'pending')
            .where('lease_by', '=', claimed.progress.leaseBy ?? '')
            .where('attempts', '=', claimed.attempts)
            .executeTakeFirstOrThrow()
          if (numUpdatedRows > 0n) booked.push(attempt)
        }
        return booked.map(({ next }) => next)
      }),

    nextDueAfter: async (now) => {
      const row = await select()
        .select((of) => of.fn.min('due_at').as('due_at'))
        .where(sql<SqlBool>`state = 'pending'`)
        .where('due_at', '>', now)
        .executeTakeFirst()
      return row?.due_at ?? undefined
    },

    deleteOld: async (before, limit) => {
      const old = select().select('id').where('created_at', '<', before).orderBy('created_at').limit(limit)
      const { numDeletedRows } = await database
        .q()
        .deleteFrom('webhook_messages')
        .where('tenant', '=', tenant)
        .where('id', 'in', old)
        .executeTakeFirstOrThrow()
      return Number(numDeletedRows)
    },
  }
}

function fromMessage(tenant: string, message: PendingMessage): WebhookMessageRow {
  const { id, type, topic, data, count, createdAt, attempts, progress } = message
  return {
    tenant,
    id,
    type,
    topic,
    data: JSON.stringify(data),
    count,
    created_at: createdAt,
    attempts,
    ...fromProgress(progress),
  }
}

function toMessage(row: WebhookMessageRow): Omit<WebhookMessage, 'progress'> {
  return {
    id: row.id as WebhookMessageId,
    type: row.type as WebhookMessage['type'],
    topic: row.topic,
    data: JSON.parse(row.data) as WebhookMessage['data'],
    count: row.count,
    createdAt: row.created_at,
    attempts: row.attempts,
  }
}
