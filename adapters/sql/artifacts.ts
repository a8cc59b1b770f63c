import { type SqlBool, sql } from 'kysely'
import type { AccountId, AppId, AppSessionId, SsoSessionId } from '#gateway/kernel/ids.ts'
import type { ArtifactStore, FoundToken, TokenKind } from '#gateway/oidc/store.ts'
import type { TokenStore } from '#gateway/sessions/store.ts'
import { createOfflineAccesses } from './offline-accesses.ts'
import type { SqlDatabase } from './open.ts'
import type { AppSessionRow, SsoSessionRow } from './schema.ts'
import { createStatement } from './statement.ts'

/** Tombstone of a grant: a row of this kind means "revoked". */
const grantKind = 'Grant'

/** SQLite takes 32,766 parameters; 200 sessions that end at once may have been at more apps together. */
const idsAtOnce = 1_000

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
        where app.tenant = ${tenant} and app.id = ${of.appSessionId} and (
          (app.ended_at is null and sso.ended_at is null)
          or (${of.kind} <> 'AuthorizationCode' and exists (select 1 from offline_accesses offline
            where offline.tenant = ${tenant} and offline.grant_id = ${of.grantId})))
        on conflict (tenant, kind, id) do update set id = excluded.id
        returning id`.compile(q),
  )
  // Three look-ups by primary key cost half of what one join over them does.
  const findToken = createStatement(database, (q, of: { kind: string; id: string }) =>
    sql<TokenRow>`
      select grant_id, app_session_id, payload, consumed_at, expires_at,
        exists (select 1 from oidc_artifacts revoked
          where revoked.tenant = ${tenant} and revoked.kind = ${grantKind} and revoked.id = token.grant_id) as grant_revoked,
        (select started_at from offline_accesses offline
          where offline.tenant = ${tenant} and offline.grant_id = token.grant_id) as offline_since,
        (select last_used_at from offline_accesses offline
          where offline.tenant = ${tenant} and offline.grant_id = token.grant_id) as offline_used
      from oidc_artifacts token where tenant = ${tenant} and kind = ${of.kind} and id = ${of.id}`.compile(q),
  )
  const findAppSession = createStatement(database, (q, of: { id: string }) =>
    q
      .selectFrom('app_sessions')
      .select(appSessionColumns)
      .where('tenant', '=', tenant)
      .where('id', '=', of.id)
      .compile(),
  )
  const findSsoSession = createStatement(database, (q, of: { id: string }) =>
    q
      .selectFrom('sso_sessions')
      .select(ssoSessionColumns)
      .where('tenant', '=', tenant)
      .where('id', '=', of.id)
      .compile(),
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
  const forgetOffline = createStatement(database, (q, of: { grantId: string }) =>
    q
      .deleteFrom('offline_accesses')
      .where('tenant', '=', tenant)
      .where('grant_id', '=', of.grantId)
      .returning('grant_id')
      .compile(),
  )
  return {
    ...createOfflineAccesses(database, tenant),
    insert: async ({ payload, ...token }) =>
      (await insert({ ...token, payload: JSON.stringify(payload) })).length === 1,
    find: async (kind, id) => {
      const [token] = await findToken({ kind, id })
      if (token === undefined) return undefined
      const [app] = await findAppSession({ id: token.app_session_id })
      const [sso] = app === undefined ? [] : await findSsoSession({ id: app.sso_session_id })
      return app === undefined || sso === undefined ? undefined : toFoundToken(kind, id, token, app, sso)
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

    revokeGrant: (grantId, at, keepUntil) =>
      database.transaction.run(async () => {
        await forgetOffline({ grantId })
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
      }),

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

    revokeOfAppSessions: async (ids: readonly AppSessionId[], leaveOffline: boolean) => {
      for (let from = 0; from < ids.length; from += idsAtOnce) {
        await database
          .q()
          .deleteFrom('oidc_artifacts')
          .where('tenant', '=', tenant)
          .where('app_session_id', 'in', ids.slice(from, from + idsAtOnce))
          .$if(leaveOffline, (query) => query.where(isNotOfOfflineAccess))
          .execute()
      }
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
      const { rows: accesses } = await sql<{ id: string }>`
        delete from offline_accesses where (tenant, grant_id) in (
          select tenant, grant_id from offline_accesses where tenant = ${tenant} and expires_at <= ${now} order by expires_at limit ${limit})
        returning grant_id as id`.execute(database.q())
      return Math.max(tokens.length, claims.length, accesses.length)
    },
  }
}

/** Anything but a refresh token of an app that keeps access while the person is away. */
const isNotOfOfflineAccess = sql<SqlBool>`not (kind = 'RefreshToken' and exists (select 1 from offline_accesses offline
  where offline.tenant = oidc_artifacts.tenant and offline.grant_id = oidc_artifacts.grant_id))`

const appSessionColumns = [
  'id',
  'sso_session_id',
  'account_id',
  'app_id',
  'sid',
  'started_at',
  'last_seen_at',
  'ended_at',
] as const
const ssoSessionColumns = ['id', 'started_at', 'last_seen_at', 'remembered', 'ended_at'] as const

interface TokenRow {
  readonly grant_id: string
  readonly app_session_id: string
  readonly payload: string
  readonly consumed_at: number | null
  readonly expires_at: number
  readonly grant_revoked: number
  readonly offline_since: number | null
  readonly offline_used: number | null
}

function toFoundToken(
  kind: TokenKind,
  id: string,
  token: TokenRow,
  app: Pick<AppSessionRow, (typeof appSessionColumns)[number]>,
  sso: Pick<SsoSessionRow, (typeof ssoSessionColumns)[number]>,
): FoundToken {
  return {
    kind,
    id,
    grantId: token.grant_id,
    appSessionId: app.id as AppSessionId,
    payload: JSON.parse(token.payload) as Record<string, unknown>,
    expiresAt: token.expires_at,
    ...(token.consumed_at === null ? {} : { consumedAt: token.consumed_at }),
    grantRevoked: token.grant_revoked === 1,
    ended: app.ended_at !== null || sso.ended_at !== null,
    ...(token.offline_since === null || token.offline_used === null
      ? {}
      : { offline: { startedAt: token.offline_since, lastUsedAt: token.offline_used } }),
    appSession: {
      id: app.id as AppSessionId,
      ssoSessionId: app.sso_session_id as SsoSessionId,
      accountId: app.account_id as AccountId,
      appId: app.app_id as AppId,
      sid: app.sid,
      startedAt: app.started_at,
      lastSeenAt: app.last_seen_at,
    },
    ssoSession: {
      id: sso.id as SsoSessionId,
      startedAt: sso.started_at,
      lastSeenAt: sso.last_seen_at,
      remembered: sso.remembered === 1,
    },
  }
}
