/**
 * What a selector means, once: for counting, for ending in batches, and for deciding at read whether a session has ended by an instant.
 *
 * Nothing here asks whether a session is active but where active ones are wanted: what is covered stays covered while batches mark it.
 */
import { type Expression, type ExpressionBuilder, type SqlBool, sql } from 'kysely'
import type { AccountId, AppId, AppSessionId, SsoSessionId } from '#gateway/kernel/ids.ts'
import type { DirectSelector, SessionSelector, SessionWhere } from '#gateway/sessions/ending.ts'
import type { CoveringEnding, SessionSelection } from '#gateway/sessions/store.ts'
import { addressWithin } from './address-within.ts'
import type { SqlDatabase } from './open.ts'
import type { Schema } from './schema.ts'

/** Conditions on rows of `sso_sessions`. */
export type OfSso = ExpressionBuilder<Schema, 'sso_sessions'>
type OfApp = ExpressionBuilder<Schema, 'app_sessions'>
type WholeSelector = Extract<DirectSelector, { kind: 'sso-sessions' | 'account' | 'credential' }>
type PartSelector = Extract<DirectSelector, { kind: 'app-sessions' | 'app' }>

/** An empty list is a syntax error on one engine and everything on none: it selects nothing here. */
const nothing = sql<SqlBool>`1 = 0`

/** True when the selector ends SsoSessions, with all under them; false when it ends AppSessions alone. */
export function endsWholeSessions(selector: DirectSelector): selector is WholeSelector {
  return selector.kind === 'sso-sessions' || selector.kind === 'account' || selector.kind === 'credential'
}

/** The SsoSessions that a selector names. */
export function selectsSso(of: OfSso, tenant: string, selector: WholeSelector): Expression<SqlBool> {
  switch (selector.kind) {
    case 'sso-sessions':
      return selector.ids.length === 0 ? nothing : of('id', 'in', selector.ids)
    case 'account':
      return of.and([
        of('account_id', '=', selector.accountId),
        ...(selector.except === undefined ? [] : [of('id', '!=', selector.except)]),
      ])
    case 'credential':
      return of.and([
        openedBy(of, tenant, selector.credentialId),
        ...(selector.except === undefined ? [] : [of('id', '!=', selector.except)]),
      ])
    default:
      return selector satisfies never
  }
}

/** The AppSessions that a selector names. */
export function selectsApps(of: OfApp, selector: PartSelector): Expression<SqlBool> {
  switch (selector.kind) {
    case 'app-sessions':
      return selector.ids.length === 0 ? nothing : of('id', 'in', selector.ids)
    case 'app':
      return of.and([
        of('app_id', '=', selector.appId),
        ...(selector.accountId === undefined ? [] : [of('account_id', '=', selector.accountId)]),
      ])
    default:
      return selector satisfies never
  }
}

/** Conditions that an index answers: they narrow what is looked at. */
function narrows(of: OfSso, where: SessionWhere): readonly Expression<SqlBool>[] {
  const { account, startedBefore } = where
  return [
    ...(account === undefined ? [] : [of('account_id', '=', account)]),
    ...(startedBefore === undefined ? [] : [of('started_at', '<', startedBefore)]),
  ]
}

/** Conditions that are asked of each session that is looked at. */
function matches(
  of: OfSso,
  tenant: string,
  where: SessionWhere,
  epochAt: number,
): readonly Expression<SqlBool>[] {
  const { app, network, credential, aaguid, method } = where
  return [
    ...(credential === undefined ? [] : [wasOpenedBy(of, tenant, credential)]),
    ...(app === undefined ? [] : [inWhich(of, tenant, app, epochAt)]),
    ...(network === undefined ? [] : [addressWithin(sql.ref<string>('sso_sessions.address'), network)]),
    ...(aaguid === undefined ? [] : [openedByModel(of, tenant, aaguid)]),
    ...(method === undefined ? [] : [signedInBy(of, method)]),
  ]
}

/**
 * At any time: `amr` is that of the latest proof where that was weaker, and the passkeys that opened the session stay. Both are lists of
 * short words as JSON text, which none of them can break out of.
 */
function signedInBy(of: OfSso, method: NonNullable<SessionWhere['method']>): Expression<SqlBool> {
  if (method === 'password') return of('amr', 'like', '%"pwd"%')
  return of.or([of('amr', 'like', '%"pop"%'), of('credential_ids', '!=', '[]')])
}

