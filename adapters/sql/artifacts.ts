import { sql } from 'kysely'
import type { AccountId, AppId, AppSessionId, SsoSessionId } from '#gateway/kernel/ids.ts'
import type { ArtifactStore, FoundToken, TokenKind } from '#gateway/oidc/store.ts'
import type { TokenStore } from '#gateway/sessions/store.ts'
import type { SqlDatabase } from './open.ts'
import { createStatement } from './statement.ts'

/** Tombstone of a grant: a row of this kind means "revoked". */
const grantKind = 'Grant'

/** ArtifactStore and TokenStore on SQL: two ports over one table, one for the engine's edge and one for the door. */
export function createSqlArtifactStore(database: SqlDatabase, tenant: string): ArtifactStore & TokenStore {
  const insert = createStatement(
    database,
    (
      q,
      of: {
        kind: string
        id: string
        grantId: string
        appSessionId: string
        payload: string
        expiresAt: number
      },
    ) =>
      sql<{ id: string }>`
        insert into oidc_artifacts (tenant, kind, id, grant_id, app_session_id, user_code, payload, consumed_at, expires_at)
        select ${tenant}, ${of.kind}, ${of.id}, ${of.grantId}, app.id, null, ${of.payload}, null, ${of.expiresAt}
        from app_sessions app
        join sso_sessions sso on sso.tenant = app.tenant and sso.id = app.sso_session_id
        where app.tenant = ${tenant} and app.id = ${of.appSessionId} and app.ended_at is null and sso.ended_at is null
        on conflict (tenant, kind, id) do update set id = excluded.id
        returning id`.compile(q),
  )
  const find = createStatement(database, (q, of: { kind: string; id: string }) =>
    sql<FoundRow>`
      select token.grant_id, token.payload, token.consumed_at, token.expires_at,
        exists (select 1 from oidc_artifacts revoked
          where revoked.tenant = ${tenant} and revoked.kind = ${grantKind} and revoked.id = token.grant_id) as grant_revoked,
        app.id, app.sso_session_id, app.account_id, app.app_id, app.sid, app.started_at, app.last_seen_at, app.ended_at,
        sso.started_at as sso_started_at, sso.last_seen_at as sso_last_seen_at, sso.remembered as sso_remembered,
        sso.ended_at as sso_ended_at
      from oidc_artifacts token
      join app_sessions app on app.tenant = token.tenant and app.id = token.app_session_id
      join sso_sessions sso on sso.tenant = app.tenant and sso.id = app.sso_session_id
      where token.tenant = ${tenant} and token.kind = ${of.kind} and token.id = ${of.id}`.compile(q),
  )
  const consume = createStatement(database, (q, of: { kind: string; id: string; at: number }) =>
    q
      .updateTable('oidc_artifacts')
      .set({ consumed_at: of.at })
      .where('tenant', '=', tenant)
      .where('kind', '=', of.kind)
      .where('id', '=', of.id)
      .where('consumed_at', 'is', null)
      .returning('id')
      .compile(),
  )
  return {
    insert: async ({ payload, ...token }) =>
      (await insert({ ...token, payload: JSON.stringify(payload) })).length === 1,
    find: async (kind, id) => {
      const [row] = await find({ kind, id })
      return row === undefined ? undefined : toFoundToken(kind, id, row)
    },
    consume: async (kind, id, at) => (await consume({ kind, id, at })).length === 1,

    delete: async (kind, id) => {
      await database
        .q()
        .deleteFrom('oidc_artifacts')
        .where('tenant', '=', tenant)
        .where('kind', '=', kind)
        .where('id', '=', id)
        .execute()
    },

    revokeGrant: async (grantId, at, keepUntil) => {
      const first = await database
        .q()
        .insertInto('oidc_artifacts')
        .values({
          tenant,
          kind: grantKind,
          id: grantId,
          grant_id: null,
          app_session_id: null,
          user_code: null,
          payload: '{}',
          consumed_at: at,
          expires_at: keepUntil,
        })
        .onConflict((on) => on.doNothing())
        .returning('id')
        .executeTakeFirst()
      return first !== undefined
    },

    claimOnce: async (space, id, now, expiresAt) => {
      const won = await database
        .q()
        .insertInto('one_time_claims')
        .values({ tenant, space, id, expires_at: expiresAt })
        .onConflict((on) =>
          on
            .columns(['tenant', 'space', 'id'])
            .doUpdateSet({ expires_at: expiresAt })
            .where('one_time_claims.expires_at', '<=', now),
        )
        .returning('id')
        .executeTakeFirst()
      return won !== undefined
    },

    revokeOfAppSessions: async (ids: readonly AppSessionId[]) => {
      if (ids.length === 0) return
      await database
        .q()
        .deleteFrom('oidc_artifacts')
        .where('tenant', '=', tenant)
        .where('app_session_id', 'in', ids)
        .execute()
    },

    deleteExpired: async (now, limit) => {
      const { rows: tokens } = await sql<{ id: string }>`
        delete from oidc_artifacts where (tenant, kind, id) in (
          select tenant, kind, id from oidc_artifacts where tenant = ${tenant} and expires_at <= ${now} order by expires_at limit ${limit})
        returning id`.execute(database.q())
      const { rows: claims } = await sql<{ id: string }>`
        delete from one_time_claims where (tenant, space, id) in (
          select tenant, space, id from one_time_claims where tenant = ${tenant} and expires_at <= ${now} order by expires_at limit ${limit})
        returning id`.execute(database.q())
      return Math.max(tokens.length, claims.length)
    },
  }
}

interface FoundRow {
  readonly grant_id: string
  readonly payload: string
  readonly consumed_at: number | null
  readonly expires_at: number
  readonly grant_revoked: number
  readonly id: string
  readonly sso_session_id: string
  readonly account_id: string
  readonly app_id: string
  readonly sid: string
  readonly started_at: number
  readonly last_seen_at: number
  readonly ended_at: number | null
  readonly sso_started_at: number
  readonly sso_last_seen_at: number
  readonly sso_remembered: number
  readonly sso_ended_at: number | null
}

function toFoundToken(kind: TokenKind, id: string, row: FoundRow): FoundToken {
  return {
    kind,
    id,
    grantId: row.grant_id,
    appSessionId: row.id as AppSessionId,
    payload: JSON.parse(row.payload) as Record<string, unknown>,
    expiresAt: row.expires_at,
    ...(row.consumed_at === null ? {} : { consumedAt: row.consumed_at }),
    grantRevoked: row.grant_revoked === 1,
    ended: row.ended_at !== null || row.sso_ended_at !== null,
    appSession: {
      id: row.id as AppSessionId,
      ssoSessionId: row.sso_session_id as SsoSessionId,
      accountId: row.account_id as AccountId,
      appId: row.app_id as AppId,
      sid: row.sid,
      startedAt: row.started_at,
      lastSeenAt: row.last_seen_at,
    },
    ssoSession: {
      id: row.sso_session_id as SsoSessionId,
      startedAt: row.sso_started_at,
      lastSeenAt: row.sso_last_seen_at,
      remembered: row.sso_remembered === 1,
    },
  }
}
