/**
 * Leasing due deliveries so that apps take turns. Two statements, each right on every engine.
 *
 * `claimEarliest` looks at the deliveries that have been due longest and takes the first of each app, then the second of each, and so
 * on. That is all there is to do unless one app that is down or slow fills everything it looks at; then `claimAcrossApps` walks the
 * apps instead, one index seek each, so the queue of one, however long, keeps nobody waiting.
 *
 * In both the outer conditions decide when two processes picked the same row: the second finds it due no more.
 */
import { type RawBuilder, sql } from 'kysely'
import type { LogoutDeliveryRow } from './schema.ts'

export interface ClaimOf {
  readonly tenant: string
  readonly node: string
  readonly now: number
  readonly leaseUntil: number
  readonly limit: number
  readonly perApp: number
}

/** What each app has under lease that has not run out: never more than are in flight, so it is counted whole. */
function leased({ tenant, now }: ClaimOf): RawBuilder<unknown> {
  return sql`
    select app_id, count(*) as leases from logout_deliveries
    where tenant = ${tenant} and lease_by is not null and due_at > ${now} group by app_id`
}

/** The plus keeps the planner of SQLite from walking everything that is due: the few rows picked are found by their key. */
function lease({ tenant, node, now, leaseUntil }: ClaimOf): RawBuilder<LogoutDeliveryRow> {
  return sql<LogoutDeliveryRow>`
    update logout_deliveries set due_at = ${leaseUntil}, lease_by = ${node}, attempts = attempts + 1
    where tenant = ${tenant} and state = 'pending' and +due_at <= ${now} and id in (select id from picked)
    returning *`
}

/** Of the `window` earliest. */
export function claimEarliest(of: ClaimOf, window: number): RawBuilder<LogoutDeliveryRow> {
  return sql<LogoutDeliveryRow>`
    with
      earliest as (
        select id, app_id, due_at from logout_deliveries
        where tenant = ${of.tenant} and state = 'pending' and due_at <= ${of.now} order by due_at limit ${window}
      ),
      leased as (${leased(of)}),
      turns as (
        select id, earliest.app_id, due_at, row_number() over (partition by earliest.app_id order by due_at, id) as place
        from earliest
      ),
      picked as (
        select turns.id from turns left join leased on leased.app_id = turns.app_id
        where place + coalesce(leases, 0) <= ${of.perApp}
        order by place + coalesce(leases, 0), due_at limit ${of.limit}
      )
    ${lease(of)}`
}

/** Of all apps that have something due, the earliest few of each. */
export function claimAcrossApps(of: ClaimOf): RawBuilder<LogoutDeliveryRow> {
  // One branch per place in the queue: a correlated subquery may have a fixed offset and not a varying one.
  const places = Array.from(
    { length: of.perApp },
    (_, before) => sql`
      select app_id, ${sql.lit(before + 1)} as place, (
        select queued.id from logout_deliveries as queued
        where queued.tenant = ${of.tenant} and queued.app_id = waiting.app_id
          and queued.state = 'pending' and queued.due_at <= ${of.now}
        order by queued.due_at limit 1 offset ${sql.lit(before)}
      ) as id from waiting where app_id is not null`,
  )
  return sql<LogoutDeliveryRow>`
    with recursive
      waiting(app_id) as (
        select min(app_id) from logout_deliveries where tenant = ${of.tenant} and state = 'pending'
        union all
        select (
          select min(later.app_id) from logout_deliveries as later
          where later.tenant = ${of.tenant} and later.state = 'pending' and later.app_id > waiting.app_id
        ) from waiting where waiting.app_id is not null
      ),
      leased as (${leased(of)}),
      places as (${sql.join(places, sql` union all `)}),
      picked as (
        select due.id from places
        cross join logout_deliveries as due
        left join leased on leased.app_id = due.app_id
        where due.tenant = ${of.tenant} and due.id = places.id and place + coalesce(leases, 0) <= ${of.perApp}
        order by place + coalesce(leases, 0), due.due_at limit ${of.limit}
      )
    ${lease(of)}`
}