function openedBy(of: OfSso, tenant: string, credentialId: string): Expression<SqlBool> {
  return of(
    'id',
    'in',
    of
      .selectFrom('session_credentials')
      .select('sso_session_id')
      .where('tenant', '=', tenant)
      .where('credential_id', '=', credentialId),
  )
}

/** The same, asked of one session at a time. */
function wasOpenedBy(of: OfSso, tenant: string, credentialId: string): Expression<SqlBool> {
  return of.exists(
    of
      .selectFrom('session_credentials as opened')
      .select('opened.credential_id')
      .where('opened.tenant', '=', tenant)
      .whereRef('opened.sso_session_id', '=', 'sso_sessions.id')
      .where('opened.credential_id', '=', credentialId),
  )
}

function openedByModel(of: OfSso, tenant: string, aaguid: string): Expression<SqlBool> {
  return of.exists(
    of
      .selectFrom('session_credentials as opened')
      .innerJoin('credentials as passkey', (on) =>
        on.onRef('passkey.tenant', '=', 'opened.tenant').onRef('passkey.id', '=', 'opened.credential_id'),
      )
      .select('passkey.id')
      .where('opened.tenant', '=', tenant)
      .whereRef('opened.sso_session_id', '=', 'sso_sessions.id')
      .where('passkey.aaguid', '=', aaguid),
  )
}

/**
 * An AppSession that was active at the instant: one that ended since must not bring its SsoSession back, one that joined since is late.
 * Of sessions that have ended whole, those that the app keeps access of: it has a part in them still.
 */
function inWhich(of: OfSso, tenant: string, appId: string, epochAt: number): Expression<SqlBool> {
  const wasOpen = of.exists(
    of
      .selectFrom('app_sessions as opened')
      .select('opened.id')
      .where('opened.tenant', '=', tenant)
      .whereRef('opened.sso_session_id', '=', 'sso_sessions.id')
      // Not the column alone, or SQLite goes through all that the app has for each session it is asked about.
      .where(sql<SqlBool>`opened.app_id || '' = ${appId}`)
      .where('opened.started_at', '<=', epochAt)
      .where((app) => app.or([app('opened.ended_at', 'is', null), app('opened.ended_at', '>=', epochAt)])),
  )
  const isKept = of.exists(
    of
      .selectFrom('offline_accesses as kept')
      .select('kept.grant_id')
      .where('kept.tenant', '=', tenant)
      .whereRef('kept.sso_session_id', '=', 'sso_sessions.id')
      .where(sql<SqlBool>`kept.app_id || '' = ${appId}`),
  )
  return of.or([wasOpen, of.and([of('sso_sessions.ended_at', 'is not', null), isKept])])
}

/** Whether the ending covers an SsoSession, in whatever state. */
export function coversSso(
  of: OfSso,
  tenant: string,
  { selector, epochAt }: CoveringEnding,
): Expression<SqlBool> {
  if (selector.kind === 'where') {
    const { where } = selector
    return of.and([
      of('started_at', '<=', epochAt),
      ...narrows(of, where),
      ...matches(of, tenant, where, epochAt),
    ])
  }
  return endsWholeSessions(selector)
    ? of.and([of('started_at', '<=', epochAt), selectsSso(of, tenant, selector)])
    : nothing
}

/**
 * Whether the conditions hold for an SsoSession, but for the app having a part in it. Of a session that lives on after the person left the
 * app alone, the app may keep access all the same, and whoever ends what is at the app means that too.
 */
export function coversButForApp(
  of: OfSso,
  tenant: string,
  where: SessionWhere,
  epochAt: number,
): Expression<SqlBool> {
  const { app: _, ...others } = where
  return coversSso(of, tenant, { selector: { kind: 'where', where: others }, epochAt })
}

