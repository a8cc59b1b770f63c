/**
 * What a claim is made of: probes first, then those that have been due longest, and of a backlog that is longer than a claim looks at, some
 * for the apps with the freshest news.
 */
import { type SqlBool, sql } from 'kysely'
import type { PendingDelivery } from '#gateway/logout/delivery.ts'
import type { LogoutStore } from '#gateway/logout/store.ts'
import { type ClaimOf, claimAcrossApps, claimEarliest, claimProbes, nextDue } from './logout-claim.ts'
import { toPendingDelivery } from './logout-rows.ts'
import type { SqlDatabase } from './open.ts'
import type { LogoutDeliveryRow } from './schema.ts'
import { createStatement } from './statement.ts'

/** Of what may be claimed at most one in so many is a probe: apps that are down wait for time-outs, and the others must not wait with them. */
const perProbe = 4
/**
 * With more due than a claim looks at, one in so many goes to the apps whose oldest news is the newest: a person who signs out during
 * the end of ten thousand sessions waits for their own apps only.
 */
const perFresh = 4
/** Rows looked at for each that may be claimed: apps with a few due each are served from these alone. */
const windowPerClaim = 4
/**
 * Of the time no more than one part in so many goes into looking for fresh news: the search costs with the number of apps that wait, and
 * with a thousand of them would cost more than all else that a claim does. They are looked for about ten times a second then.
 */
const partOfTime = 50

type ClaimArguments = Omit<ClaimOf, 'tenant'>

/** The part of LogoutStore that finds what is due. */
export function createSqlLogoutClaims(
  database: SqlDatabase,
  tenant: string,
): Pick<LogoutStore, 'claim' | 'nextDueAfter'> {
  const claiming = (
    build: (of: ClaimOf & { readonly window: number }) => ReturnType<typeof claimProbes>,
  ): ((of: ClaimArguments & { readonly window: number }) => Promise<readonly PendingDelivery[]>) => {
    const statement = createStatement<ClaimArguments & { readonly window: number }, LogoutDeliveryRow>(
      database,
      // Named one by one: stand-ins have no list of their names.
      (q, { node, now, leaseUntil, limit, perApp, window }) =>
        build({ tenant, node, now, leaseUntil, limit, perApp, window }).compile(q),
    )
    return async (of) => (await statement(of)).map(toPendingDelivery)
  }
  const probes = claiming(claimProbes)
  const earliest = claiming((of) => claimEarliest(of, of.window))
  const firstOfEachApp = claiming((of) => claimAcrossApps(of, 1))
  /** By how many of each app; a process has one such limit. */
  const acrossApps = new Map<number, typeof firstOfEachApp>()

  const anyProbe = createStatement(database, (q, of: { now: number }) =>
    q
      .selectFrom('app_health')
      .select('app_id')
      .where('tenant', '=', tenant)
      .where('probe_at', '<=', of.now)
      .limit(1)
      .compile(),
  )
  const dueBehind = createStatement(database, (q, of: { now: number; offset: number }) =>
    q
      .selectFrom('logout_deliveries')
      .select('id')
      .where('tenant', '=', tenant)
      .where(sql<SqlBool>`state = 'pending'`)
      .where('due_at', '<=', of.now)
      .orderBy('due_at')
      .limit(1)
      .offset(of.offset)
      .compile(),
  )
  const findNextDue = createStatement(database, (q, of: { now: number }) =>
    nextDue(tenant, of.now).compile(q),
  )

  /** True when at least so many are due: then the earliest that were looked at were not all. */
  const stillDue = async (now: number, count: number): Promise<boolean> =>
    (await dueBehind({ now, offset: count - 1 })).length > 0

  /** Of `performance.now()`. */
  let lookForFreshAt = 0
  const fresh = async (of: Parameters<typeof earliest>[0]): Promise<readonly PendingDelivery[]> => {
    const began = performance.now()
    if (began < lookForFreshAt || !(await stillDue(of.now, of.window + 1))) return []
    const found = await firstOfEachApp({ ...of, limit: Math.ceil(of.limit / perFresh) })
    const took = performance.now() - began
    lookForFreshAt = began + took * partOfTime
    return found
  }

  return {
    claim: async (claim) => {
      const of = { ...claim, window: claim.limit * windowPerClaim }
      const claimed =
        (await anyProbe({ now: of.now })).length === 0
          ? []
          : [...(await probes({ ...of, limit: Math.ceil(of.limit / perProbe) }))]
      const left = (): number => of.limit - claimed.length
      if (left() === 0) return claimed
      const window = left() * windowPerClaim
      claimed.push(...(await fresh({ ...of, limit: left(), window })))
      if (left() === 0) return claimed
      const served = await earliest({ ...of, limit: left(), window })
      claimed.push(...served)
      if (left() === 0 || !(await stillDue(of.now, window - served.length))) return claimed
      const across = acrossApps.get(of.perApp) ?? claiming((standIns) => claimAcrossApps(standIns, of.perApp))
      acrossApps.set(of.perApp, across)
      claimed.push(...(await across({ ...of, limit: left() })))
      return claimed
    },

    nextDueAfter: async (now) => (await findNextDue({ now }))[0]?.at ?? undefined,
  }
}
