import type { SsoSessionId } from '#gateway/kernel/ids.ts'
import type { NextSecret, SessionStore } from '#gateway/sessions/store.ts'
import type { SqlDatabase } from './open.ts'
import { toSecret, toSsoSession } from './session-rows.ts'
import { createStatement } from './statement.ts'

/** The values that a session's cookie has had, and what each of them opens. */
export function createSessionSecrets(
  database: SqlDatabase,
  tenant: string,
): Pick<SessionStore, 'findBySecret' | 'changeSecret' | 'markSecretSeen'> {
  const updateSecrets = () => database.q().updateTable('session_secrets').where('tenant', '=', tenant)

  // What every request asks, compiled once.
  const findSecret = createStatement(database, (q, of: { hash: string }) =>
    q
      .selectFrom('session_secrets')
      .select(['hash', 'sso_session_id', 'state', 'issued_at', 'superseded_at', 'seen'])
      .where('tenant', '=', tenant)
      .where('hash', '=', of.hash)
      .compile(),
  )
  const findSession = createStatement(database, (q, of: { id: string }) =>
    q.selectFrom('sso_sessions').selectAll().where('tenant', '=', tenant).where('id', '=', of.id).compile(),
  )

  const supersede = (id: SsoSessionId, next: Extract<NextSecret, { kind: 'superseded' }>) =>
    updateSecrets()
      .set({ state: 'superseded', superseded_at: next.issuedAt })
      .where('sso_session_id', '=', id)
      .where('hash', '=', next.over)
      .where('state', '=', 'current')
      .returning('hash')
      .execute()
  const findCurrent = async (id: SsoSessionId): Promise<string | undefined> => {
    const row = await database
      .q()
      .selectFrom('session_secrets')
      .select('hash')
      .where('tenant', '=', tenant)
      .where('sso_session_id', '=', id)
      .where('state', '=', 'current')
      .executeTakeFirst()
    return row?.hash
  }

  return {
    findBySecret: async (hash) => {
      const [secret] = await findSecret({ hash })
      const [session] = secret === undefined ? [] : await findSession({ id: secret.sso_session_id })
      return secret === undefined || session === undefined
        ? undefined
        : { session: toSsoSession(session), secret: toSecret(secret) }
    },
    changeSecret: (id, next) =>
      database.transaction.run(async () => {
        const live = await database
          .q()
          .selectFrom('sso_sessions')
          .select('id')
          .where('tenant', '=', tenant)
          .where('id', '=', id)
          .where('ended_at', 'is', null)
          .executeTakeFirst()
        if (live === undefined) return false
        if (next.kind === 'superseded') {
          const [was] = await supersede(id, next)
          // Not the current one: another tab was first with the same next one, or a change of privilege was.
          if (was === undefined) return (await findCurrent(id)) === next.hash
        } else {
          await updateSecrets()
            .set({ state: 'replaced', superseded_at: next.issuedAt })
            .where('sso_session_id', '=', id)
            .where('hash', '!=', next.hash)
            .where('state', 'in', ['current', 'superseded'])
            .execute()
        }
        await insertSecret(database, tenant, next.hash, id, next.issuedAt)
        return true
      }),
    markSecretSeen: async (hash) => {
      await updateSecrets().set({ seen: 1 }).where('hash', '=', hash).where('seen', '=', 0).execute()
    },
  }
}

/** Makes `hash` the session's current secret; nothing when it is known already. */
export async function insertSecret(
  database: SqlDatabase,
  tenant: string,
  hash: string,
  id: SsoSessionId,
  issuedAt: number,
): Promise<void> {
  await database
    .q()
    .insertInto('session_secrets')
    .values({
      tenant,
      hash,
      sso_session_id: id,
      state: 'current',
      issued_at: issuedAt,
      superseded_at: null,
      seen: 0,
    })
    .onConflict((on) => on.doNothing())
    .execute()
}
