import { type Expression, type ExpressionBuilder, type SqlBool, sql } from 'kysely'
import type { AccountId, AppId, AppSessionId, SsoSessionId } from '#gateway/kernel/ids.ts'
import type { ArtifactStore } from '#gateway/oidc/store.ts'
import type { SessionSelector } from '#gateway/sessions/ending.ts'
import type { OfflineAccess } from '#gateway/sessions/offline-access.ts'
import type { TokenStore } from '#gateway/sessions/store.ts'
import type { SqlDatabase } from './open.ts'
import type { OfflineAccessRow, Schema } from './schema.ts'
import { coversButForApp, coversSso, type OfSso } from './session-selection.ts'
import { createStatement } from './statement.ts'

/** Access that apps keep while people are away. */
export function createOfflineAccesses(
  database: SqlDatabase,
  tenant: string,
): Pick<TokenStore, 'revokeOffline' | 'listOffline'> & Pick<ArtifactStore, 'beginOffline' | 'useOffline'> {
  const use = createStatement(database, (q, of: { grantId: string; at: number; expiresAt: number }) =>
    q
      .updateTable('offline_accesses')
      .set({ last_used_at: of.at, expires_at: of.expiresAt })
      .where('tenant', '=', tenant)
      .where('grant_id', '=', of.grantId)
      .returning('grant_id')
      .compile(),
  )
  const deleteTokens = async (accesses: readonly OfflineAccess[]): Promise<void> => {
    if (accesses.length === 0) return
    await database
      .q()
      .deleteFrom('oidc_artifacts')
      .where('tenant', '=', tenant)
      .where(
        'app_session_id',
        'in',
        accesses.map(({ appSessionId }) => appSessionId),
      )
      .where(
        'grant_id',
        'in',
        accesses.map(({ grantId }) => grantId),
      )
      .execute()
  }

  return {
    beginOffline: async ({ grantId, appSessionId, at, expiresAt }) => {
      const { rows } = await sql<{ grant_id: string }>`
        insert into offline_accesses
          (tenant, grant_id, account_id, app_id, app_session_id, sso_session_id, started_at, last_used_at, expires_at)
        select ${tenant}, ${grantId}, app.account_id, app.app_id, app.id, app.sso_session_id, ${at}, ${at}, ${expiresAt}
        from app_sessions app
        join sso_sessions sso on sso.tenant = app.tenant and sso.id = app.sso_session_id
        where app.tenant = ${tenant} and app.id = ${appSessionId} and app.ended_at is null and sso.ended_at is null
        on conflict (tenant, grant_id) do update set grant_id = excluded.grant_id
        returning grant_id`.execute(database.q())
      return rows.length === 1
    },
    useOffline: async (grantId, at, expiresAt) => {
      await use({ grantId, at, expiresAt })
    },
    listOffline: async (whose, limit) =>
      (
        await database
          .q()
          .selectFrom('offline_accesses')
          .selectAll()
          .where('tenant', '=', tenant)
          .where((of) =>
            'accountId' in whose ? of('account_id', '=', whose.accountId) : of('app_id', '=', whose.appId),
          )
          .orderBy('last_used_at', 'desc')
          .orderBy('grant_id')
          .limit(limit)
          .execute()
      ).map(toOfflineAccess),

    revokeOffline: (selector, limit, startedBy) =>
      database.transaction.run(async () => {
        const rows = await database
          .q()
          .deleteFrom('offline_accesses')
          .where('tenant', '=', tenant)
          .where('grant_id', 'in', (of) =>
            of
              .selectFrom('offline_accesses')
              .select('grant_id')
              .where('tenant', '=', tenant)
              .where((which) => pick(which, tenant, selector, startedBy))
              .$if(startedBy !== undefined, (query) => query.where('started_at', '<=', startedBy ?? 0))
              .limit(limit),
          )
          .returningAll()
          .execute()
        const accesses = rows.map(toOfflineAccess)
        await deleteTokens(accesses)
        return accesses
      }),
  }
}

/** Those of the sessions that the selector names, whether or not they have ended. */
function pick(
  of: ExpressionBuilder<Schema, 'offline_accesses'>,
  tenant: string,
  selector: SessionSelector,
  startedBy: number = Number.MAX_SAFE_INTEGER,
): Expression<SqlBool> {
  switch (selector.kind) {
    case 'sso-sessions':
      return among(of, 'sso_session_id', selector.ids)
    case 'app-sessions':
      return among(of, 'app_session_id', selector.ids)
    case 'account':
      return of.and([of('account_id', '=', selector.accountId), ...butFor(of, selector.except)])
    case 'app':
      return of.and([
        of('app_id', '=', selector.appId),
        ...(selector.accountId === undefined ? [] : [of('account_id', '=', selector.accountId)]),
      ])
    case 'credential':
      return of.and([
        of(
          'sso_session_id',
          'in',
          of
            .selectFrom('session_credentials as opened')
            .select('opened.sso_session_id')
            .where('opened.tenant', '=', tenant)
            .where('opened.credential_id', '=', selector.credentialId),
        ),
        ...butFor(of, selector.except),
      ])
    case 'where': {
      const { where } = selector
      return of.or([
        ofSession(of, tenant, (session) => coversSso(session, tenant, { selector, epochAt: startedBy })),
        ...(where.app === undefined
          ? []
          : [
              of.and([
                of('app_id', '=', where.app),
                ofSession(of, tenant, (session) => coversButForApp(session, tenant, where, startedBy)),
              ]),
            ]),
      ])
    }
    default:
      return selector satisfies never
  }
}

/** One by one: a list of the sessions could be as long as there are any. */
function ofSession(
  of: ExpressionBuilder<Schema, 'offline_accesses'>,
  tenant: string,
  holds: (session: OfSso) => Expression<SqlBool>,
): Expression<SqlBool> {
  return of.exists(
    of
      .selectFrom('sso_sessions')
      .select('sso_sessions.id')
      .where('sso_sessions.tenant', '=', tenant)
      .whereRef('sso_sessions.id', '=', 'offline_accesses.sso_session_id')
      .where((session) => holds(session as unknown as OfSso)),
  )
}

function among(
  of: ExpressionBuilder<Schema, 'offline_accesses'>,
  column: 'sso_session_id' | 'app_session_id',
  ids: readonly string[],
): Expression<SqlBool> {
  // An empty list is a syntax error on one engine and everything on none: it selects nothing here.
  return ids.length === 0 ? sql<SqlBool>`1 = 0` : of(column, 'in', ids)
}

function butFor(
  of: ExpressionBuilder<Schema, 'offline_accesses'>,
  except: SsoSessionId | undefined,
): readonly Expression<SqlBool>[] {
  return except === undefined ? [] : [of('sso_session_id', '!=', except)]
}

function toOfflineAccess(row: OfflineAccessRow): OfflineAccess {
  return {
    grantId: row.grant_id,
    accountId: row.account_id as AccountId,
    appId: row.app_id as AppId,
    appSessionId: row.app_session_id as AppSessionId,
    ssoSessionId: row.sso_session_id as SsoSessionId,
    startedAt: row.started_at,
    lastUsedAt: row.last_used_at,
  }
}
