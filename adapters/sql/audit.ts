import { type Selectable, type SqlBool, sql } from 'kysely'
import type { AuditEventType } from '#gateway/audit/event.ts'
import type { AuditCheckpoint, AuditRow, AuditStore, SealedRow } from '#gateway/audit/store.ts'
import { GatewayError } from '#gateway/kernel/errors.ts'
import type { SqlDatabase } from './open.ts'
import type { AuditCheckpointRow, AuditEventRow } from './schema.ts'

/** AuditStore on SQL. `seq` is the order of insertion, `position` the place in the chain: on an engine with several writers they differ. */
export function createSqlAuditStore(database: SqlDatabase, tenant: string): AuditStore {
  const selectRows = () => database.q().selectFrom('audit_events').selectAll().where('tenant', '=', tenant)
  const selectCheckpoints = () =>
    database.q().selectFrom('audit_checkpoints').selectAll().where('tenant', '=', tenant)

  return {
    insert: async (rows) => {
      if (rows.length === 0) return
      await database
        .q()
        .insertInto('audit_events')
        .values(
          rows.map(({ at, type, actor, subject, detail, requestId }) => ({
            tenant,
            at,
            type,
            actor,
            subject,
            detail,
            request_id: requestId ?? null,
            position: null,
            chain: null,
          })),
        )
        .execute()
    },

    list: async ({ types, subject, since, until, limit, before }) => {
      if (types?.length === 0) return []
      let query = selectRows().orderBy('seq', 'desc').limit(limit)
      if (types !== undefined) query = query.where('type', 'in', types)
      if (subject !== undefined) query = query.where('subject', '=', subject)
      if (since !== undefined) query = query.where('at', '>=', since)
      if (until !== undefined) query = query.where('at', '<', until)
      if (before !== undefined) query = query.where('seq', '<', before)
      return (await query.execute()).map(toRow)
    },

    head: async () => {
      const row = await selectRows()
        .where('position', 'is not', null)
        .orderBy('position', 'desc')
        .limit(1)
        .executeTakeFirst()
      return row === undefined ? undefined : toSealedRow(row)
    },

    unsealed: async (limit) =>
      (await selectRows().where(sql<SqlBool>`chain is null`).orderBy('seq').limit(limit).execute()).map(
        toRow,
      ),

    seal: async (rows) => {
      for (const { seq, position, chain } of rows) {
        const { numUpdatedRows } = await database
          .q()
          .updateTable('audit_events')
          .set({ position, chain })
          .where('tenant', '=', tenant)
          .where('seq', '=', seq)
          .where('chain', 'is', null)
          .executeTakeFirst()
        // A place that is taken fails on the unique index; a row that is taken is found here.
        if (numUpdatedRows === 0n) throw new GatewayError('busy', 'Another process seals the audit trail.')
      }
    },

    sealedFrom: async (position, limit) =>
      (
        await selectRows()
          .where('position', 'is not', null)
          .where('position', '>=', position)
          .orderBy('position')
          .limit(limit)
          .execute()
      ).map(toSealedRow),

    insertCheckpoint: async ({ position, at, chain, signature }) => {
      await database
        .q()
        .insertInto('audit_checkpoints')
        .values({ tenant, position, at, chain, signature, start_signature: null })
        .onConflict((on) => on.doNothing())
        .execute()
    },

    insertStart: async (position, startSignature) => {
      await database
        .q()
        .updateTable('audit_checkpoints')
        .set({ start_signature: startSignature })
        .where('tenant', '=', tenant)
        .where('position', '=', position)
        .execute()
    },

    latestCheckpoint: async () => {
      const row = await selectCheckpoints().orderBy('position', 'desc').limit(1).executeTakeFirst()
      return row === undefined ? undefined : toCheckpoint(row)
    },

    checkpoints: async () => (await selectCheckpoints().orderBy('position').execute()).map(toCheckpoint),

    deleteUpTo: (position, limit) =>
      database.transaction.run(async () => {
        const oldest = database
          .q()
          .selectFrom('audit_events')
          .select('seq')
          .where('tenant', '=', tenant)
          .where('position', 'is not', null)
          .where('position', '<=', position)
          .orderBy('position')
          .limit(limit)
        const { numDeletedRows } = await database
          .q()
          .deleteFrom('audit_events')
          .where('tenant', '=', tenant)
          .where('seq', 'in', oldest)
          .executeTakeFirst()
        if (numDeletedRows < BigInt(limit)) {
          await database
            .q()
            .deleteFrom('audit_checkpoints')
            .where('tenant', '=', tenant)
            .where('position', '<', position)
            .execute()
        }
        return Number(numDeletedRows)
      }),
  }
}

function toRow(row: Selectable<AuditEventRow>): AuditRow {
  return {
    seq: row.seq,
    at: row.at,
    type: row.type as AuditEventType,
    actor: row.actor,
    subject: row.subject,
    detail: row.detail,
    ...(row.request_id === null ? {} : { requestId: row.request_id }),
    ...(row.position === null ? {} : { position: row.position }),
    ...(row.chain === null ? {} : { chain: row.chain }),
  }
}

function toSealedRow(row: Selectable<AuditEventRow>): SealedRow {
  return { ...toRow(row), position: row.position ?? 0, chain: row.chain ?? '' }
}

function toCheckpoint(row: AuditCheckpointRow): AuditCheckpoint {
  const { position, at, chain, signature, start_signature: startSignature } = row
  return { position, at, chain, signature, ...(startSignature === null ? {} : { startSignature }) }
}