/** The part of SessionStore that selects without naming. */
export function createSessionSelection(database: SqlDatabase, tenant: string): SessionSelection {
  const selectSso = () => database.q().selectFrom('sso_sessions').where('sso_sessions.tenant', '=', tenant)
  const selectApp = () => database.q().selectFrom('app_sessions').where('app_sessions.tenant', '=', tenant)

  const covered: SessionSelection['covered'] = async (ending, ids) => {
    if (ids.length === 0 || isOfApps(ending.selector)) return new Set()
    const rows = await selectSso()
      .select('id')
      .where('id', 'in', ids)
      .where((of) => coversSso(of, tenant, ending))
      .execute()
    return new Set(rows.map(({ id }) => id as SsoSessionId))
  }

  /** AppSessions that ended alone, and of which the app that the conditions name keeps access. */
  const keptParts = async (
    where: SessionWhere,
    epochAt: number,
    ids: readonly AppSessionId[],
  ): Promise<readonly { readonly id: string }[]> => {
    const { app } = where
    if (app === undefined) return []
    return selectApp()
      .select('id')
      .where('id', 'in', ids)
      .where('app_id', '=', app)
      .where('ended_at', 'is not', null)
      .where((of) =>
        of.exists(
          of
            .selectFrom('offline_accesses as kept')
            .select('kept.grant_id')
            .where('kept.tenant', '=', tenant)
            .whereRef('kept.app_session_id', '=', 'app_sessions.id'),
        ),
      )
      .where((of) =>
        of.exists(
          of
            .selectFrom('sso_sessions')
            .select('sso_sessions.id')
            .where('sso_sessions.tenant', '=', tenant)
            .whereRef('sso_sessions.id', '=', 'app_sessions.sso_session_id')
            .where((session) => coversButForApp(session as unknown as OfSso, tenant, where, epochAt)),
        ),
      )
      .execute()
  }

  return {
    walk: async (where, { startedBy, after, limit }) => {
      const rows = await selectSso()
        .select(['id', 'account_id', 'started_at'])
        .select((of) => of.and([...matches(of, tenant, where, startedBy)]).as('matches'))
        .where('ended_at', 'is', null)
        .where('started_at', '<=', startedBy)
        .where((of) => of.and([...narrows(of, where)]))
        .$if(after !== undefined, (query) =>
          query.where(sql<SqlBool>`(started_at, id) > (${after?.startedAt}, ${after?.id})`),
        )
        .orderBy('started_at')
        .orderBy('id')
        .limit(limit)
        .execute()
      const seen = rows.map((row) => ({
        id: row.id as SsoSessionId,
        accountId: row.account_id as AccountId,
        startedAt: row.started_at,
        matches: Boolean(row.matches),
      }))
      const last = seen.at(-1)
      return {
        matched: seen
          .filter((session) => session.matches)
          .map(({ id, accountId, startedAt }) => ({ id, accountId, startedAt })),
        ...(last === undefined || seen.length < limit
          ? {}
          : { next: { startedAt: last.startedAt, id: last.id } }),
      }
    },

    countApps: async (ids) => {
      if (ids.length === 0) return []
      const counted = selectApp()
        .select((of) => of.fn.countAll<number>().as('count'))
        .where('ended_at', 'is', null)
      const rows =
        ids === 'all'
          ? await counted.select('app_id as app').groupBy('app_id').execute()
          : await counted
              // Not the column alone, or SQLite goes through everything that is active in the order of apps.
              .select(sql<string>`app_id || ''`.as('app'))
              .where('sso_session_id', 'in', ids)
              .groupBy('app')
              .execute()
      return rows.map(({ app, count }) => ({ appId: app as AppId, count: Number(count) }))
    },

    countCovered: async ({ selector, epochAt }) => {
      const counted = endsWholeSessions(selector)
        ? selectSso()
            .select((of) => of.fn.countAll<number>().as('count'))
            .where((of) => selectsSso(of, tenant, selector))
            .where('ended_at', 'is', null)
            .where('started_at', '<=', epochAt)
        : selectApp()
            .select((of) => of.fn.countAll<number>().as('count'))
            .where((of) => selectsApps(of, selector))
            .where('ended_at', 'is', null)
            .where('started_at', '<=', epochAt)
      return Number((await counted.executeTakeFirstOrThrow()).count)
    },

    covered,

    coveredApps: async (ending, ids) => {
      if (ids.length === 0) return new Set()
      const { selector, epochAt } = ending
      if (isOfApps(selector)) {
        const rows = await selectApp()
          .select('id')
          .where('id', 'in', ids)
          .where('started_at', '<=', epochAt)
          .where((of) => selectsApps(of, selector))
          .execute()
        return new Set(rows.map(({ id }) => id as AppSessionId))
      }
      const rows = await selectApp().select(['id', 'sso_session_id']).where('id', 'in', ids).execute()
      const whole = await covered(ending, [...new Set(rows.map((row) => row.sso_session_id as SsoSessionId))])
      const found = rows.filter((row) => whole.has(row.sso_session_id as SsoSessionId))
      const kept = selector.kind === 'where' ? await keptParts(selector.where, epochAt, ids) : []
      return new Set([...found, ...kept].map(({ id }) => id as AppSessionId))
    },
  }
}

function isOfApps(selector: SessionSelector): selector is PartSelector {
  return selector.kind === 'app-sessions' || selector.kind === 'app'
}
