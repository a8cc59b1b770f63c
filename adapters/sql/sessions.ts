import { type Expression, type ExpressionBuilder, type SqlBool, sql } from 'kysely'
import type { CredentialId, SsoSessionId } from '#gateway/kernel/ids.ts'
import type { SessionSelector } from '#gateway/sessions/ending.ts'
import type { SsoSession } from '#gateway/sessions/sso-session.ts'
import type { SessionStore } from '#gateway/sessions/store.ts'
import type { SqlDatabase } from './open.ts'
import type { Schema } from './schema.ts'
import { toAppSession, toSecret, toSsoSession } from './session-rows.ts'
import { createStatement } from './statement.ts'

/** One transaction of the door settles at most this many SsoSessions, so that no other writer waits long (DECISIONS 23). */
const maxEndedAtOnce = 200

/** SessionStore on SQL. Every conditional write says `ended_at is null`: ended beats active in each of them. */
export function createSqlSessionStore(database: SqlDatabase, tenant: string): SessionStore {
  const selectSso = () =>
    database
      .q()
      .selectFrom('sso_sessions')
      .selectAll('sso_sessions')
      .where('sso_sessions.tenant', '=', tenant)
  const selectApp = () => database.q().selectFrom('app_sessions').selectAll().where('tenant', '=', tenant)
  const updateSso = () => database.q().updateTable('sso_sessions').where('tenant', '=', tenant)
  const updateApp = () => database.q().updateTable('app_sessions').where('tenant', '=', tenant)
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
  const holdLive = createStatement(database, (q, of: { id: string }) =>
    q
      .updateTable('sso_sessions')
      .set((column) => ({ last_seen_at: column.ref('last_seen_at') }))
      .where('tenant', '=', tenant)
      .where('id', '=', of.id)
      .where('ended_at', 'is', null)
      .returning('id')
      .compile(),
  )
  const findActiveAppSession = createStatement(database, (q, of: { ssoSessionId: string; appId: string }) =>
    q
      .selectFrom('app_sessions')
      .selectAll()
      .where('tenant', '=', tenant)
      .where('sso_session_id', '=', of.ssoSessionId)
      .where('app_id', '=', of.appId)
      .where('ended_at', 'is', null)
      .compile(),
  )
  const insertAppSession = createStatement(
    database,
    (
      q,
      of: {
        id: string
        ssoSessionId: string
        accountId: string
        appId: string
        sid: string
        startedAt: number
        lastSeenAt: number
        checkAt: number | null
      },
    ) =>
      q
        .insertInto('app_sessions')
        .values({
          tenant,
          id: of.id,
          sso_session_id: of.ssoSessionId,
          account_id: of.accountId,
          app_id: of.appId,
          sid: of.sid,
          started_at: of.startedAt,
          last_seen_at: of.lastSeenAt,
          check_at: of.checkAt,
          ended_at: null,
          ended_cause: null,
          ended_actor: null,
          logout_id: null,
        })
        .onConflict((on) => on.doNothing())
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

  const insertSecret = async (hash: string, id: SsoSessionId, issuedAt: number): Promise<void> => {
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

  const listSso = async (filter: Parameters<SessionStore['list']>[0]): Promise<readonly SsoSession[]> => {
    let query = selectSso().orderBy('started_at', 'desc').orderBy('id', 'desc').limit(filter.limit)
    if (filter.accountId !== undefined) query = query.where('account_id', '=', filter.accountId)
    if (filter.state !== undefined)
      query = query.where('ended_at', filter.state === 'active' ? 'is' : 'is not', null)
    const before = filter.before
    if (before !== undefined) {
      query = query.where((of) =>
        of.or([
          of('started_at', '<', before.startedAt),
          of.and([of('started_at', '=', before.startedAt), of('id', '<', before.id)]),
        ]),
      )
    }
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
          })
          .execute()
        await addCredentials(session.id, session.credentialIds)
        await insertSecret(secretHash, session.id, session.startedAt)
      }),

    find: async (id) => {
      const row = await selectSso().where('id', '=', id).executeTakeFirst()
      return row === undefined ? undefined : toSsoSession(row)
    },

    findBySecret: async (hash) => {
      const [secret] = await findSecret({ hash })
      const [session] = secret === undefined ? [] : await findSession({ id: secret.sso_session_id })
      return secret === undefined || session === undefined
        ? undefined
        : { session: toSsoSession(session), secret: toSecret(secret) }
    },
    listByAccount: (accountId, filter) => listSso({ accountId, ...filter }),
    list: listSso,

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
        // A change of privilege takes the grace from every older secret too; the clock only supersedes the current one.
        await updateSecrets()
          .set({ state: next.kind, superseded_at: next.issuedAt })
          .where('sso_session_id', '=', id)
          .where('hash', '!=', next.hash)
          .where('state', 'in', next.kind === 'replaced' ? ['current', 'superseded'] : ['current'])
          .execute()
        await insertSecret(next.hash, id, next.issuedAt)
        return true
      }),

    markSecretSeen: async (hash) => {
      await updateSecrets().set({ seen: 1 }).where('hash', '=', hash).where('seen', '=', 0).execute()
    },

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

    join: (wanted, checkAt) =>
      database.transaction.run(async () => {
        // The SsoSession row is written, not only read, so that on every engine a join and an end of it cannot both think they were first.
        const [live] = await holdLive({ id: wanted.ssoSessionId })
        if (live === undefined) return undefined
        const place = { ssoSessionId: wanted.ssoSessionId, appId: wanted.appId }
        const [known] = await findActiveAppSession(place)
        if (known !== undefined) return toAppSession(known)
        await insertAppSession({
          id: wanted.id,
          ssoSessionId: wanted.ssoSessionId,
          accountId: wanted.accountId,
          appId: wanted.appId,
          sid: wanted.sid,
          startedAt: wanted.startedAt,
          lastSeenAt: wanted.lastSeenAt,
          checkAt: checkAt ?? null,
        })
        const [row] = await findActiveAppSession(place)
        return row === undefined ? undefined : toAppSession(row)
      }),

    findAppSession: async (id) => {
      const row = await selectApp().where('id', '=', id).executeTakeFirst()
      return row === undefined ? undefined : toAppSession(row)
    },

    findAppSessionBySid: async (appId, sid) => {
      const row = await selectApp().where('app_id', '=', appId).where('sid', '=', sid).executeTakeFirst()
      return row === undefined ? undefined : toAppSession(row)
    },

    appSessionsOf: async (ids, state) => {
      if (ids.length === 0) return []
      let query = selectApp().where('sso_session_id', 'in', ids).orderBy('started_at').orderBy('id')
      if (state === 'active') query = query.where('ended_at', 'is', null)
      return (await query.execute()).map(toAppSession)
    },

    touchAppSession: async (id, at) => {
      await updateApp()
        .set({ last_seen_at: at })
        .where('id', '=', id)
        .where('ended_at', 'is', null)
        .where('last_seen_at', '<', at)
        .execute()
    },

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

    due: async (now, limit) => {
      const sso = await selectSso()
        .where('ended_at', 'is', null)
        .where('check_at', '<=', now)
        .orderBy('check_at')
        .limit(limit)
        .execute()
      const apps = await selectApp()
        .where('ended_at', 'is', null)
        .where('check_at', '<=', now)
        .orderBy('check_at')
        .limit(limit)
        .execute()
      return { ssoSessions: sso.map(toSsoSession), appSessions: apps.map(toAppSession) }
    },

    bringForward: async (latest, now, limit) => {
      const { numUpdatedRows } = await updateSso()
        .set({ check_at: now })
        .where('id', 'in', (of) =>
          of
            .selectFrom('sso_sessions')
            .select('id')
            .where('tenant', '=', tenant)
            .where('ended_at', 'is', null)
            .where('check_at', '>', latest)
            .limit(limit),
        )
        .executeTakeFirst()
      return Number(numUpdatedRows)
    },

    recheckSsoSession: async (id, checkAt) => {
      await updateSso()
        .set({ check_at: checkAt })
        .where('id', '=', id)
        .where('ended_at', 'is', null)
        .execute()
    },

    recheckAppSession: async (id, checkAt) => {
      await updateApp()
        .set({ check_at: checkAt })
        .where('id', '=', id)
        .where('ended_at', 'is', null)
        .execute()
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

    deleteEnded: (endedBefore, limit) =>
      database.transaction.run(async () => {
        const rows = await database
          .q()
          .selectFrom('sso_sessions')
          .select('id')
          .where('tenant', '=', tenant)
          .where('ended_at', '<', endedBefore)
          .orderBy('ended_at')
          .limit(limit)
          .execute()
        const ids = rows.map(({ id }) => id)
        if (ids.length === 0) return 0
        // Children first: a row must never point at a session that is gone.
        for (const table of ['session_credentials', 'session_secrets', 'app_sessions'] as const) {
          await database
            .q()
            .deleteFrom(table)
            .where('tenant', '=', tenant)
            .where('sso_session_id', 'in', ids)
            .execute()
        }
        await database
          .q()
          .deleteFrom('sso_sessions')
          .where('tenant', '=', tenant)
          .where('id', 'in', ids)
          .execute()
        return ids.length
      }),

    endedBy: async (logoutId) =>
      (await selectSso().where('logout_id', '=', logoutId).limit(maxEndedAtOnce).execute()).map(toSsoSession),
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
