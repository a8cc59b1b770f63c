import type { CredentialId, SsoSessionId } from '#gateway/kernel/ids.ts'
import type { SsoSession } from '#gateway/sessions/sso-session.ts'
import type { SessionStore } from '#gateway/sessions/store.ts'
import type { SqlDatabase } from './open.ts'
import { isAfter } from './paging.ts'
import { maxEndedAtOnce } from './session-ending.ts'
import { toSsoSession } from './session-rows.ts'
import { insertSecret } from './session-secrets.ts'
import { createStatement } from './statement.ts'

/** SsoSessions as records: begun, read, listed, strengthened, used. */
export function createSessionRecords(
  database: SqlDatabase,
  tenant: string,
): Pick<
  SessionStore,
  | 'insert'
  | 'find'
  | 'listByAccount'
  | 'list'
  | 'strengthen'
  | 'touch'
  | 'leastRecentlyUsed'
  | 'countActive'
  | 'endedBy'
> {
  const selectSso = () =>
    database
      .q()
      .selectFrom('sso_sessions')
      .selectAll('sso_sessions')
      .where('sso_sessions.tenant', '=', tenant)
  const updateSso = () => database.q().updateTable('sso_sessions').where('tenant', '=', tenant)
  const touch = createStatement(database, (q, of: { id: string; at: number }) =>
    q
      .updateTable('sso_sessions')
      .set({ last_seen_at: of.at })
      .where('tenant', '=', tenant)
      .where('id', '=', of.id)
      .where('ended_at', 'is', null)
      .where('last_seen_at', '<', of.at)
      .compile(),
  )
  const addCredentials = async (id: SsoSessionId, credentialIds: readonly CredentialId[]): Promise<void> => {
    if (credentialIds.length === 0) return
    await database
      .q()
      .insertInto('session_credentials')
      .values(
        credentialIds.map((credentialId) => ({ tenant, sso_session_id: id, credential_id: credentialId })),
      )
      .onConflict((on) => on.doNothing())
      .execute()
  }
  const listSso = async (filter: Parameters<SessionStore['list']>[0]): Promise<readonly SsoSession[]> => {
    let query = selectSso().orderBy('started_at', 'desc').orderBy('id', 'desc').limit(filter.limit)
    if (filter.accountId !== undefined) query = query.where('account_id', '=', filter.accountId)
    if (filter.state !== undefined)
      query = query.where('ended_at', filter.state === 'active' ? 'is' : 'is not', null)
    const before = filter.before
    if (before !== undefined) query = query.where(isAfter(before))
    return (await query.execute()).map(toSsoSession)
  }

  return {
    insert: (session, secretHash, checkAt) =>
      database.transaction.run(async () => {
        await database
          .q()
          .insertInto('sso_sessions')
          .values({
            tenant,
            id: session.id,
            account_id: session.accountId,
            started_at: session.startedAt,
            authenticated_at: session.authenticatedAt,
            last_seen_at: session.lastSeenAt,
            remembered: session.remembered ? 1 : 0,
            acr: session.acr,
            amr: JSON.stringify(session.amr),
            credential_ids: JSON.stringify(session.credentialIds),
            address: session.address,
            user_agent: session.userAgent,
            check_at: checkAt,
            ended_at: null,
            ended_cause: null,
            ended_actor: null,
            logout_id: null,
            kept_until: null,
          })
          .execute()
        await addCredentials(session.id, session.credentialIds)
        await insertSecret(database, tenant, secretHash, session.id, session.startedAt)
      }),
    find: async (id) => {
      const row = await selectSso().where('id', '=', id).executeTakeFirst()
      return row === undefined ? undefined : toSsoSession(row)
    },
    listByAccount: (accountId, filter) => listSso({ accountId, ...filter }),
    list: listSso,
    strengthen: (id, proof) =>
      database.transaction.run(async () => {
        const row = await updateSso()
          .set({
            authenticated_at: proof.authenticatedAt,
            last_seen_at: proof.lastSeenAt,
            acr: proof.acr,
            amr: JSON.stringify(proof.amr),
            credential_ids: JSON.stringify(proof.credentialIds),
          })
          .where('id', '=', id)
          .where('ended_at', 'is', null)
          .returning('id')
          .executeTakeFirst()
        if (row === undefined) return false
        await addCredentials(id, proof.credentialIds)
        return true
      }),
    touch: async (id, at) => {
      await touch({ id, at })
    },
    leastRecentlyUsed: async (accountId, limit) =>
      (
        await selectSso()
          .where('account_id', '=', accountId)
          .where('ended_at', 'is', null)
          .orderBy('last_seen_at')
          .orderBy('id')
          .limit(limit)
          .execute()
      ).map(toSsoSession),
    countActive: async (upTo) => {
      const counted = await database
        .q()
        .selectFrom((of) =>
          of
            .selectFrom('sso_sessions')
            .select('id')
            .where('tenant', '=', tenant)
            .where('ended_at', 'is', null)
            .limit(upTo)
            .as('active'),
        )
        .select((of) => of.fn.countAll<number>().as('count'))
        .executeTakeFirstOrThrow()
      return Number(counted.count)
    },
    endedBy: async (logoutId) =>
      (await selectSso().where('logout_id', '=', logoutId).limit(maxEndedAtOnce).execute()).map(toSsoSession),
  }
}
