import { type Expression, type ExpressionBuilder, type SqlBool, sql } from 'kysely'
import type { SsoSessionId } from '#gateway/kernel/ids.ts'
import type { SessionSelector } from '#gateway/sessions/ending.ts'
import type { SessionStore } from '#gateway/sessions/store.ts'
import type { SqlDatabase } from './open.ts'
import type { Schema } from './schema.ts'
import { toAppSession, toSsoSession } from './session-rows.ts'

/** One transaction of the door settles at most this many SsoSessions, so that no other writer waits long (DECISIONS 23). */
export const maxEndedAtOnce = 200

/** Ending: the only statements that write `ended_at` (invariant 1). */
export function createSessionEnding(database: SqlDatabase, tenant: string): Pick<SessionStore, 'markEnded'> {
  const selectSso = () =>
    database
      .q()
      .selectFrom('sso_sessions')
      .selectAll('sso_sessions')
      .where('sso_sessions.tenant', '=', tenant)
  const updateSso = () => database.q().updateTable('sso_sessions').where('tenant', '=', tenant)
  const updateApp = () => database.q().updateTable('app_sessions').where('tenant', '=', tenant)

  return {
    markEnded: (selector, ending) =>
      database.transaction.run(async () => {
        const ended = {
          ended_at: ending.at,
          ended_cause: ending.cause,
          ended_actor: JSON.stringify(ending.actor),
          logout_id: ending.logoutId,
        }
        const ssoIds = endsWholeSessions(selector)
          ? (
              await updateSso()
                .set(ended)
                .where('id', 'in', (of) => pickSso(of, tenant, selector))
                .where('ended_at', 'is', null)
                .returning('id')
                .execute()
            ).map(({ id }) => id as SsoSessionId)
          : []
        const apps = endsWholeSessions(selector)
          ? ssoIds.length === 0
            ? []
            : await updateApp()
                .set(ended)
                .where('sso_session_id', 'in', ssoIds)
                .where('ended_at', 'is', null)
                .returningAll()
                .execute()
          : await updateApp()
              .set(ended)
              .where('ended_at', 'is', null)
              .where((of) => pickApps(of, tenant, selector))
              .returningAll()
              .execute()
        const sessions = ssoIds.length === 0 ? [] : await selectSso().where('id', 'in', ssoIds).execute()
        return { ssoSessions: sessions.map(toSsoSession), appSessions: apps.map(toAppSession) }
      }),
  }
}

type WholeSelector = Extract<SessionSelector, { kind: 'sso-sessions' | 'account' | 'credential' }>
type PartSelector = Extract<SessionSelector, { kind: 'app-sessions' | 'app' }>

function endsWholeSessions(selector: SessionSelector): selector is WholeSelector {
  return selector.kind === 'sso-sessions' || selector.kind === 'account' || selector.kind === 'credential'
}

function pickSso(of: ExpressionBuilder<Schema, 'sso_sessions'>, tenant: string, selector: SessionSelector) {
  let query = of
    .selectFrom('sso_sessions')
    .select('id')
    .where('tenant', '=', tenant)
    .where('ended_at', 'is', null)
    .limit(maxEndedAtOnce)
  const whole = selector as WholeSelector
  switch (whole.kind) {
    case 'sso-sessions':
      // An empty list is a syntax error on one engine and everything on none: it selects nothing here.
      return whole.ids.length === 0 ? query.where(sql<boolean>`1 = 0`) : query.where('id', 'in', whole.ids)
    case 'account':
      query = query.where('account_id', '=', whole.accountId)
      return whole.except === undefined ? query : query.where('id', '!=', whole.except)
    case 'credential':
      query = query.where('id', 'in', (inner) =>
        inner
          .selectFrom('session_credentials')
          .select('sso_session_id')
          .where('tenant', '=', tenant)
          .where('credential_id', '=', whole.credentialId),
      )
      return whole.except === undefined ? query : query.where('id', '!=', whole.except)
    default:
      return whole satisfies never
  }
}

function pickApps(
  of: ExpressionBuilder<Schema, 'app_sessions'>,
  tenant: string,
  selector: PartSelector,
): Expression<SqlBool> {
  switch (selector.kind) {
    case 'app-sessions':
      return selector.ids.length === 0 ? sql<SqlBool>`1 = 0` : of('id', 'in', selector.ids)
    case 'app':
      return of(
        'id',
        'in',
        of
          .selectFrom('app_sessions as chosen')
          .select('chosen.id')
          .where('chosen.tenant', '=', tenant)
          .where('chosen.app_id', '=', selector.appId)
          .where('chosen.ended_at', 'is', null)
          .$if(selector.accountId !== undefined, (query) =>
            query.where('chosen.account_id', '=', selector.accountId ?? ''),
          )
          .limit(maxEndedAtOnce),
      )
    default:
      return selector satisfies never
  }
}
